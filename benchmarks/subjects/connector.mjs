// What is fastest on the runtime that is measured.

import { connectBun, connectNode, fromStreams } from '@fastcgi/client'

/** @param {string} address */
export function connector(address) {
  return 'Bun' in globalThis ? connectBun(address) : connectNode(address)
}

/** The other one: node:net on Bun, the runtime's own sockets on Deno. @param {string} address */
export function otherConnector(address) {
  if ('Bun' in globalThis) return connectNode(address)
  const path = address.replace(/^unix:/, '')
  return fromStreams(() => denoOf(globalThis).connect({ transport: 'unix', path }))
}

/** @param {object} runtime */
function denoOf(runtime) {
  if ('Deno' in runtime) {
    return /** @type {{ connect(to: { transport: 'unix', path: string }): Promise<import('@fastcgi/client').StreamPair> }} */ (
      runtime.Deno
    )
  }
  throw new TypeError('there is one way only on this runtime')
}
