// First in, first out, for bytes: in memory as long as there is room, and beyond that in a file.
//
//   push ─►  tail  ─►  file  ─►  take          the file is a ring: what was read makes room for what comes
//       └──────►  memory  ──────►
//
// Rule 1: bytes leave in the order in which they came: memory, then the file, then the tail.
// Rule 2: memory is filled only while nothing is behind it.
// Rule 3: bytes stay in the tail until the file has them, so that a disk that fails loses none.

import { ChunkQueue } from './chunk-queue.ts'
import { SpoolFile } from './spool-file.ts'

export interface SpoolLimits {
  /** In bytes; beyond it, what comes goes to the file. */
  readonly memory: number
  /** The most that the file takes, in bytes; 0 for no file. */
  readonly maxFile: number
  /** The folder of the file; undefined for the system's. */
  readonly directory: string | undefined
}

/** Whom a spool tells. Never called from within `push` and `take`. */
export interface SpoolEvents {
  /** There may be more to take, or room again. */
  onChange(): void
  /** The disk does not take any more; nothing is lost, and everything goes on in memory. */
  onFull(error: unknown): void
  /** What waited on the disk cannot be read again. */
  onLost(error: unknown): void
}

// How much is read from the file at a time: a slow client shows that it lives by taking one of these.
const PIECE = 64 * 1024
// How much may wait for the disk, in bytes, when the disk is slower than the backend.
const MAX_TAIL = 256 * 1024

export class Spool {
  readonly #limits: SpoolLimits
  readonly #events: SpoolEvents
  readonly #memory = new ChunkQueue()
  readonly #tail = new ChunkQueue()
  #file: SpoolFile | undefined
  /** Positions in all that ever went through the file; their remainders by `maxFile` are the places in it. */
  #readAt = 0
  #writtenAt = 0
  /** A piece from the file that nobody has taken yet. */
  #piece: Uint8Array | undefined
  #reading = false
  #writing = false
  #failed = false
  #closed = false

  constructor(limits: SpoolLimits, events: SpoolEvents) {
    this.#limits = limits
    this.#events = events
  }

  /** Everything that waits, in bytes. */
  get size(): number {
    return this.inMemory + this.inFile
  }

  /** In bytes. */
  get inMemory(): number {
    return this.#memory.size + this.#tail.size + (this.#piece?.length ?? 0)
  }

  /** In bytes; what is being read from it still counts. */
  get inFile(): number {
    return this.#writtenAt - this.#readAt
  }

  /** Whether more is wanted. Bytes that come all the same are kept, too. */
  get hasRoom(): boolean {
    if (this.#fitsMemory(1)) return true
    if (this.#failed || this.#tail.size >= MAX_TAIL) return false
    return this.inFile + this.#tail.size < this.#limits.maxFile
  }

  /** @param chunk May be kept: nobody may write into it again. */
  push(chunk: Uint8Array): void {
    if (this.#closed || chunk.length === 0) return
    if (this.#fitsMemory(chunk.length)) {
      this.#memory.push(chunk)
      return
    }
    this.#tail.push(chunk)
    void this.#writeTail()
  }

  /** The next bytes; undefined when there are none, or when they have to be read first: `onChange` tells. */
  take(): Uint8Array | undefined {
    const piece = this.#piece ?? this.#memory.shift()
    this.#piece = undefined
    if (piece) return piece
    if (this.inFile > 0) {
      void this.#readPiece()
      return undefined
    }
    return this.#writing ? undefined : this.#tail.shift()
  }

  /** Gives back memory and file. */
  close(): void {
    this.#closed = true
    this.#file?.close()
    this.#file = undefined
    this.#memory.clear()
    this.#tail.clear()
    this.#piece = undefined
    this.#readAt = this.#writtenAt
  }

  #fitsMemory(count: number): boolean {
    const isLast = this.#tail.size === 0 && this.inFile === 0 && this.#piece === undefined
    return isLast && this.#memory.size + count <= this.#limits.memory
  }

  async #writeTail(): Promise<void> {
    if (this.#writing || this.#failed) return
    this.#writing = true
    try {
      // A moment later, so that what comes in one go is one call.
      await Promise.resolve()
      for (;;) {
        if (this.#closed) return
        const pieces = this.#tail.peek(this.#writable())
        if (pieces.length === 0) break
        this.#file ??= new SpoolFile(this.#limits.directory)
        await this.#file.write(pieces, this.#writtenAt % this.#limits.maxFile)
        if (this.#closed) return
        const count = pieces.reduce((sum, { length }) => sum + length, 0)
        this.#tail.drop(count)
        this.#writtenAt += count
        this.#events.onChange()
      }
      this.#writing = false
    } catch (error) {
      if (this.#closed) return
      this.#failed = true
      this.#writing = false
      this.#events.onFull(error)
      this.#events.onChange()
    }
  }

  /** How much the file takes in one go: up to its end, or up to what was not read yet. */
  #writable(): number {
    const { maxFile } = this.#limits
    if (maxFile === 0) return 0
    const free = maxFile - this.inFile
    return Math.min(free, maxFile - (this.#writtenAt % maxFile))
  }

  async #readPiece(): Promise<void> {
    if (this.#reading) return
    this.#reading = true
    const place = this.#readAt % this.#limits.maxFile
    const length = Math.min(PIECE, this.inFile, this.#limits.maxFile - place)
    try {
      const piece = await this.#file!.read(place, length)
      if (this.#closed) return
      this.#piece = piece
      this.#readAt += length
      if (this.inFile === 0) await this.#startAnew()
    } catch (error) {
      if (!this.#closed) this.#events.onLost(error)
      return
    }
    this.#reading = false
    if (this.#closed) return
    void this.#writeTail()
    this.#events.onChange()
  }

  /** Gives the room on the disk back, unless it is being used again already. */
  async #startAnew(): Promise<void> {
    if (this.#writing) return
    this.#writing = true
    this.#readAt = 0
    this.#writtenAt = 0
    // A file that cannot be made shorter is written over.
    await this.#file!.truncate().catch(() => {})
    this.#writing = false
  }
}
