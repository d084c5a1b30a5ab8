// Bun for tests: which one, and whether this is it.

import { join } from 'node:path'
import { connectBun, connectNode, type Connector } from '@fastcgi/client'
import { ROOT } from './paths.ts'
import { findProgram } from './process.ts'

const INSTALLED = join(ROOT, 'test/runtimes/node_modules/@oven/bun-linux-x64/bin/bun')

/** The program that BUN names, the one in PATH, or the one of test/runtimes. */
export const BUN: string | undefined = process.env.BUN ?? findProgram(['bun', INSTALLED])

/** Why nothing can be tested on Bun; `false` when something can. */
export const noBun: string | false =
  BUN === undefined && 'no Bun: npm ci in test/runtimes, put bun into PATH, or set BUN to its path'

/** Whether Bun runs this test. */
export const onBun: boolean = process.versions['bun'] !== undefined

/** What a pool dials with when it is told nothing else. */
export function connectorOf(address: string): Connector {
  return onBun && !address.startsWith('tcp:') ? connectBun(address) : connectNode(address)
}
