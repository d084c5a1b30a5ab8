// Bytes in the order in which they came. Small chunks are packed together, so that what is counted is what is held: a chunk of one byte
// costs a hundred in objects.

// From here on a chunk is kept as it is; below it is copied behind the one before it.
const LARGE = 4 * 1024
const BLOCK = 16 * 1024

export class ChunkQueue {
  // Taken from the front by moving #first, because shifting a long array moves all of it.
  #chunks: Uint8Array[] = []
  #first = 0
  #size = 0
  /** The block that is being filled; it is not among the chunks yet. */
  #block: Uint8Array | undefined
  #filled = 0

  /** In bytes. */
  get size(): number {
    return this.#size
  }

  /** @param chunk May be kept: nobody may write into it again. */
  push(chunk: Uint8Array): void {
    this.#size += chunk.length
    if (chunk.length >= LARGE) {
      this.#seal()
      this.#chunks.push(chunk)
      return
    }
    let at = 0
    while (at < chunk.length) {
      const block = (this.#block ??= new Uint8Array(BLOCK))
      const part = chunk.subarray(at, at + BLOCK - this.#filled)
      block.set(part, this.#filled)
      this.#filled += part.length
      at += part.length
      if (this.#filled === BLOCK) this.#seal()
    }
  }

  /** Takes the next bytes; undefined when there are none. */
  shift(): Uint8Array | undefined {
    const chunk = this.#front()
    if (chunk) this.#forget(chunk)
    return chunk
  }

  /** The next bytes, which stay: chunks of up to `limit` bytes altogether. */
  peek(limit: number): Uint8Array[] {
    this.#seal()
    const chunks: Uint8Array[] = []
    let room = limit
    for (let at = this.#first; at < this.#chunks.length && room > 0; at++) {
      const chunk = this.#chunks[at]!.subarray(0, room)
      chunks.push(chunk)
      room -= chunk.length
    }
    return chunks
  }

  /** Forgets the next `count` bytes. */
  drop(count: number): void {
    let rest = count
    while (rest > 0) {
      const chunk = this.#front()
      if (!chunk) return
      if (chunk.length > rest) {
        this.#chunks[this.#first] = chunk.subarray(rest)
        this.#size -= rest
        return
      }
      this.#forget(chunk)
      rest -= chunk.length
    }
  }

  /** Takes everything: as one piece when it is small, as it came when copying it would cost more than handing on several. */
  takeAll(): Uint8Array | Uint8Array[] {
    const size = this.#size
    const chunks = this.peek(size)
    this.clear()
    if (chunks.length === 1) return chunks[0]!
    return size <= BLOCK ? Buffer.concat(chunks) : chunks
  }

  clear(): void {
    this.#chunks = []
    this.#first = 0
    this.#size = 0
    this.#block = undefined
    this.#filled = 0
  }

  #front(): Uint8Array | undefined {
    if (this.#first === this.#chunks.length) this.#seal()
    return this.#chunks[this.#first]
  }

  #forget(chunk: Uint8Array): void {
    this.#size -= chunk.length
    this.#chunks[this.#first++] = EMPTY
    if (this.#first < this.#chunks.length / 2) return
    this.#chunks = this.#chunks.slice(this.#first)
    this.#first = 0
  }

  /** Ends the block that is being filled. */
  #seal(): void {
    const block = this.#block
    if (!block) return
    const filled = this.#filled
    // A block that is mostly empty would hold more than is counted.
    this.#chunks.push(filled > BLOCK / 2 ? block.subarray(0, filled) : block.slice(0, filled))
    this.#block = undefined
    this.#filled = 0
  }
}

const EMPTY = new Uint8Array(0)
