// `serve` in a worker: it answers, and does what the process above says.

import cluster from 'node:cluster'
import process from 'node:process'
import { ListenError } from './bind.ts'
import type { CheckedServeOptions } from './check-options.ts'
import { Instance } from './instance.ts'
import type { GatewayServer } from './server.ts'
import {
  TASK_VARIABLE,
  unwrap,
  wrap,
  type FromWorker,
  type ToWorker,
  type WorkerReport,
  type WorkerTask,
} from './worker-messages.ts'

/** What this process is to do, when a server has started it. */
export function workerTask(): WorkerTask | undefined {
  const task = process.env[TASK_VARIABLE]
  return cluster.isWorker && task !== undefined ? (JSON.parse(task) as WorkerTask) : undefined
}

export async function serveWorker(
  checked: CheckedServeOptions,
  { slot, backend }: WorkerTask,
): Promise<GatewayServer> {
  try {
    const instance = await Instance.start(checked, { backend, worker: String(slot) })
    const server = new WorkerServer(instance)
    if (checked.signals) leaveSignals(server)
    await say({ type: 'ready', addresses: server.addresses })
    return server
  } catch (error) {
    // Told once, by the process above, and not by each worker.
    const listen = error instanceof ListenError ? error : undefined
    await say({
      type: 'failed',
      message: error instanceof Error ? error.message : String(error),
      listen: listen && { address: listen.address, code: listen.code },
    })
    return process.exit(1)
  }
}

class WorkerServer implements GatewayServer {
  readonly role = 'worker'
  readonly admin = undefined
  readonly php = undefined
  readonly closed: Promise<number>
  readonly #instance: Instance
  #resolve!: (cut: number) => void
  #ending: Promise<number> | undefined

  constructor(instance: Instance) {
    this.#instance = instance
    this.closed = new Promise((resolve) => {
      this.#resolve = resolve
    })
    process.on('message', (message: unknown) => {
      const order = unwrap(message) as ToWorker | undefined
      if (order) this.#obey(order)
    })
  }

  get addresses(): readonly string[] {
    return this.#instance.urls
  }

  reload(): Promise<void> {
    return Promise.reject(new Error('a worker is not reloaded: the process above replaces it'))
  }

  close(): Promise<number> {
    return this.#end(this.#instance.close())
  }

  destroy(): Promise<number> {
    return this.#end(this.#instance.destroy())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #obey(order: ToWorker): void {
    switch (order.type) {
      case 'report':
        void say({ type: 'report', id: order.id, report: this.#report() })
        return
      case 'close':
        void this.close()
        return
      case 'destroy':
        void this.destroy()
    }
  }

  #end(over: Promise<number>): Promise<number> {
    return (this.#ending ??= this.#leave(over))
  }

  /** The process has nothing else to do. */
  async #leave(over: Promise<number>): Promise<number> {
    const cut = await over
    this.#resolve(cut)
    await say({ type: 'closed', cut, report: this.#report() })
    process.exit(0)
  }

  #report(): WorkerReport {
    const { families, active, backendStatus } = this.#instance
    return { families, active, backends: backendStatus }
  }
}

const ignore = (): void => {}

/** A terminal sends its signals to every process of a group; it is the one above that answers them. */
function leaveSignals(server: GatewayServer): void {
  process.on('SIGINT', ignore)
  process.on('SIGHUP', ignore)
  process.on('SIGTERM', () => void server.close())
}

/** Resolves when it was handed over; a process above that is gone hears nothing. */
function say(message: FromWorker): Promise<void> {
  return new Promise((resolve) => {
    if (!process.connected) resolve()
    else process.send!(wrap(message), undefined, undefined, () => resolve())
  })
}
