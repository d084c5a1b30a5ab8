// A subject that speaks HTTP: ours, a floor, or a peer. How each is found and started is in subjects/ and peers/.

import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, start, untilAccepts } from './programs.mjs'

/**
 * @typedef {object} Site
 * @property {number} port to listen at, on 127.0.0.1
 * @property {string} root the document root
 * @property {string} backend the path of the socket
 * @property {string} folder for whatever the server has to write
 * @property {number} [backendConnections] the most that it may open, where it has an option for that. Default its own
 *
 * @typedef {object} ServerSubject
 * @property {string} id
 * @property {string} title
 * @property {boolean} peer
 * @property {() => string | undefined} missing why it cannot be measured here
 * @property {() => string} version
 * @property {(site: Site) => import('./programs.mjs').Command} command
 *
 * @typedef {ServerSubject & { pid: number, port: number }} RunningServer
 */

/**
 * @param {import('./scope.mjs').Scope} scope @param {ServerSubject} subject
 * @param {Pick<Site, 'backend' | 'root' | 'backendConnections'>} site
 * @returns {Promise<RunningServer>}
 */
export async function startServer(scope, subject, site) {
  const folder = scope.folder(subject.id)
  chmodSync(folder, 0o755)
  const port = await freePort()
  const running = start(scope, subject.command({ ...site, port, folder }))
  await untilAccepts(running, { port }).catch((error) => {
    throw new Error(`${subject.title} does not start: ${error.message}`, { cause: error })
  })
  return { ...subject, pid: running.pid, port }
}

/** A document root with files, since gateways look whether they are there. @param {import('./scope.mjs').Scope} scope */
export function documentRoot(scope) {
  const root = join(scope.folder('root'), 'public')
  mkdirSync(join(root, 'assets'), { recursive: true })
  chmodSync(join(root, '..'), 0o755)
  writeFileSync(join(root, 'index.php'), '<?php echo "never run by the responder";\n')
  writeFileSync(join(root, 'assets', 'style.css'), 'body { margin: 0 }\n')
  return root
}
