// Memory for large pieces of answers, used again when the client has them. Memory of its own for each would be freed only by the collector
// of garbage, and V8 runs a full collection for every few megabytes of it.

import { copyBytes } from '@fastcgi/client/protocol'

// As much as comes from a backend in one go.
const CHUNK = 64 * 1024
// A smaller piece gets memory of its own: a chunk would be mostly empty, and a small piece costs the collector little.
const LEAST = CHUNK / 2
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
    if (data.length < LEAST || data.length > CHUNK) {
      return { bytes: copyBytes(data), free: undefined }
    }
    const chunk = this.#kept.pop() ?? new Uint8Array(CHUNK)
    chunk.set(data)
    let lent = true
    const free = (): void => {
      if (lent && this.#kept.length < MAX_KEPT) this.#kept.push(chunk)
      lent = false
    }
    return { bytes: chunk.subarray(0, data.length), free }
  }
}
