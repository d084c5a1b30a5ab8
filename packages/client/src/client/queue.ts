// First in, first out, with removal from the middle in constant time: a request that gives up must not cost a search.

/** An entry of a {@link Queue}; keep it to remove the value. */
export interface QueueEntry<T> {
  readonly value: T
  previous: QueueEntry<T> | undefined
  next: QueueEntry<T> | undefined
  queued: boolean
}

export class Queue<T> {
  #first: QueueEntry<T> | undefined
  #last: QueueEntry<T> | undefined
  #size = 0

  get size(): number {
    return this.#size
  }

  /** The value that has waited longest. */
  get first(): T | undefined {
    return this.#first?.value
  }

  push(value: T): QueueEntry<T> {
    const entry: QueueEntry<T> = { value, previous: this.#last, next: undefined, queued: true }
    if (this.#last) this.#last.next = entry
    else this.#first = entry
    this.#last = entry
    this.#size++
    return entry
  }

  shift(): T | undefined {
    const entry = this.#first
    if (entry) this.remove(entry)
    return entry?.value
  }

  /** Takes an entry out, wherever it is. Does nothing when it is out already. */
  remove(entry: QueueEntry<T>): void {
    if (!entry.queued) return
    entry.queued = false
    if (entry.previous) entry.previous.next = entry.next
    else this.#first = entry.next
    if (entry.next) entry.next.previous = entry.previous
    else this.#last = entry.previous
    this.#size--
  }

  *[Symbol.iterator](): Generator<T> {
    for (let entry = this.#first; entry; entry = entry.next) yield entry.value
  }
}
