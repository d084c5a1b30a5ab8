// Bun for tests: which one, and whether this is it.

import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { connectBun, connectNode, type Connector } from '@fastcgi/client'
import { createGateway, type Gateway, type GatewayOptions } from '@fastcgi/gateway'
import { PHP_ROOT, ROOT } from './paths.ts'
import { findProgram } from './process.ts'

const INSTALLED = join(ROOT, 'test/runtimes/node_modules/@oven/bun-linux-x64/bin/bun')

/** The program that BUN names, the one in PATH, or the one of test/runtimes. */
export const BUN: string | undefined = process.env.BUN ?? findProgram(['bun', INSTALLED])

/** Why nothing can be tested on Bun; `false` when something can. */
export const noBun: string | false =
  BUN === undefined && 'no Bun: npm ci in test/runtimes, put bun into PATH, or set BUN to its path'

/** Whether Bun runs this test. */
export const onBun: boolean = process.versions['bun'] !== undefined

/** What is fastest here. */
export function connectorOf(address: string): Connector {
  return onBun ? connectBun(address) : connectNode(address)
}

type Fetch = (request: Request, server: object) => Response | Promise<Response>

/** The part of Bun that is used here. */
interface BunRuntime {
  serve(options: { readonly hostname: string; readonly port: number; readonly fetch: Fetch }): {
    readonly port: number
    stop(closeConnections: boolean): unknown
  }
}

/** A gateway behind Bun.serve, on a free port; gone with the test. For tests that Bun runs. */
export function serveByBun(
  t: TestContext,
  options: GatewayOptions,
): { gateway: Gateway; port: number } {
  const { Bun } = globalThis as typeof globalThis & { Bun: BunRuntime }
  const gateway = createGateway({ root: PHP_ROOT, ...options })
  const server = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: gateway.fetch })
  t.after(() => {
    void server.stop(true)
    gateway.destroy()
  })
  return { gateway, port: server.port }
}
