// The fastest transport that this runtime has for an address.

import { parseAddress, type Address } from './address.ts'
import { connectBun, isBun } from './bun.ts'
import { connectNode } from './node.ts'
import type { Connector } from './transport.ts'

/** A {@link Connector} that dials an address: a unix socket on Bun with Bun.connect, everything else with node:net. */
export function connectAddress(address: string | Address): Connector {
  const target = parseAddress(address)
  return isBun && 'path' in target ? connectBun(target) : connectNode(target)
}
