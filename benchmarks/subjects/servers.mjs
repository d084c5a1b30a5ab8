// This project's servers, and the floor beneath them.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT, subjectFile } from '../lib/paths.mjs'
import { TINY } from '../lib/responder.mjs'
import { runtimes } from '../lib/runtimes.mjs'

/** @typedef {import('../lib/server-subject.mjs').ServerSubject} ServerSubject */

const { node, bun } = runtimes

/** @param {import('../lib/runtimes.mjs').Runtime} runtime @param {string} file @param {Record<string, string>} env */
function startFile(runtime, file, env) {
  return { file: runtime.program ?? '', args: [...runtime.args, subjectFile(file)], env }
}

/** @type {ServerSubject} */
export const hello = {
  id: 'hello',
  title: 'node:http alone',
  peer: false,
  own: false,
  missing: node.missing,
  version: node.version,
  command: ({ port }) =>
    startFile(node, 'hello-server.mjs', { PORT: `${port}`, BODY_LENGTH: `${TINY}` }),
}

/**
 * @param {string} id @param {string} title @param {import('../lib/runtimes.mjs').Runtime} runtime @param {string} file
 * @returns {ServerSubject}
 */
function gateway(id, title, runtime, file) {
  return {
    id,
    title,
    peer: false,
    own: true,
    missing: runtime.missing,
    version: () => `${packageVersion('gateway')}, ${runtime.title}`,
    command: ({ port, root, backend, backendConnections }) => {
      const connections = backendConnections ? { CONNECTIONS: `${backendConnections}` } : {}
      const site = { PORT: `${port}`, ROOT: root, BACKEND: backend }
      return startFile(runtime, file, { ...site, ...connections })
    },
  }
}

export const gatewayNode = gateway('gateway-node', 'gateway on Node', node, 'gateway-node.mjs')
// What `serve` uses on Bun as well, since it is the faster one there.
export const gatewayBun = gateway('gateway-bun', 'gateway on Bun', bun, 'gateway-node.mjs')
export const gatewayBunServe = gateway(
  'gateway-bun-serve',
  'gateway, Bun.serve',
  bun,
  'gateway-bun.mjs',
)

/** @param {string} name of the folder */
export function packageVersion(name) {
  return JSON.parse(readFileSync(join(ROOT, 'packages', name, 'package.json'), 'utf8')).version
}
