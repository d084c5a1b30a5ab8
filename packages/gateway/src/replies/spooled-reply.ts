// Early worker release: takes an answer at the speed of the backend, and gives it at the speed of the client.
//
//   write ─►  memory  ─►  file  ─►  tail  ─►  client
//             (first)              (on its way into the file)
//
// Rule 1: bytes go out in the order in which they came: memory, then the file, then the tail.
// Rule 2: as long as the client keeps up, nothing is kept: each chunk is handed on as it comes.
// Rule 3: when the disk does not take more, the backend has to wait; nothing is lost.

import type { HeaderFields, Reply } from '../http.ts'
import { SpoolFile } from '../spool/spool-file.ts'
import type { ResponseRules } from './rules.ts'
import { StallTimer } from './stall-timer.ts'

export interface SpoolSetting {
  /** Hands everything on as it comes, and holds the backend up when the client is slower: for event streams. */
  readonly streaming: boolean
  /** Told when the disk does not take more. @default nobody is */
  readonly onDiskFailure?: ((error: unknown) => void) | undefined
}

// How much is read from the file at a time: a slow client shows that it lives by taking one of these.
const PIECE = 64 * 1024
// How much may wait to be written to the file, in bytes: the disk may be slower than the backend.
const MAX_TAIL = 1024 * 1024

export class SpooledReply implements Reply {
  readonly #reply: Reply
  readonly #rules: ResponseRules
  readonly #setting: SpoolSetting
  readonly #stall: StallTimer
  /** In memory, ahead of what is in the file. */
  #memory: Uint8Array[] = []
  #memorySize = 0
  #file: SpoolFile | undefined
  /** Where the next byte for the client is in the file. */
  #readAt = 0
  /** Behind what is in the file. */
  #tail: Uint8Array[] = []
  #tailSize = 0
  #writing = false
  #reading = false
  /** Nothing more goes into the file: there is to be none, or the disk took no more. */
  #diskless: boolean
  /** The client has not taken what it was given last. */
  #blocked = false
  #ended = false
  #over = false
  /** The backend was told to wait. */
  #waiting = false
  #offer: () => void = () => {}

