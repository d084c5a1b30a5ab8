// Compresses an answer on its way out, when it is worth it and the client takes it.
//
// Rule 1: what the source has written goes out when the source pauses, not when the compressor has enough.
// Rule 2: backpressure goes through: a slow client fills the compressor, and a full compressor holds up the source.
// Rule 3: a compressor that fails aborts the answer; half of a coding is never ended as if it were whole.

import type { HeaderFields, Incoming, Reply } from '../http.ts'
import { CODINGS, CODING_NAMES, type Compressor } from './compressors.ts'
import { codeHead, codeNotModified, type ContentCoding } from './content-coding.ts'
import type { CompressRules } from './rules.ts'

export class CompressedReply implements Reply {
  readonly #reply: Reply
  readonly #request: Incoming
  readonly #rules: CompressRules
  #compressor: Compressor | undefined
  #flushKind = 0
  #ended = false
  #closed = false
  #offer: () => void = () => {}

  /** @param reply Nobody else may write to it from here on. */
  constructor(reply: Reply, request: Incoming, rules: CompressRules) {
    this.#reply = reply
    this.#request = request
    this.#rules = rules
  }

  get headSent(): boolean {
    return this.#reply.headSent
  }

  informational(status: number, headers: HeaderFields): void {
    this.#reply.informational(status, headers)
  }

  head(status: number, statusText: string, headers: HeaderFields): void {
    const request = this.#request
    if (status === 304) {
      const known = request.header('if-none-match')
      this.#reply.head(status, statusText, codeNotModified(headers, known))
      return
    }
    const wish = { accepted: request.header('accept-encoding'), available: CODING_NAMES }
    const head = codeHead(status, headers, wish, this.#rules)
    this.#reply.head(status, statusText, head.headers)
    // The head of HEAD says what GET would get; a body there is none.
    if (head.coding && request.method !== 'HEAD') this.#begin(head.coding)
  }

  write(chunk: Uint8Array, free?: () => void): boolean {
    const compressor = this.#compressor
    if (!compressor) return this.#reply.write(chunk, free)
    if (this.#isOver || chunk.length === 0) return true
    return compressor.write(chunk, () => {
      free?.()
      this.#flushSoon()
    })
  }

  end(chunk?: Uint8Array, free?: () => void): void {
    const compressor = this.#compressor
    if (!compressor) {
      this.#reply.end(chunk, free)
      return
    }
    if (this.#isOver) return
    this.#ended = true
    compressor.end(chunk)
  }

  abort(reason?: unknown): void {
    this.#release()
    this.#reply.abort(reason)
  }

  onDrain(callback: () => void): void {
    this.#offer = callback
    if (!this.#compressor) this.#reply.onDrain(callback)
  }

  onClose(callback: () => void): void {
    this.#reply.onClose(callback)
  }

  get #isOver(): boolean {
    return this.#ended || this.#closed
  }

  #begin(name: ContentCoding): void {
    const coding = CODINGS.find((each) => each.name === name)!
    const compressor = coding.create()
    this.#compressor = compressor
    this.#flushKind = coding.flushKind
    compressor.on('data', (bytes: Buffer) => {
      if (!this.#reply.write(bytes)) compressor.pause()
    })
    compressor.on('drain', () => {
      if (!this.#isOver) this.#offer()
    })
    compressor.on('end', () => this.#reply.end())
    compressor.on('error', (error) => this.abort(error))
    this.#reply.onDrain(() => compressor.resume())
    this.#reply.onClose(() => this.#release())
  }

  /** Once the compressor has nothing to do, and the next turn of the event loop brings nothing either. */
  #flushSoon(): void {
    if (this.#isOver || !this.#isIdle) return
    setImmediate(() => {
      if (!this.#isOver && this.#isIdle) this.#compressor!.flush(this.#flushKind)
    })
  }

  get #isIdle(): boolean {
    return this.#compressor!.writableLength === 0
  }

  #release(): void {
    if (this.#closed) return
    this.#closed = true
    this.#compressor?.destroy()
  }
}
