// Chance that can be had again: a failing run prints its seed, and FUZZ_SEED=<seed> repeats it.

/** The seed of this run. Fixed unless the environment says otherwise, so that a run proves the same as the last one. */
export const SEED: number = Number(process.env.FUZZ_SEED ?? 20_010_929)

/** A generator of numbers (mulberry32): small, fast, and the same everywhere. */
export class Chance {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** A whole number from 0 to `limit` - 1. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d_2b_79_f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit
  }

  /** One of the items. */
  of<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!
  }
}
