// Bytes that come in pieces, however small, kept as one string of bytes: a piece costs what it holds, not an object.

import { copyBytes } from '../protocol/index.ts'

const NO_BYTES = new Uint8Array(0)
const SMALLEST = 4096

export class ByteCollector {
  #bytes: Uint8Array = NO_BYTES
  #length = 0

  /** Adds a copy of the data. */
  add(data: Uint8Array): void {
    // Most answers come in one piece, which then has just the room that it needs.
    if (this.#length === 0) {
      this.#bytes = copyBytes(data)
      this.#length = data.length
      return
    }
    const length = this.#length + data.length
    if (length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(2 * length, SMALLEST))
      larger.set(this.#bytes.subarray(0, this.#length))
      this.#bytes = larger
    }
    this.#bytes.set(data, this.#length)
    this.#length = length
  }

  /** Everything that was added. */
  take(): Uint8Array {
    return this.#length === this.#bytes.length ? this.#bytes : this.#bytes.slice(0, this.#length)
  }
}
