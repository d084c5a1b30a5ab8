// What startPhp gives back.

import type { Launch } from './launch.ts'
import type { PhpKind } from './options.ts'
import type { Supervisor } from './supervisor.ts'

/** How a backend is at the moment. */
export interface PhpStats {
  /** False while it is being started again, and after `close()`. Of an address: whether it was reachable at the start. */
  readonly running: boolean
  /** How often it was started again. */
  readonly restarts: number
  /** Of its master process; undefined while none runs, and for an address. */
  readonly pid: number | undefined
  /** Of the process that cleans up when this one is killed; undefined for an address. */
  readonly guardPid: number | undefined
}

/** A PHP backend that accepts connections. */
export interface Php extends AsyncDisposable {
  /** As `new Pool()` takes it; the same over restarts. */
  readonly address: string
  readonly kind: PhpKind
  /** How many requests run at a time: keep a pool's `connections` within it. Undefined for an address. */
  readonly workers: number | undefined
  /** Such as `8.2.36`; undefined for an address. */
  readonly version: string | undefined
  /** One line: which backend, why this one, and how to get a better one. */
  readonly description: string
  readonly stats: PhpStats
  /** php-fpm's status page, as SCRIPT_NAME of a request; a name that nobody can guess. Undefined for other backends. */
  readonly statusPath: string | undefined
  /** php-fpm's ping page, likewise. */
  readonly pingPath: string | undefined
  /** Lets running requests finish, up to `stopTimeout`, then ends everything that was started and removes its files. */
  close(): Promise<void>
  /** Ends everything now. */
  destroy(): Promise<void>
}

/** A backend that runs below this process. */
export class StartedPhp implements Php {
  readonly #launch: Launch
  readonly #supervisor: Supervisor
  readonly version: string | undefined
  readonly description: string

  constructor(
    launch: Launch,
    supervisor: Supervisor,
    version: string | undefined,
    description: string,
  ) {
    this.#launch = launch
    this.#supervisor = supervisor
    this.version = version
    this.description = description
  }

  get address(): string {
    return this.#launch.address
  }

  get kind(): PhpKind {
    return this.#launch.kind
  }

  get workers(): number {
    return this.#launch.workers
  }

  get statusPath(): string | undefined {
    return this.#launch.statusPath
  }

  get pingPath(): string | undefined {
    return this.#launch.pingPath
  }

  get stats(): PhpStats {
    const { running, restarts, pid, guardPid } = this.#supervisor
    return { running, restarts, pid, guardPid }
  }

  close(): Promise<void> {
    return this.#supervisor.close()
  }

  destroy(): Promise<void> {
    return this.#supervisor.destroy()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** A backend that somebody else has started, and keeps. */
export class AddressPhp implements Php {
  readonly address: string
  readonly kind = 'address'
  readonly workers: undefined
  readonly version: undefined
  readonly statusPath: undefined
  readonly pingPath: undefined
  #running = true

  constructor(address: string) {
    this.address = address
  }

  get description(): string {
    return `PHP at ${this.address}, as asked for`
  }

  get stats(): PhpStats {
    return { running: this.#running, restarts: 0, pid: undefined, guardPid: undefined }
  }

  async close(): Promise<void> {
    this.#running = false
  }

  destroy(): Promise<void> {
    return this.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
