// Whether the backends answer. One that is busy is not down: taking it out of service would make the others busy, too.

import { connectNode, executeOnce, Pool, type TransportHandler } from '@fastcgi/client'
import type { Backend } from '../site.ts'

/** `up`: it answers. `busy`: it is there, and all its workers have something to do. `unknown`: it cannot be asked. */
export type BackendState = 'up' | 'busy' | 'down' | 'unknown'

export interface BackendHealth {
  readonly name: string
  readonly state: BackendState
  /** Why it is down. */
  readonly reason?: string
}

/** How long a backend may take to answer, in ms. */
const PATIENCE = 1000
/** How long an answer holds, in ms: probes of several monitors cost one. */
const FRESH = 1000

export class BackendProbe {
  readonly #pingPath: string | undefined
  #asked: { readonly at: number; readonly health: Promise<BackendHealth[]> } | undefined

  /** @param pingPath `ping.path` of php-fpm; without it, a connection is enough. */
  constructor(pingPath: string | undefined) {
    this.#pingPath = pingPath
  }

  /** How the backends are; an answer of a moment ago counts. */
  check(backends: readonly Backend[]): Promise<BackendHealth[]> {
    const at = performance.now()
    if (!this.#asked || at - this.#asked.at > FRESH) {
      this.#asked = {
        at,
        health: Promise.all(backends.map((backend) => this.#probe(backend))),
      }
    }
    return this.#asked.health
  }

  async #probe({ name, executor }: Backend): Promise<BackendHealth> {
    if (!(executor instanceof Pool)) return { name, state: 'unknown' }
    try {
      await (this.#pingPath === undefined
        ? knock(executor.address)
        : ping(executor.address, this.#pingPath))
      return { name, state: 'up' }
    } catch (error) {
      if (isBusy(error)) return { name, state: 'busy' }
      return { name, state: 'down', reason: error instanceof Error ? error.message : String(error) }
    }
  }
}

async function knock(address: string): Promise<void> {
  const handler: TransportHandler = { data: () => {}, drain: () => {}, close: () => {} }
  const transport = await connectNode(address)(handler, AbortSignal.timeout(PATIENCE))
  transport.destroy()
}

async function ping(address: string, path: string): Promise<void> {
  await executeOnce(
    address,
    { params: { REQUEST_METHOD: 'GET', SCRIPT_NAME: path, SCRIPT_FILENAME: path } },
    { connectTimeout: PATIENCE, headersTimeout: PATIENCE },
  )
}

/** It accepts connections, or would if its backlog had room, but no worker has time. */
function isBusy(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if ('phase' in error) return error.phase !== 'connect' || isBusy(error.cause)
  if ('code' in error && error.code === 'EAGAIN') return true
  return isBusy(error.cause)
}
