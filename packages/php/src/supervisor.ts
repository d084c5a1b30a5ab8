// Keeps a backend running: starts it, notices its end, starts it again after a pause, and stops it.
// Rule 1: the address stays the same, so that pools find the next run where the last one was.
// Rule 2: a backend that keeps ending is started ever more slowly, and is never given up.

import { Backend, within } from './backend.ts'
import { messageOf, PhpStartError } from './errors.ts'
import { removeFolder, type PrivateFolder } from './folder.ts'
import { Guard } from './guard.ts'
import type { Launch } from './launch.ts'
import { LogTail, readLogLine, type PhpLogEntry, type PhpLogLevel } from './log.ts'
import { untilListening } from './ready.ts'

/** What the supervisor is told beside the launch. Times in ms. */
export interface SupervisorOptions {
  readonly cwd: string
  readonly startTimeout: number
  readonly stopTimeout: number
  readonly onLog: (entry: PhpLogEntry) => void
}

// In ms: the pause before the first restart, which doubles with each; and how long a run counts as a success.
const FIRST_PAUSE = 100
const LONGEST_PAUSE = 10_000
const HEALTHY = 10_000
/** How long what a backend said at its end may take to arrive, in ms. */
const LAST_WORDS = 200
/** So many short runs in a row are a crash loop. */
const LOOP = 5

export class Supervisor {
  readonly #launch: Launch
  readonly #folder: PrivateFolder
  readonly #options: SupervisorOptions
  readonly #guard: Guard
  readonly #tail = new LogTail()
  readonly #stopping = new AbortController()
  #backend: Backend | undefined
  #timer: NodeJS.Timeout | undefined
  #shortRuns = 0
  #restarts = 0
  #running = false
  #closed: Promise<void> | undefined

  constructor(launch: Launch, folder: PrivateFolder, options: SupervisorOptions) {
    this.#launch = launch
    this.#folder = folder
    this.#options = options
    this.#guard = new Guard(folder.path, () => {
      this.#say('warn', 'the guard process was killed: starting another one')
    })
    if (folder.moved !== undefined) this.#say('warn', folder.moved)
  }

  get pid(): number | undefined {
    return this.#running ? this.#backend?.pid : undefined
  }

  get guardPid(): number | undefined {
    return this.#guard.pid
  }

  get restarts(): number {
    return this.#restarts
  }

  get running(): boolean {
    return this.#running
  }

  /** The first start, which must succeed. @throws PhpStartError; the reason of the signal */
  async start(signal: AbortSignal | undefined): Promise<void> {
    try {
      await this.#run(signal)
    } catch (error) {
      await this.destroy()
      throw error
    }
  }

  /** Finishes what runs, up to `stopTimeout`, and leaves nothing behind. */
  close(): Promise<void> {
    return (this.#closed ??= this.#finish((backend) => backend.stop(this.#options.stopTimeout)))
  }

  /** Ends everything now, also a `close()` that still waits. */
  async destroy(): Promise<void> {
    this.#closed ??= this.#finish((backend) => backend.kill())
    await this.#backend?.kill()
    await this.#closed
  }

  async #finish(end: (backend: Backend) => Promise<void>): Promise<void> {
    this.#stopping.abort(new Error('stopped'))
    clearTimeout(this.#timer)
    this.#running = false
    if (this.#backend) await end(this.#backend)
    try {
      removeFolder(this.#folder.path)
    } finally {
      await this.#guard.close()
    }
  }

  async #run(signal?: AbortSignal): Promise<void> {
    const { startTimeout, cwd } = this.#options
    const backend = new Backend(this.#launch, cwd, (line) => this.#onLine(line))
    this.#backend = backend
    if (backend.pid !== undefined) this.#guard.watch(backend.pid)
    const since = performance.now()
    const ended = new AbortController()
    void backend.exited.then(async (how) => {
      this.#onExit(backend, how, performance.now() - since)
      // Its last words may still be on their way.
      await within(backend.gone, LAST_WORDS)
      ended.abort(this.#failure('PHP_ERR_START', `ended before it listened (${how})`))
    })
    const timeout = AbortSignal.timeout(startTimeout)
    const signals = [ended.signal, timeout, this.#stopping.signal, ...(signal ? [signal] : [])]
    try {
      await untilListening(this.#launch.address, AbortSignal.any(signals))
    } catch (error) {
      if (!timeout.aborted || ended.signal.aborted || signal?.aborted) throw error
      throw this.#failure('PHP_ERR_TIMEOUT', `did not listen within ${startTimeout} ms`)
    }
    if (backend.ended) throw this.#failure('PHP_ERR_START', 'ended as soon as it listened')
    this.#running = true
  }

  #failure(code: 'PHP_ERR_START' | 'PHP_ERR_TIMEOUT', what: string): PhpStartError {
    const log = this.#tail.lines
    const said = log.length > 0 ? `:\n  ${log.join('\n  ')}` : ', and said nothing'
    return new PhpStartError(code, `it ${what}${said}`, { log })
  }

  #onExit(backend: Backend, how: string, lasted: number): void {
    if (backend.pid !== undefined) this.#guard.forget(backend.pid)
    const wasRunning = this.#running
    this.#running = false
    if (this.#stopping.signal.aborted) return
    // Workers whose master was killed go on accepting connections, and would share the socket's path with the next run.
    void backend.kill()
    // The first start is reported by start(), and not repeated.
    if (!wasRunning && this.#restarts === 0) return
    this.#shortRuns = lasted < HEALTHY ? this.#shortRuns + 1 : 0
    this.#restartLater(how)
  }

  #restartLater(how: string): void {
    const pause = Math.min(FIRST_PAUSE * 2 ** Math.max(this.#shortRuns - 1, 0), LONGEST_PAUSE)
    const loop =
      this.#shortRuns >= LOOP
        ? ` It has ended ${this.#shortRuns} times shortly after its start.`
        : ''
    this.#say(
      'error',
      `${this.#launch.kind} ended (${how}): starting it again in ${pause} ms.${loop}`,
    )
    this.#timer = setTimeout(() => void this.#restart(), pause)
  }

  async #restart(): Promise<void> {
    this.#restarts++
    try {
      await this.#run()
      this.#say('info', `${this.#launch.kind} runs again (pid ${this.#backend?.pid})`)
    } catch (error) {
      if (this.#stopping.signal.aborted) return
      const { kind, program } = this.#launch
      this.#say('error', `${kind} (${program}): ${messageOf(error)}`)
      // One that hangs is ended, and its end leads on.
      await this.#backend?.kill()
    }
  }

  #onLine(line: string): void {
    const entry = readLogLine(line, this.#launch.kind)
    this.#tail.add(line)
    this.#options.onLog(entry)
  }

  #say(level: PhpLogLevel, message: string): void {
    this.#options.onLog({ level, message, source: 'supervisor' })
  }
}
