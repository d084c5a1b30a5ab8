// The backends of a gateway: one pool for each address, however many sites share it.

import { Pool, type Executor, type PoolOptions } from '@fastcgi/client'
import { shown, within } from './checks.ts'
import type { BackendOptions } from './options.ts'
import type { Backend } from './site.ts'

export class Backends {
  readonly #named: Readonly<Record<string, BackendOptions>>
  readonly #made = new Map<BackendOptions, Backend>()
  /** Those that were made here, and are closed here. */
  readonly #pools: Pool[] = []

  /** @param named Backends that sites may refer to. */
  constructor(named: Readonly<Record<string, BackendOptions>> = {}) {
    this.#named = named
    for (const name of Object.keys(named))
      within(`backends.${name}`, () => this.#make(named[name]!, name))
  }

  /** The backend that an option means. @throws TypeError when it means none. */
  get(options: BackendOptions): Backend {
    const name =
      typeof options === 'string' && Object.hasOwn(this.#named, options) ? options : undefined
    const meant = name === undefined ? options : this.#named[name]!
    return this.#made.get(meant) ?? this.#make(meant, name)
  }

  get all(): readonly Backend[] {
    return [...this.#made.values()]
  }

  /** Finishes what runs, then closes the pools that were made here; executors that were given stay open. */
  async close(): Promise<void> {
    await Promise.all(this.#pools.map((pool) => pool.close()))
  }

  destroy(reason?: Error): void {
    for (const pool of this.#pools) pool.destroy(reason)
  }

  #make(options: BackendOptions, name: string | undefined): Backend {
    const backend = this.#create(options, name)
    this.#made.set(options, backend)
    return backend
  }

  #create(options: BackendOptions, name: string | undefined): Backend {
    if (isExecutor(options)) return { name: name ?? 'executor', executor: options }
    const { address, ...rest } = addressed(options)
    const pool = new Pool(address, rest)
    this.#pools.push(pool)
    return { name: name ?? pool.address, executor: pool }
  }
}

function isExecutor(options: BackendOptions): options is Executor {
  return typeof options === 'object' && options !== null && 'dispatch' in options
}

function addressed(options: unknown): PoolOptions & { address: string } {
  if (typeof options === 'string') return { address: options }
  if (typeof options === 'object' && options !== null && 'address' in options) {
    return options as PoolOptions & { address: string }
  }
  throw new TypeError(
    `backend must be an address such as unix:/run/php/php-fpm.sock, a name from backends, { address, … } or an executor, not ${shown(options)}`,
  )
}
