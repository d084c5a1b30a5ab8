// One lazily set timer. A deadline that moves on with every request costs a comparison, not a timer: the timer rings at the earliest
// moment it was ever asked for, and its owner then says when it wants to be asked again.

const MAX_DELAY = 0x7f_ff_ff_ff

const { performance } = globalThis

/** Milliseconds of a clock that never goes back. */
export function now(): number {
  return performance.now()
}

/** Calls `ring` at, or some time before, the moment it was set to: the owner looks at its own deadlines and sets it anew. */
export class Alarm {
  readonly #ring: () => void
  #timer: ReturnType<typeof setTimeout> | undefined
  #at = Infinity
  #held = false

  constructor(ring: () => void) {
    this.#ring = ring
  }

  /** Makes sure that the alarm rings at `at` or before. `Infinity` asks for nothing. */
  set(at: number): void {
    if (at >= this.#at) return
    clearTimeout(this.#timer)
    this.#at = at
    this.#timer = setTimeout(() => this.#fire(), Math.min(Math.max(at - now(), 0), MAX_DELAY))
    if (!this.#held) this.#timer.unref?.()
  }

  /** Whether the timer keeps the process alive: true while somebody waits for it. */
  hold(held: boolean): void {
    if (this.#held === held) return
    this.#held = held
    if (held) this.#timer?.ref?.()
    else this.#timer?.unref?.()
  }

  clear(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#at = Infinity
  }

  #fire(): void {
    this.#timer = undefined
    this.#at = Infinity
    this.#ring()
  }
}
