// A subject that speaks HTTP: ours, a floor, or a peer. How each is found and started is in subjects/ and peers/.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, start, untilAccepts } from './programs.mjs'
import { peakMemory } from './usage.mjs'

/**
 * @typedef {object} Site
 * @property {number} port to listen at, on 127.0.0.1
 * @property {string} root the document root
 * @property {string} backend the path of the socket
 * @property {string} folder for whatever the server has to write
 * @property {number | undefined} [backendConnections] the most that it may open, where it has an option for that. Default its own
 *
 * @typedef {object} ServerSubject
 * @property {string} id
 * @property {string} title
 * @property {boolean} peer
 * @property {boolean} own whether it is this project; a floor is neither
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
  writeFileSync(join(root, 'index.php'), '<?php echo "never run by the responder";\n')
  writeFileSync(join(root, 'assets', 'style.css'), 'body { margin: 0 }\n')
  return root
}

/**
 * Starts all that can be started. What cannot has failed its first round before it began.
 *
 * @template {ServerSubject} S
 * @param {import('./scope.mjs').Scope} scope @param {readonly S[]} subjects
 * @param {(subject: S) => Promise<Pick<Site, 'backend' | 'root' | 'backendConnections'>>} siteOf
 */
export async function startServers(scope, subjects, siteOf) {
  /** @type {(S & RunningServer)[]} */
  const running = []
  /** @type {import('./result.mjs').SubjectResult[]} */
  const failed = []
  for (const subject of subjects) {
    const { id, title } = subject
    try {
      const server = await startServer(scope, subject, await siteOf(subject))
      running.push({ ...subject, ...server })
    } catch (error) {
      failed.push({ id, title, rounds: [{ failure: String(error) }] })
    }
  }
  return { running, failed }
}

/** @param {RunningServer} server @param {import('./result.mjs').Round[]} [rounds] @returns {import('./result.mjs').SubjectResult} */
export function resultOf({ id, title, version, own, pid }, rounds = []) {
  return { id, title, version: version(), own, memory: peakMemory(pid), rounds }
}
