// One worker, seen from the process above it.

import cluster, { type Worker } from 'node:cluster'
import { ListenError } from './bind.ts'
import {
  TASK_VARIABLE,
  unwrap,
  wrap,
  type FromWorker,
  type ToWorker,
  type WorkerReport,
  type WorkerTask,
} from './worker-messages.ts'

/** How long a worker may take to say what it is doing, in ms. */
const PATIENCE = 1000

/** How a worker ended. */
export interface WorkerEnd {
  /** `exit code 1`, `SIGKILL`. */
  readonly how: string
  /** Requests that it cut off; undefined when it died before it could say so. */
  readonly cut: number | undefined
}

export class WorkerProcess {
  readonly slot: number
  readonly startedAt: number = performance.now()
  /** Resolves with where it listens; rejects when it does not get there. */
  readonly ready: Promise<readonly string[]>
  readonly ended: Promise<WorkerEnd>
  readonly #worker: Worker
  readonly #asked = new Map<number, (report: WorkerReport) => void>()
  #isReady = false
  #lastReport: WorkerReport | undefined
  #cut: number | undefined
  #questions = 0

  /** Runs this program once more. */
  constructor(task: WorkerTask) {
    this.slot = task.slot
    const worker = cluster.fork({ [TASK_VARIABLE]: JSON.stringify(task) })
    this.#worker = worker
    this.ended = new Promise((resolve) => {
      worker.once('exit', (code: number, signal: string) => {
        resolve({ how: signal || `exit code ${code}`, cut: this.#cut })
      })
    })
    this.ready = new Promise((resolve, reject) => {
      worker.on('message', (message: unknown) => {
        const said = unwrap(message) as FromWorker | undefined
        if (said) this.#hear(said, resolve, reject)
      })
      void this.ended.then(({ how }) => {
        reject(new Error(`worker ${this.slot} ended before it was ready (${how})`))
      })
    })
    // Whoever waits is told; a worker that fails later, or unwatched, is not an error that nobody handles.
    this.ready.catch(() => {})
    worker.on('error', () => {})
  }

  get pid(): number {
    return this.#worker.process.pid ?? 0
  }

  get isReady(): boolean {
    return this.#isReady
  }

  /** What it said last. */
  get lastReport(): WorkerReport | undefined {
    return this.#lastReport
  }

  /** Asks what it is doing; one that is too busy to say is known by what it said last. */
  async report(): Promise<WorkerReport | undefined> {
    if (!this.#isReady || !this.#worker.isConnected()) return this.#lastReport
    const id = ++this.#questions
    let giveUp: NodeJS.Timeout | undefined
    const answer = new Promise<WorkerReport | undefined>((resolve) => {
      this.#asked.set(id, resolve)
      giveUp = setTimeout(() => resolve(this.#lastReport), PATIENCE)
      this.#say({ type: 'report', id })
    })
    const report = await answer
    clearTimeout(giveUp)
    this.#asked.delete(id)
    return report
  }

  close(): void {
    this.#say({ type: 'close' })
  }

  destroy(): void {
    this.#say({ type: 'destroy' })
  }

  kill(): void {
    this.#worker.process.kill('SIGKILL')
  }

  #say(message: ToWorker): void {
    // One that is going has closed the channel, and hears nothing any more.
    if (this.#worker.isConnected()) this.#worker.process.send(wrap(message), () => {})
  }

  #hear(
    said: FromWorker,
    ready: (addresses: readonly string[]) => void,
    failed: (error: Error) => void,
  ): void {
    switch (said.type) {
      case 'ready':
        this.#isReady = true
        ready(said.addresses)
        return
      case 'failed':
        failed(
          said.listen
            ? new ListenError(said.listen.address, said.listen.code, said.message)
            : new Error(said.message),
        )
        return
      case 'report':
        this.#lastReport = said.report
        this.#asked.get(said.id)?.(said.report)
        return
      case 'closed':
        this.#lastReport = said.report
        this.#cut = said.cut
    }
  }
}
