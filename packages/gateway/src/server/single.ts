// `serve` without workers: everything in this process.

import type { Php } from '@fastcgi/php'
import { createGateway } from '../gateway.ts'
import { silentLogger, type Logger } from '../logger.ts'
import { adminListener, type AdminSource, type Readiness } from './admin.ts'
import { checkServeOptions, type CheckedServeOptions } from './check-options.ts'
import { Instance, processStatus } from './instance.ts'
import { Listener } from './listener.ts'
import type { MetricFamily } from './metric-families.ts'
import type { ServeOptions } from './options.ts'
import { phpStatus } from './php-status.ts'
import { phpFamilies, poolOf, startBackend } from './php.ts'
import { BackendProbe } from './readiness.ts'
import type { GatewayServer } from './server.ts'
import { VERSION } from './version.ts'

export async function serveAlone(
  checked: CheckedServeOptions,
): Promise<GatewayServer & AdminSource> {
  const logger = checked.gateway.logger ?? silentLogger
  // A mistake is told before PHP is started for nothing.
  createGateway(checked.gateway).destroy()
  const php = await startBackend(checked, logger)
  try {
    const instance = await Instance.start(checked, { backend: poolOf(php, 1), worker: undefined })
    const server = new SingleServer(instance, php, logger)
    try {
      await server.openAdmin(checked)
    } catch (error) {
      await instance.destroy()
      throw error
    }
    return server
  } catch (error) {
    await php?.close()
    throw error
  }
}

class SingleServer implements GatewayServer, AdminSource {
  readonly role = 'single'
  readonly closed: Promise<number>
  readonly #instance: Instance
  readonly #php: Php | undefined
  readonly #probe: BackendProbe
  readonly #logger: Logger
  #adminListener: Listener | undefined
  #closing: Promise<number> | undefined
  #resolve!: (cut: Promise<number>) => void

  constructor(instance: Instance, php: Php | undefined, logger: Logger) {
    this.#instance = instance
    this.#php = php
    this.#logger = logger
    this.#probe = new BackendProbe(php?.pingPath)
    this.closed = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  get addresses(): readonly string[] {
    return this.#instance.urls
  }

  get admin(): string | undefined {
    return this.#adminListener?.url
  }

  get php(): string | undefined {
    return this.#php?.description
  }

  async openAdmin({ admin, limits }: CheckedServeOptions): Promise<void> {
    if (!admin) return
    const answer = adminListener(this, (error) => {
      this.#logger.error({ error }, 'the admin listener could not answer')
    })
    this.#adminListener = await Listener.open(admin, limits, undefined, answer)
  }

  async reload(options: ServeOptions): Promise<void> {
    await this.#instance.reload(checkServeOptions(options))
  }

  close(): Promise<number> {
    return this.#finish(this.#instance.close())
  }

  destroy(): Promise<number> {
    return this.#finish(this.#instance.destroy())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async readiness(): Promise<Readiness> {
    const { draining } = this.#instance
    const backends = await this.#probe.check(this.#instance.backends)
    return {
      ready: !draining && backends.every(({ state }) => state !== 'down'),
      draining,
      backends,
    }
  }

  metrics(): Promise<readonly MetricFamily[]> {
    return Promise.resolve([...this.#instance.families, ...phpFamilies(this.#php)])
  }

  async status(): Promise<object> {
    return {
      version: VERSION,
      node: process.version,
      ...processStatus(),
      addresses: this.addresses,
      draining: this.#instance.draining,
      active: this.#instance.active,
      backends: this.#instance.backendStatus,
      php: await describePhp(this.#php),
    }
  }

  #finish(instance: Promise<number>): Promise<number> {
    if (!this.#closing) {
      this.#closing = this.#closeAll(instance)
      this.#resolve(this.#closing)
    }
    return this.#closing
  }

  /** Probes are told until the end that nobody is to come any more. */
  async #closeAll(instance: Promise<number>): Promise<number> {
    const cut = await instance
    this.#adminListener?.destroy()
    await this.#php?.close()
    return cut
  }
}

/** What is known of a PHP that was started here. */
export async function describePhp(php: Php | undefined): Promise<object | undefined> {
  if (!php) return undefined
  const { kind, version, description, address, statusPath, workers, stats } = php
  const status = statusPath === undefined ? undefined : await phpStatus(address, statusPath)
  return { kind, version, description, address, workers, ...stats, status }
}
