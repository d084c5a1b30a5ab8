// Outlives this process for a moment: when it dies without a word, a guard ends what it has started and removes its folder.

import { spawn, type ChildProcess } from 'node:child_process'
import { tmpdir } from 'node:os'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { runtimeEnv } from './env.ts'

const PROGRAM = fileURLToPath(new URL('./guard-process.js', import.meta.url))
const RESTART_DELAY = 500

/** A process that waits for the end of its stdin, which the system closes with this process, however that ends. */
export class Guard {
  readonly #folder: string
  readonly #onLoss: () => void
  readonly #watched = new Set<number>()
  #child: ChildProcess
  #gone: Promise<void>
  #timer: NodeJS.Timeout | undefined
  #closed = false

  /** @param onLoss Called when the guard itself was killed; another one follows. */
  constructor(folder: string, onLoss: () => void) {
    this.#folder = folder
    this.#onLoss = onLoss
    const { child, gone } = this.#start()
    this.#child = child
    this.#gone = gone
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Ends this process group when this process dies. */
  watch(group: number): void {
    this.#watched.add(group)
    this.#tell(`+${group}`)
  }

  forget(group: number): void {
    this.#watched.delete(group)
    this.#tell(`-${group}`)
  }

  /** Lets it go; it removes the folder if it is still there. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#child.stdin?.end()
    await this.#gone
  }

  #start(): { child: ChildProcess; gone: Promise<void> } {
    // Detached: what the terminal sends to this process (Ctrl-C, hang-up) is not for the guard.
    const groups = [...this.#watched].map(String)
    const child = spawn(process.execPath, [PROGRAM, this.#folder, ...groups], {
      cwd: tmpdir(),
      detached: true,
      env: runtimeEnv(process.env),
      stdio: ['pipe', 'ignore', 'ignore'],
      windowsHide: true,
    })
    // That a guard is gone is told by its exit; the next one is told all that this one was.
    child.stdin.on('error', () => {})
    const gone = new Promise<void>((resolve) => {
      child.once('exit', resolve)
      child.once('error', () => resolve())
    })
    void gone.then(() => this.#onGone())
    return { child, gone }
  }

  #onGone(): void {
    if (this.#closed) return
    this.#onLoss()
    this.#timer = setTimeout(() => {
      const { child, gone } = this.#start()
      this.#child = child
      this.#gone = gone
    }, RESTART_DELAY)
  }

  #tell(line: string): void {
    if (this.#child.stdin?.writable) this.#child.stdin.write(`${line}\n`)
  }
}
