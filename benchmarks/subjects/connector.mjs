// What is fastest on the runtime that is measured.

import { connectBun, connectNode } from '@fastcgi/client'

/** @param {string} address */
export function connector(address) {
  return 'Bun' in globalThis ? connectBun(address) : connectNode(address)
}
