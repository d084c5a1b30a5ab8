// Early worker release: takes an answer at the speed of the backend, and gives it at the speed of the client.
//
// Rule 1: while the client keeps up, a chunk is handed on as it comes: no copy, no promise, no timer, no file.
// Rule 2: an end is passed on only behind the last byte; an abort overtakes everything, because what is left is of no use.
// Rule 3: when there is no room left, or the disk takes no more, the backend waits. Nothing is lost.

import { copyBytes } from '@fastcgi/client/protocol'
import type { HeaderFields, Reply } from '../http.ts'
import { Spool } from '../spool/spool.ts'
import type { ResponseRules } from './rules.ts'
import { StallTimer } from './stall-timer.ts'

export interface SpoolSetting {
  /** Keeps nothing: each chunk goes out at once, and the backend waits when the client is slower. For event streams. */
  readonly streaming: boolean
  /** Told when the disk does not take any more; the answer goes on, at the speed of the client. @default nobody is */
  readonly onDiskFailure?: ((error: unknown) => void) | undefined
}

// In bytes. The system takes as much from a connection that works, so a smaller answer needs no timer.
const SMALL = 16 * 1024

export class SpooledReply implements Reply {
  readonly #reply: Reply
  readonly #rules: ResponseRules
  readonly #setting: SpoolSetting
  readonly #stall: StallTimer
  /** Made for the first client that is too slow. */
  #spool: Spool | undefined
  /** In bytes, to the client. */
  #given = 0
  /** The client has not taken what it was given last. */
  #blocked = false
  /** The backend was told to wait. */
  #waiting = false
  #releasedAt: number | undefined
  /** The end was passed on. */
  #finished = false
  #closed = false
  #offer: () => void = () => {}

  /** @param reply Nobody else may write to it from here on. */
  constructor(reply: Reply, rules: ResponseRules, setting: SpoolSetting = { streaming: false }) {
    this.#reply = reply
    this.#rules = rules
    this.#setting = setting
    this.#stall = new StallTimer(rules.timeout, (error) => this.abort(error))
    reply.onDrain(() => this.#onDrain())
    reply.onClose(() => this.#release())
  }

  get headSent(): boolean {
    return this.#reply.headSent
  }

  /**
   * When the backend was done with this answer, so that its worker was free for another request: `performance.now()`, in ms. Undefined
   * while it is not. The client may have to take the rest for long after it.
   */
  get releasedAt(): number | undefined {
    return this.#releasedAt
  }

  /** What waits for the client, in bytes. */
  get held(): { readonly memory: number; readonly file: number } {
    return { memory: this.#spool?.inMemory ?? 0, file: this.#spool?.inFile ?? 0 }
  }

  informational(status: number, headers: HeaderFields): void {
    this.#reply.informational(status, headers)
  }

  head(status: number, statusText: string, headers: HeaderFields): void {
    this.#reply.head(status, statusText, headers)
  }

  write(chunk: Uint8Array, free?: () => void): boolean {
    if (this.#isOver || chunk.length === 0) return true
    if (this.#setting.streaming) return this.#give(chunk, free)
    if (!this.#blocked && this.#isIdle) {
      if (this.#give(chunk, free)) return true
    } else {
      this.#spooled().push(kept(chunk, free))
    }
    // Whoever was told to wait waits until it is told otherwise, even if what was on its way finds room again.
    if (!this.#hasRoom) this.#waiting = true
    return !this.#waiting
  }

  end(chunk?: Uint8Array, free?: () => void): void {
    if (this.#isOver) return
    this.#releasedAt = performance.now()
    if (this.#isIdle) {
      this.#finish(chunk, free)
      return
    }
    if (chunk) this.#spool?.push(kept(chunk, free))
    this.#pump()
  }

  abort(reason?: unknown): void {
    if (this.#closed) return
    this.#release()
    this.#reply.abort(reason)
  }

  onDrain(callback: () => void): void {
    this.#offer = callback
  }

  onClose(callback: () => void): void {
    this.#reply.onClose(callback)
  }

  /** Nothing more may come. */
  get #isOver(): boolean {
    return this.#releasedAt !== undefined
  }

  /** Nothing waits: what comes next is next for the client, too. */
  get #isIdle(): boolean {
    return this.#spool === undefined || this.#spool.size === 0
  }

  /** Without memory and file, or without a disk that works, there is room as long as the client keeps up. */
  get #hasRoom(): boolean {
    return this.#spooled().hasRoom || (this.#isIdle && !this.#blocked)
  }

  #spooled(): Spool {
    return (this.#spool ??= new Spool(this.#rules, {
      onChange: () => this.#pump(),
      onFull: (error) => this.#setting.onDiskFailure?.(error),
      onLost: (error) => this.abort(error),
    }))
  }

  /** @returns whether the client takes more */
  #give(chunk: Uint8Array, free?: () => void): boolean {
    this.#given += chunk.length
    if (this.#reply.write(chunk, free)) return true
    this.#blocked = true
    this.#stall.start()
    return false
  }

  #onDrain(): void {
    this.#blocked = false
    this.#stall.stop()
    if (this.#finished) this.#stall.start()
    else if (this.#setting.streaming) this.#offer()
    else this.#pump()
  }

  /** Gives the client what is next, as long as it takes it; then asks the backend for more, if there is room. */
  #pump(): void {
    const spool = this.#spool
    if (this.#closed || this.#finished || !spool) return
    while (!this.#blocked) {
      const chunk = spool.take()
      if (!chunk) break
      this.#give(chunk)
    }
    if (this.#isOver) {
      if (spool.size === 0) this.#finish()
    } else if (this.#waiting && this.#hasRoom) {
      this.#waiting = false
      this.#offer()
    }
  }

  #finish(chunk?: Uint8Array, free?: () => void): void {
    this.#finished = true
    this.#spool?.close()
    this.#given += chunk?.length ?? 0
    // What the system has not taken yet is still the client's to take.
    if (this.#given > SMALL) this.#stall.start()
    this.#reply.end(chunk, free)
  }

  #release(): void {
    this.#closed = true
    this.#releasedAt ??= performance.now()
    this.#stall.stop()
    this.#spool?.close()
  }
}

/** What is lent is needed again soon, and may lie in more memory than it fills: what waits is counted by its length. */
function kept(chunk: Uint8Array, free: (() => void) | undefined): Uint8Array {
  if (!free) return chunk
  const copy = copyBytes(chunk)
  free()
  return copy
}
