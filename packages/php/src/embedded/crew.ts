// The workers of embedded PHP: one request each, replaced when they have served long enough, grown too large, or died.

import { fork, type ChildProcess } from 'node:child_process'
import { rmSync } from 'node:fs'
import { parseAddress } from '@fastcgi/client'
import { messageOf } from '../errors.ts'
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
  /** `coming`: its successor starts; `here`: it is ready, and this one goes at the next opportunity. */
  successor: 'none' | 'coming' | 'here'
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
    for (const other of others) other.catch((error: unknown) => this.#hireLater(error))
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
        member = {
          child,
          address: message.address,
          served: 0,
          successor: 'none',
          patience: undefined,
        }
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
    if (member.successor === 'here') return this.#dismiss(member)
    if (memory >= MAX_MEMORY) {
      this.#dismiss(member)
      if (member.successor === 'none')
        this.#hire().catch((error: unknown) => this.#hireLater(error))
      return
    }
    const { maxRequests } = this.#options
    if (maxRequests > 0 && member.served >= maxRequests) this.#relieve(member)
    this.#offer(member)
  }

  /** It serves until another one can. */
  #relieve(member: Member): void {
    if (member.successor !== 'none') return
    member.successor = 'coming'
    this.#hire().then(
      () => {
        member.successor = 'here'
        if (this.#forget(member)) this.#dismiss(member)
      },
      (error: unknown) => {
        member.successor = 'none'
        if (!this.#all.has(member)) return this.#hireLater(error)
        log('ERROR', `a worker that has served long goes on: ${messageOf(error)}`)
      },
    )
  }

  #dismiss(member: Member): void {
    this.#all.delete(member)
    member.child.kill('SIGKILL')
  }

  /** Takes it from those that are idle. @returns whether it was one of them */
  #forget(member: Member): boolean {
    const at = this.#idle.indexOf(member)
    if (at >= 0) this.#idle.splice(at, 1)
    return at >= 0
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
    this.#forget(member)
    if (member.successor === 'none') this.#hireLater(new Error(`a worker ended (${how})`))
  }

  #hireLater(reason: unknown): void {
    const pause = this.#pause
    this.#pause = Math.min(pause * 2, LONGEST_PAUSE)
    log('ERROR', `${messageOf(reason)}: starting another one in ${pause} ms`)
    setTimeout(() => {
      if (!this.#stopped) this.#hire().catch((error: unknown) => this.#hireLater(error))
    }, pause)
  }
}
