// `serve` with workers: this process starts them, looks after them, and tells about all of them. It answers no request itself.

import type { Php } from '@fastcgi/php'
import cluster from 'node:cluster'
import { createGateway, type Gateway } from '../gateway.ts'
import { silentLogger, type Logger } from '../logger.ts'
import { adminListener, type AdminSource, type Readiness } from './admin.ts'
import { removeAbandoned } from './bind.ts'
import { checkServeOptions, type CheckedServeOptions } from './check-options.ts'
import { processStatus } from './instance.ts'
import { Listener } from './listener.ts'
import { processFamilies } from './measure.ts'
import { addUp, type MetricFamily } from './metric-families.ts'
import { readTls } from './node-server.ts'
import type { ServeOptions } from './options.ts'
import { phpFamilies, poolOf, startBackend } from './php.ts'
import { BackendProbe } from './readiness.ts'
import type { GatewayServer } from './server.ts'
import { describePhp } from './single.ts'
import { VERSION } from './version.ts'
import { Workforce } from './workforce.ts'

export async function servePrimary(
  checked: CheckedServeOptions,
): Promise<GatewayServer & AdminSource> {
  if (cluster.isWorker) {
    throw new TypeError(
      'workers: this process is a worker of node:cluster itself; leave the option out',
    )
  }
  // Workers accept for themselves. Handed out in turn, a connection that is on its way to a worker when that one dies would be answered
  // by nobody, and never be closed either.
  cluster.schedulingPolicy = cluster.SCHED_NONE
  const logger = checked.gateway.logger ?? silentLogger
  // A mistake is told once, here, and not by each worker.
  createGateway({ ...checked.gateway }).destroy()
  if (checked.tls) readTls(checked.tls)
  for (const { target } of checked.endpoints) {
    if ('path' in target) await removeAbandoned(target.path)
  }
  const php = await startBackend(checked, logger)
  const server = new Primary(checked, php, logger)
  try {
    await server.start()
  } catch (error) {
    await php?.close()
    throw error
  }
  return server
}

class Primary implements GatewayServer, AdminSource {
  readonly role = 'primary'
  readonly closed: Promise<number>
  readonly #checked: CheckedServeOptions
  readonly #php: Php | undefined
  readonly #logger: Logger
  readonly #workforce: Workforce
  readonly #probe: BackendProbe
  /** Says which backends there are; answers nothing. */
  #gateway: Gateway
  #adminListener: Listener | undefined
  #closing: Promise<number> | undefined
  #resolve!: (cut: Promise<number>) => void

  constructor(checked: CheckedServeOptions, php: Php | undefined, logger: Logger) {
    this.#checked = checked
    this.#php = php
    this.#logger = logger
    this.#workforce = new Workforce(logger, poolOf(php, checked.workers))
    this.#probe = new BackendProbe(php?.pingPath)
    this.#gateway = this.#gatewayOf(checked)
    this.closed = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  async start(): Promise<void> {
    const { admin, limits, workers } = this.#checked
    try {
      if (admin) {
        const answer = adminListener(this, (error) => {
          this.#logger.error({ error }, 'the admin listener could not answer')
        })
        this.#adminListener = await Listener.open(admin, limits, undefined, answer)
      }
      await this.#workforce.start(workers)
    } catch (error) {
      this.#adminListener?.destroy()
      throw error
    }
  }

  get addresses(): readonly string[] {
    return this.#workforce.addresses
  }

  get admin(): string | undefined {
    return this.#adminListener?.url
  }

  get php(): string | undefined {
    return this.#php?.description
  }

  async reload(options: ServeOptions): Promise<void> {
    if (this.#closing) throw new Error('the server is closing, and takes no other options')
    const checked = checkServeOptions(options)
    const gateway = this.#gatewayOf(checked)
    if (checked.tls) readTls(checked.tls)
    await this.#workforce.roll()
    this.#gateway.destroy()
    this.#gateway = gateway
  }

  close(): Promise<number> {
    return this.#finish(() => this.#workforce.close(this.#checked.drainTimeout))
  }

  destroy(): Promise<number> {
    // Also when they are closing already: the second order is the one that counts.
    const cut = this.#workforce.destroy()
    return this.#finish(() => cut)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async readiness(): Promise<Readiness> {
    const draining = this.#closing !== undefined
    const backends = await this.#probe.check(this.#gateway.backends)
    const answering = this.#workforce.members.some(({ worker }) => worker.isReady)
    const ready = !draining && answering && backends.every(({ state }) => state !== 'down')
    return { ready, draining, backends }
  }

  async metrics(): Promise<readonly MetricFamily[]> {
    const { members } = this.#workforce
    const restarts = members.reduce((sum, member) => sum + member.restarts, 0)
    const own: MetricFamily[] = [
      {
        name: 'fcgi_workers',
        help: 'Processes that answer requests.',
        type: 'gauge',
        samples: [{ labels: {}, value: members.filter(({ worker }) => worker.isReady).length }],
      },
      {
        name: 'fcgi_worker_restarts_total',
        help: 'Processes that were started because another one had died.',
        type: 'counter',
        samples: [{ labels: {}, value: restarts }],
      },
    ]
    return addUp([
      await this.#workforce.families(),
      processFamilies('primary'),
      phpFamilies(this.#php),
      own,
    ])
  }

  async status(): Promise<object> {
    const { members } = this.#workforce
    return {
      version: VERSION,
      node: process.version,
      ...processStatus(),
      addresses: this.addresses,
      draining: this.#closing !== undefined,
      workers: await Promise.all(members.map((member) => workerStatus(member))),
      php: await describePhp(this.#php),
    }
  }

  #gatewayOf({ gateway }: CheckedServeOptions): Gateway {
    const backend = this.#php?.address
    return createGateway({ ...gateway, ...(backend !== undefined && { backend }) })
  }

  #finish(end: () => Promise<number>): Promise<number> {
    if (!this.#closing) {
      this.#closing = this.#closeAll(end)
      this.#resolve(this.#closing)
    }
    return this.#closing
  }

  async #closeAll(end: () => Promise<number>): Promise<number> {
    const cut = await end()
    this.#adminListener?.destroy()
    this.#gateway.destroy()
    await this.#php?.close()
    return cut
  }
}

async function workerStatus({ worker, restarts }: Workforce['members'][number]): Promise<object> {
  const report = await worker.report()
  return {
    worker: worker.slot,
    pid: worker.pid,
    uptime: Math.round((performance.now() - worker.startedAt) / 1000),
    restarts,
    active: report?.active ?? 0,
    backends: report?.backends ?? [],
  }
}
