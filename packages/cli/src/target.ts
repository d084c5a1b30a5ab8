// Which backend a command talks to: read, and refused where it would be careless.

import { formatAddress, parseAddress, type Address, type PoolOptions } from '@fastcgi/client'
import { Exit, Failure, messageOf } from './failure.ts'
import type { TargetFlags } from './flags.ts'

/** @throws Failure on an address that cannot be read, or is another machine's and nobody said that this is meant. */
export function targetOf(text: string, { allowRemote = false }: TargetFlags = {}): Address {
  const address = readAddress(text)
  if (allowRemote || isLocal(address)) return address
  throw new Failure(
    Exit.BadAddress,
    `${formatAddress(address)} is not on this machine, and FastCGI over TCP is neither encrypted nor does it ask who calls: ` +
      'whoever reaches the port runs any PHP file. Give --allow-remote if the network in between is trusted',
  )
}

function readAddress(text: string): Address {
  try {
    return parseAddress(text)
  } catch (cause) {
    throw new Failure(Exit.BadAddress, messageOf(cause), { cause })
  }
}

/** True for unix sockets and the loopback interface. A name is only taken for local when it is `localhost`: nothing is looked up. */
export function isLocal(address: Address): boolean {
  if ('path' in address) return true
  const { host } = address
  return /^127(?:\.\d{1,3}){3}$/.test(host) || ['::1', 'localhost'].includes(host.toLowerCase())
}

/** What the shared options come to for a pool. */
export function poolOptions({ connectTimeout, maxTime }: TargetFlags): PoolOptions {
  return { connectTimeout, requestTimeout: maxTime, keepAlive: false, connections: 1 }
}
