// The pools of this process that have been heard of. None is kept alive by that.

import type { PoolState } from '../diagnostics.ts'

/** What all pools of one name do together. */
export interface PoolTotals {
  idle: number
  used: number
  max: number
  pending: number
}

// How many names without a pool are told of.
const MAX_GONE = 100

export class Pools {
  readonly #refs = new Map<WeakRef<PoolState>, string>()
  readonly #known = new WeakMap<PoolState, WeakRef<PoolState>>()
  readonly #forgotten = new FinalizationRegistry<WeakRef<PoolState>>((ref) => {
    this.#refs.delete(ref)
  })
  /** The names that were told last, and those that have been told before and have no pool any more. */
  #told: readonly string[] = []
  readonly #gone = new Set<string>()

  add(pool: PoolState): void {
    if (this.#known.has(pool)) return
    const ref = new WeakRef(pool)
    this.#known.set(pool, ref)
    this.#refs.set(ref, pool.name)
    this.#forgotten.register(pool, ref)
  }

  delete(pool: PoolState): void {
    const ref = this.#known.get(pool)
    if (ref) this.#refs.delete(ref)
  }

  /**
   * By name. A name without pools comes to nothing, rather than being left out: an SDK that adds up over time goes on telling what it was
   * told last.
   */
  totals(): ReadonlyMap<string, PoolTotals> {
    const all = this.#living()
    for (const name of this.#told) if (!all.has(name)) this.#gone.add(name)
    this.#told = [...all.keys()]
    for (const name of this.#gone) {
      if (all.has(name) || this.#gone.size > MAX_GONE) this.#gone.delete(name)
      else all.set(name, { idle: 0, used: 0, max: 0, pending: 0 })
    }
    return all
  }

  #living(): Map<string, PoolTotals> {
    const all = new Map<string, PoolTotals>()
    for (const [ref, name] of this.#refs) {
      const pool = ref.deref()
      if (!pool) continue
      const { idle, running, queued } = pool.stats
      const total = all.get(name) ?? { idle: 0, used: 0, max: 0, pending: 0 }
      all.set(name, total)
      total.idle += idle
      total.used += running
      total.max += pool.connections
      total.pending += queued
    }
    return all
  }
}
