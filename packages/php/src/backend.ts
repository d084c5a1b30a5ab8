// One run of a backend: a process group from its start to the end of its last process.

import { spawn, type ChildProcess } from 'node:child_process'
import process from 'node:process'
import { readLines } from './log.ts'
import { killGroup, signal } from './group.ts'
import type { Launch } from './launch.ts'

// How long the group may take to be gone once it was killed, in ms: what left the group may hold its output open for ever.
const KILL_TIMEOUT = 1000

export class Backend {
  readonly #child: ChildProcess
  readonly #stopSignal: NodeJS.Signals
  /** Resolves when the leader has ended, with how: `exit code 78`, `SIGKILL`, or why it could not be started. */
  readonly exited: Promise<string>
  /** Resolves when nobody of the group is left, as far as the output of the group tells. */
  readonly gone: Promise<void>
  #ended = false

  constructor(launch: Launch, cwd: string, onLine: (line: string) => void) {
    this.#stopSignal = launch.stopSignal
    const child = spawn(launch.program, launch.args, {
      cwd,
      // A group of its own, which is ended as a whole and does not hear the terminal's Ctrl-C.
      detached: process.platform !== 'win32',
      env: launch.env,
      stdio: ['ignore', 'pipe', 'pipe'],
      windowsHide: true,
      ...launch.owner,
    })
    this.#child = child
    for (const output of [child.stdout, child.stderr]) readLines(output, onLine)
    this.exited = new Promise((resolve) => {
      child.once('error', (error) => resolve(reasonOf(error, cwd)))
      child.once('exit', (code, killedBy) => resolve(killedBy ?? `exit code ${code}`))
    })
    this.gone = new Promise((resolve) => {
      child.once('error', () => resolve())
      child.once('close', () => resolve())
    })
    void this.exited.then(() => {
      this.#ended = true
    })
  }

  /** Of the leader, which is that of the group; undefined when it could not be started. */
  get pid(): number | undefined {
    return this.#child.pid
  }

  get ended(): boolean {
    return this.#ended
  }

  /** Ends it: running requests first, as long as `timeout` ms allow, then whatever is left. */
  async stop(timeout: number): Promise<void> {
    if (this.pid !== undefined && !this.#ended) signal(this.pid, this.#stopSignal)
    if (!(await within(this.gone, timeout))) await this.kill()
    else this.#killLeftovers()
  }

  /** Ends the whole group now. */
  async kill(): Promise<void> {
    this.#killLeftovers()
    if (await within(this.gone, KILL_TIMEOUT)) return
    this.#child.stdout?.destroy()
    this.#child.stderr?.destroy()
  }

  #killLeftovers(): void {
    if (this.pid !== undefined) killGroup(this.pid)
  }
}

/** The system names the program also when it is the folder that may not be entered. */
function reasonOf(error: Error, cwd: string): string {
  const isRefused = 'code' in error && error.code === 'EACCES'
  return isRefused ? `${error.message}: may this user enter the folder ${cwd}?` : error.message
}

/** @returns whether it came true within so many ms. */
export async function within(promise: Promise<unknown>, timeout: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), timeout)
  })
  try {
    return await Promise.race([promise.then(() => true), late])
  } finally {
    clearTimeout(timer)
  }
}
