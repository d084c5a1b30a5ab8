// The workers of a server: as many as there are to be, whatever becomes of them.

import type { Logger } from '../logger.ts'
import { addUp, countersOf, type MetricFamily } from './metric-families.ts'
import type { WorkerTask } from './worker-messages.ts'
import { WorkerProcess } from './worker-process.ts'

// A worker that dies at once is started again more and more slowly, in ms.
const FIRST_DELAY = 100
const LAST_DELAY = 10_000
/** One that has lived this long did not die of its start, in ms. */
const SETTLED = 30_000
/** How much longer than its own patience a worker may take to go, in ms; then it is killed. */
const KILL_AFTER = 5000

interface Slot {
  worker: WorkerProcess
  /** How often in a row it died young. */
  failures: number
  restarts: number
  timer: NodeJS.Timeout | undefined
}

export class Workforce {
  readonly #slots: Slot[] = []
  /** Those that have been replaced, and finish what they have. */
  readonly #leaving = new Set<WorkerProcess>()
  readonly #logger: Logger
  readonly #backend: WorkerTask['backend']
  /** What workers have counted that are gone. */
  #counted: MetricFamily[] = []
  #addresses: readonly string[] = []
  #closing = false
  #cut = 0

  constructor(logger: Logger, backend: WorkerTask['backend']) {
    this.#logger = logger
    this.#backend = backend
  }

  /** Starts them. @throws what the first of them fails with; then none is left. */
  async start(count: number): Promise<void> {
    for (let slot = 1; slot <= count; slot++) {
      const worker = this.#launch(slot)
      this.#slots.push({ worker, failures: 0, restarts: 0, timer: undefined })
    }
    try {
      const [addresses = []] = await Promise.all(this.#slots.map(({ worker }) => worker.ready))
      this.#addresses = addresses
    } catch (error) {
      await this.destroy()
      throw error
    }
    for (const slot of this.#slots) this.#watch(slot)
  }

  get addresses(): readonly string[] {
    return this.#addresses
  }

  /** Those that are there to stay. */
  get members(): readonly { readonly worker: WorkerProcess; readonly restarts: number }[] {
    return this.#slots
  }

  /** What all workers have counted, those that are gone included, and what those that live are doing. */
  async families(): Promise<MetricFamily[]> {
    const workers = [...this.#slots.map(({ worker }) => worker), ...this.#leaving]
    const reports = await Promise.all(workers.map((worker) => worker.report()))
    return addUp([this.#counted, ...reports.map((report) => report?.families ?? [])])
  }

  /** Replaces one after the other: the new one answers before the old one stops. @throws what a new one fails with. */
  async roll(): Promise<void> {
    for (const slot of this.#slots) {
      if (this.#closing) return
      const worker = this.#launch(slot.worker.slot)
      this.#addresses = await worker.ready
      const old = slot.worker
      clearTimeout(slot.timer)
      slot.worker = worker
      this.#watch(slot)
      this.#leaving.add(old)
      void old.ended.then(() => this.#leaving.delete(old))
      old.close()
    }
  }

  /** @param patience How long requests may take to end, in ms; 0 for ever. @returns how many were cut off. */
  async close(patience: number): Promise<number> {
    await this.#end((worker) => worker.close(), patience)
    return this.#cut
  }

  /** @returns how many requests were cut off. */
  async destroy(): Promise<number> {
    await this.#end((worker) => worker.destroy(), 1)
    return this.#cut
  }

  async #end(tell: (worker: WorkerProcess) => void, patience: number): Promise<void> {
    this.#closing = true
    for (const { timer } of this.#slots) clearTimeout(timer)
    const workers = [...this.#slots.map(({ worker }) => worker), ...this.#leaving]
    for (const worker of workers) {
      // One that does not answer yet has nothing to finish, and does not listen to orders.
      if (worker.isReady) tell(worker)
      else worker.kill()
    }
    const kill = (): void => {
      for (const worker of workers) worker.kill()
    }
    const force = patience > 0 ? setTimeout(kill, patience + KILL_AFTER) : undefined
    await Promise.all(workers.map(({ ended }) => ended))
    clearTimeout(force)
  }

  #launch(slot: number): WorkerProcess {
    const worker = new WorkerProcess({ slot, backend: this.#backend })
    void worker.ended.then(({ cut, how }) => {
      this.#counted = addUp([this.#counted, countersOf(worker.lastReport?.families ?? [])])
      if (cut === undefined && worker.isReady) {
        // It could not count what it cut off; that it did is all that is known.
        this.#cut += this.#closing ? 1 : 0
        this.#logger.error({ worker: slot, pid: worker.pid }, `worker ${slot} died (${how})`)
      }
      this.#cut += cut ?? 0
    })
    return worker
  }

  /** Starts another one when it dies. */
  #watch(slot: Slot): void {
    const { worker } = slot
    void worker.ended.then(({ how }) => {
      if (this.#closing || slot.worker !== worker) return
      const settled = performance.now() - worker.startedAt > SETTLED
      slot.failures = settled ? 0 : slot.failures + 1
      const delay = Math.min(FIRST_DELAY * 2 ** (slot.failures - 1), LAST_DELAY)
      this.#logger.warn(
        { worker: worker.slot, delay },
        `worker ${worker.slot} is gone (${how}); starting another one in ${delay} ms`,
      )
      slot.timer = setTimeout(() => this.#replace(slot), delay)
    })
  }

  #replace(slot: Slot): void {
    slot.restarts++
    slot.worker = this.#launch(slot.worker.slot)
    slot.worker.ready.catch((error: unknown) => {
      if (!this.#closing) this.#logger.error({ error }, 'a worker could not be started')
    })
    this.#watch(slot)
  }
}