  /** @param reply Nobody else may write to it from here on. */
  constructor(reply: Reply, rules: ResponseRules, setting: SpoolSetting) {
    this.#reply = reply
    this.#rules = rules
    this.#setting = setting
    this.#diskless = rules.maxFile === 0
    this.#stall = new StallTimer(rules.timeout, (error) => this.abort(error))
    reply.onDrain(() => this.#onDrain())
    reply.onClose(() => this.#release())
  }

  get headSent(): boolean {
    return this.#reply.headSent
  }

  informational(status: number, headers: HeaderFields): void {
    this.#reply.informational(status, headers)
  }

  head(status: number, statusText: string, headers: HeaderFields): void {
    this.#reply.head(status, statusText, headers)
  }

  write(chunk: Uint8Array): boolean {
    if (this.#over || this.#ended || chunk.length === 0) return true
    if (this.#isIdle && !this.#blocked) this.#give(chunk)
    else if (this.#setting.streaming) this.#keep(chunk)
    else this.#spool(chunk)
    // Whoever was told to wait waits until it is told otherwise, even if what was on its way finds room again.
    if (!this.#hasRoom) this.#waiting = true
    return !this.#waiting
  }

  end(chunk?: Uint8Array): void {
    if (this.#over || this.#ended) return
    if (this.#isIdle) {
      this.#ended = true
      this.#finish(chunk)
      return
    }
    if (chunk) this.write(chunk)
    this.#ended = true
    this.#pump()
  }

  abort(reason?: unknown): void {
    this.#release()
    this.#reply.abort(reason)
  }

  onDrain(callback: () => void): void {
    this.#offer = callback
  }

  onClose(callback: () => void): void {
    this.#reply.onClose(callback)
  }

  /** Nothing is kept: what comes next is next for the client, too. */
  get #isIdle(): boolean {
    return this.#memorySize === 0 && this.#inFile === 0 && this.#tailSize === 0 && !this.#reading
  }

  get #inFile(): number {
    return this.#file ? this.#file.size - this.#readAt : 0
  }

  get #hasRoom(): boolean {
    if (this.#setting.streaming) return !this.#blocked
    if (this.#isIdle && !this.#blocked) return true
    if (this.#diskless) return this.#tailSize === 0 && this.#memorySize < this.#rules.memory
    // The whole file counts, not what is left in it: its room is given back only once all of it was read.
    const size = (this.#file?.size ?? 0) + this.#tailSize
    return size < this.#rules.maxFile && this.#tailSize < MAX_TAIL
  }

  #keep(chunk: Uint8Array): void {
    this.#memory.push(chunk)
    this.#memorySize += chunk.length
  }

  #spool(chunk: Uint8Array): void {
    const behindFile = this.#tailSize > 0 || this.#inFile > 0 || this.#reading
    if (!behindFile && this.#memorySize + chunk.length <= this.#rules.memory) {
      this.#keep(chunk)
      return
    }
    this.#tail.push(chunk)
    this.#tailSize += chunk.length
    if (!this.#writing && !this.#diskless) void this.#writeTail()
  }

  /** One after the other, so that the file has them in their order. */
  async #writeTail(): Promise<void> {
    this.#writing = true
    try {
      while (this.#tail.length > 0 && !this.#over) {
        this.#file ??= new SpoolFile(this.#rules.directory)
        const chunks = this.#tail
        this.#tail = []
        await this.#append(this.#file, chunks)
      }
    } catch (error) {
      this.#diskless = true
      if (!this.#over) this.#setting.onDiskFailure?.(error)
    }
    this.#writing = false
    this.#pump()
    this.#offerRoom()
  }

  async #append(file: SpoolFile, chunks: readonly Uint8Array[]): Promise<void> {
    const bytes = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
    let written = 0
    try {
      await file.append(bytes, (count) => {
        written += count
        this.#tailSize -= count
        this.#pump()
        this.#offerRoom()
      })
    } catch (error) {
      // What the disk has not taken goes on from memory, behind what it has.
      this.#tail.unshift(bytes.subarray(written))
      throw error
    }
  }

  #onDrain(): void {
    if (this.#over) {
      this.#stall.refresh()
      return
    }
    this.#blocked = false
    this.#stall.stop()
    this.#pump()
    this.#offerRoom()
  }

  #offerRoom(): void {
    if (!this.#waiting || this.#over || !this.#hasRoom) return
    this.#waiting = false
    this.#offer()
  }

  /** Gives the client what is next, as long as it takes it. */
  #pump(): void {
    while (!this.#blocked && !this.#over && !this.#reading) {
      const chunk = this.#memory.shift()
      if (chunk) {
        this.#memorySize -= chunk.length
        this.#give(chunk)
      } else if (this.#inFile > 0) {
        void this.#readPiece(this.#file!)
      } else if (this.#diskless && this.#tail.length > 0) {
        const next = this.#tail.shift()!
        this.#tailSize -= next.length
        this.#give(next)
      } else {
        if (this.#ended && this.#tailSize === 0) this.#finish()
        return
      }
    }
  }

  async #readPiece(file: SpoolFile): Promise<void> {
    this.#reading = true
    try {
      const piece = await file.read(this.#readAt, PIECE)
      if (this.#over) return
      this.#readAt += piece.length
      this.#give(piece)
      if (this.#inFile === 0 && !this.#writing) this.#rewind(file)
    } catch (error) {
      if (!this.#over) this.abort(error)
    } finally {
      this.#reading = false
    }
    this.#pump()
    this.#offerRoom()
  }

  /** An answer that goes on for ever must not fill the disk with what was read long ago. */
  #rewind(file: SpoolFile): void {
    file.clear()
    this.#readAt = 0
  }

  #give(chunk: Uint8Array): void {
    if (this.#reply.write(chunk)) return
    this.#blocked = true
    this.#stall.start()
  }

  #finish(chunk?: Uint8Array): void {
    // What the system still has to send is the client's to take; the timer watches over that as well.
    this.#file?.close()
    this.#file = undefined
    this.#over = true
    if (!this.#blocked) this.#stall.start()
    this.#reply.end(chunk)
  }

  #release(): void {
    this.#over = true
    this.#stall.stop()
    this.#file?.close()
    this.#file = undefined
    this.#memory = []
    this.#tail = []
    this.#memorySize = 0
    this.#tailSize = 0
  }
}
