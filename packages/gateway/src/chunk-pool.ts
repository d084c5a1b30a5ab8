// Memory for large pieces of answers, used again when the client has them. Memory of its own for each would be freed only by the collector
// of garbage, and V8 runs a full collection for every few megabytes of it.

// A smaller piece costs the collector little: the smallest are cut from memory that Node keeps for them, others get their own.
const LEAST = 16 * 1024
// What a transport of Node gives at a time.
const MOST = 64 * 1024
// Chunks are of a few sizes, so that one fits many pieces. Where nobody gives them back, little of each is empty.
const STEP = 16 * 1024
// Chunks that wait to be used again: 4 MiB.
const MAX_KEPT = 64

/** Bytes that somebody lent. */
export interface Loan {
  readonly bytes: Uint8Array
  /** Gives them back, once; to be called by whoever knows that nobody reads them any more. Otherwise the collector finds them. */
  readonly free: (() => void) | undefined
}

export class ChunkPool {
  readonly #kept: Uint8Array[] = []

  /** A copy of these bytes. */
  copy(data: Uint8Array): Loan {
    if (data.length < LEAST || data.length > MOST) {
      return { bytes: Buffer.from(data), free: undefined }
    }
    const chunk = this.#take(data.length)
    chunk.set(data)
    let lent = true
    const free = (): void => {
      if (lent && this.#kept.length < MAX_KEPT) this.#kept.push(chunk)
      lent = false
    }
    return { bytes: chunk.subarray(0, data.length), free }
  }

  #take(length: number): Uint8Array {
    const kept = this.#kept.pop()
    // One that is too small is dropped: those that stay are as large as the pieces that come.
    if (kept && kept.length >= length) return kept
    return new Uint8Array(Buffer.allocUnsafeSlow(Math.ceil(length / STEP) * STEP).buffer)
  }
}
