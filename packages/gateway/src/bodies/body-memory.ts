// What all request bodies of a gateway keep in memory together: each may keep much as long as few do.

export class BodyMemory {
  readonly #limit: number
  #used = 0

  /** @param limit In bytes. */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** In bytes. */
  get used(): number {
    return this.#used
  }

  get isFull(): boolean {
    return this.#used >= this.#limit
  }

  /** Counts bytes that are there already: nothing is refused, but who sees that it is full keeps less. */
  take(count: number): void {
    this.#used += count
  }

  give(count: number): void {
    this.#used -= count
  }
}
