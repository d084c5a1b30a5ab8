// The backend in C: one process, a socket for each size of body.

import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { nativeProgram } from './native.mjs'
import { start, untilAccepts } from './programs.mjs'

/** Bytes of the tiny answer. */
export const TINY = 100
/** Bytes of the CGI head before it. */
export const HEAD_LENGTH = 'Status: 200 OK\r\nContent-Type: text/plain\r\n\r\n'.length

/** How many connections a server may open to it, where there is an option: as many as those have kept that are told to keep any. */
export const BACKEND_CONNECTIONS = 64

/**
 * @template {string} Name
 * @param {import('./scope.mjs').Scope} scope
 * @param {Readonly<Record<Name, number>>} sizes of the bodies, by a name
 * @returns {Promise<Record<Name, string>>} the sockets
 */
export async function startResponder(scope, sizes) {
  const folder = scope.folder('responder')
  const entries = Object.entries(sizes).map(([name, size]) => ({
    name,
    size,
    path: join(folder, name),
  }))
  const running = start(scope, {
    file: nativeProgram('responder'),
    args: entries.map(({ path, size }) => `${path}=${size}`),
  })
  for (const { path } of entries) {
    await untilAccepts(running, { path })
    chmodSync(path, 0o777)
  }
  return /** @type {Record<Name, string>} */ (
    Object.fromEntries(entries.map(({ name, path }) => [name, path]))
  )
}
