// The workers of embedded PHP: one request each, replaced when they have served long enough, grown too large, or died.

import { fork, type ChildProcess } from 'node:child_process'
import { rmSync } from 'node:fs'
import { parseAddress } from '@fastcgi/client'
import { log, SETTLE, type WorkerMessage } from './config.ts'

/** What a crew is made of. */
export interface CrewOptions {
  readonly program: string
  readonly args: readonly string[]
  readonly size: number
  /** `0` for no limit. */
  readonly maxRequests: number
}

/** A worker that runs. */
export interface Worker {
  readonly address: string
}

interface Member extends Worker {
  readonly child: ChildProcess
  served: number
  /** Rings when a worker goes on with what nobody waits for. */
  patience: NodeJS.Timeout | undefined
}

// php-wasm never gives memory back; a script that took much has the worker replaced. In bytes.
const MAX_MEMORY = 512 * 1024 * 1024
// How long a script may run on after its client has gone, in ms: it cannot be interrupted, and others wait for its worker.
const ABANDONED = 30_000
// The pause before a worker that ended is replaced, in ms; doubles while new ones end as well.
const FIRST_PAUSE = 100
const LONGEST_PAUSE = 10_000

export class Crew {
  readonly #options: CrewOptions
  readonly #idle: Member[] = []
  readonly #all = new Set<Member>()
  readonly #waiting: ((member: Member) => void)[] = []
  #pause = FIRST_PAUSE
  #stopped = false

  constructor(options: CrewOptions) {
    this.#options = options
  }

  /** Resolves when the first worker is ready; the others follow. @throws Error when it ends instead */
  async start(): Promise<void> {
    const starts = Array.from({ length: this.#options.size }, () => this.#hire())
    const [first, ...others] = starts
    for (const other of others) other.catch(() => this.#hireLater())
    await first
  }

  /** The next worker that is free. @throws the reason of the signal when the request is given up before */
  take(signal: AbortSignal): Promise<Worker> {
    const free = this.#idle.pop()
    if (free) return Promise.resolve(free)
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(got), 1)
        reject(signal.reason as Error)
      }
      const got = (member: Member): void => {
        signal.removeEventListener('abort', abort)
        resolve(member)
      }
      signal.addEventListener('abort', abort, { once: true })
      this.#waiting.push(got)
    })
  }

  /** The request is over for its client; the worker is free when it says that the script has ended as well. */
  giveBack(worker: Worker, abandoned: boolean): void {
    const member = [...this.#all].find((one) => one === worker)
    if (!member) return
    member.served++
    // A channel that is closed belongs to a worker whose end is on its way here.
    if (member.child.connected) member.child.send(SETTLE)
    if (!abandoned) return
    member.patience = setTimeout(() => {
      log('WARNING', `a script ran on for ${ABANDONED} ms without a client: ending its worker`)
      member.child.kill('SIGKILL')
    }, ABANDONED)
  }

  stop(): void {
    this.#stopped = true
    for (const { child } of this.#all) child.kill('SIGKILL')
  }

  /** Starts a worker. @throws Error when it ends before it is ready */
  #hire(): Promise<void> {
    const { program, args } = this.#options
    const child = fork(program, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    let member: Member | undefined
    return new Promise((resolve, reject) => {
      child.on('message', (message: WorkerMessage) => {
        if (message.type === 'settled') {
          if (member) this.#onSettled(member, message.memory)
          return
        }
        member = { child, address: message.address, served: 0, patience: undefined }
        this.#all.add(member)
        this.#pause = FIRST_PAUSE
        this.#offer(member)
        resolve()
      })
      child.once('error', reject)
      child.once('exit', (code, signal) => {
        const how = signal ?? `exit code ${code}`
        if (member) this.#onExit(member, how)
        else reject(new Error(`a worker ended before it was ready (${how})`))
      })
    })
  }

  #offer(member: Member): void {
    const next = this.#waiting.shift()
    if (next) next(member)
    else this.#idle.push(member)
  }

  #onSettled(member: Member, memory: number): void {
    clearTimeout(member.patience)
    const { maxRequests } = this.#options
    const worn = maxRequests > 0 && member.served >= maxRequests
    if (!worn && memory < MAX_MEMORY) return this.#offer(member)
    // Until the new one is ready there is one less, but nobody waits for one that is going.
    this.#dismiss(member)
    this.#hire().catch((error: unknown) => this.#hireLater(error))
  }

  #dismiss(member: Member): void {
    this.#all.delete(member)
    member.child.kill('SIGKILL')
  }

  /** A socket stays behind when its process is killed. */
  #removeSocket({ address }: Member): void {
    const target = parseAddress(address)
    if ('path' in target) rmSync(target.path, { force: true })
  }

  #onExit(member: Member, how: string): void {
    clearTimeout(member.patience)
    this.#removeSocket(member)
    if (this.#stopped || !this.#all.delete(member)) return
    const at = this.#idle.indexOf(member)
    if (at >= 0) this.#idle.splice(at, 1)
    this.#hireLater(new Error(`a worker ended (${how})`))
  }

  #hireLater(reason?: unknown): void {
    const pause = this.#pause
    this.#pause = Math.min(pause * 2, LONGEST_PAUSE)
    const why = reason instanceof Error ? reason.message : 'a worker did not start'
    log('ERROR', `${why}: starting another one in ${pause} ms`)
    setTimeout(() => {
      if (!this.#stopped) this.#hire().catch((error: unknown) => this.#hireLater(error))
    }, pause)
  }
}
