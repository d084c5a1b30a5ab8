// Clients in processes of their own.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { BENCHMARKS, subjectFile } from '../lib/paths.mjs'
import { CONSTANT_COUNT, paramLines } from '../lib/params.mjs'
import { runtimes } from '../lib/runtimes.mjs'
import { packageVersion } from './servers.mjs'

/**
 * @typedef {object} Target what a client is to ask
 * @property {string} socket
 * @property {number} length of the stdout of each answer
 * @property {number} [params] how many. Default 20
 *
 * @typedef {object} ClientSubject
 * @property {string} id
 * @property {string} title
 * @property {boolean} peer
 * @property {boolean} own whether it is this project; a floor is neither
 * @property {boolean} openLoop whether it can be asked for a fixed rate
 * @property {() => string | undefined} missing
 * @property {() => string} version
 * @property {(target: Target) => import('../lib/programs.mjs').Command} command
 */

/** @param {Target} target @returns {Record<string, string>} */
export function environment({ socket, length, params }) {
  return {
    SOCKET: socket,
    LENGTH: `${length}`,
    PARAMS: paramLines(params),
    CONSTANT_COUNT: `${CONSTANT_COUNT}`,
  }
}

/**
 * @param {string} kind @param {string} title @param {import('../lib/runtimes.mjs').Runtime} runtime
 * @param {{ peer?: boolean, own?: boolean, version?: () => string, args?: readonly string[] }} [more]
 * @returns {ClientSubject}
 */
export function scriptClient(kind, title, runtime, more = {}) {
  const { peer = false, own = false, version = () => packageVersion('client'), args = [] } = more
  return {
    id: kind,
    title,
    peer,
    own,
    openLoop: true,
    missing: runtime.missing,
    version,
    command: (target) => ({
      file: runtime.program ?? '',
      args: [...args, ...runtime.args, subjectFile('client/main.mjs'), kind],
      env: environment(target),
    }),
  }
}

/** What a runtime could be talked to by, and is not. @type {Record<string, string>} */
const OTHER_SOCKETS = { bun: 'execute, by node:net', deno: 'execute, by Deno.connect' }

/** The floor and what stands on it, on one runtime. @param {import('../lib/runtimes.mjs').Runtime} runtime */
export function ownClients(runtime) {
  const on = (/** @type {string} */ kind, /** @type {string} */ title) =>
    scriptClient(kind, title, runtime, { own: true })
  return {
    floor: scriptClient('floor', 'raw sockets (floor)', runtime, { version: runtime.version }),
    dispatch: on('dispatch', 'dispatch'),
    execute: on('execute', 'execute'),
    prepared: on('prepared', 'execute, prepared params'),
    other: on('other', OTHER_SOCKETS[runtime.id] ?? 'execute'),
  }
}

const NPM = join(BENCHMARKS, 'node_modules', 'fastcgi-client', 'package.json')

/** @type {ClientSubject} */
export const npmClient = {
  ...scriptClient('npm', 'npm fastcgi-client', runtimes.node, {
    peer: true,
    version: () => JSON.parse(readFileSync(NPM, 'utf8')).version,
    args: ['--no-deprecation'],
  }),
  missing() {
    try {
      readFileSync(NPM)
      return undefined
    } catch {
      return 'the package fastcgi-client is not installed (npm ci in benchmarks/)'
    }
  },
}
