// An open file -> a reply, piece by piece, as fast as it is taken.

import { close, read } from 'node:fs'
import type { Exchange } from './exchange.ts'
import type { ByteRange } from './byte-ranges.ts'

/** Bytes as they are, or a part of the file. */
export type Piece = Uint8Array | ByteRange

// One is read while at most one waits: what a slow client costs.
const CHUNK = 65_536

/**
 * Sends the pieces as the body of a reply whose head is out, then closes the file, whatever happens. What cannot be read is no end: the
 * reply is aborted.
 * @returns when the last piece is handed over, or the exchange is over.
 */
export function streamFile(
  exchange: Exchange,
  fd: number,
  pieces: readonly Piece[],
): Promise<void> {
  return new Promise((resolve) => {
    new FileStream(exchange, fd, pieces, resolve).start()
  })
}

class FileStream {
  readonly #exchange: Exchange
  readonly #fd: number
  readonly #pieces: readonly Piece[]
  readonly #done: () => void
  /** Where it is: the piece, and the next byte of the file when that is a part of it. */
  #index = 0
  #position = -1
  #reading = false
  #over = false

  constructor(exchange: Exchange, fd: number, pieces: readonly Piece[], done: () => void) {
    this.#exchange = exchange
    this.#fd = fd
    this.#pieces = pieces
    this.#done = done
  }

  start(): void {
    const { reply } = this.#exchange
    reply.onDrain(() => this.#next())
    this.#exchange.onClose(() => this.#finish())
    this.#next()
  }

  #next(): void {
    const piece = this.#pieces[this.#index]
    if (this.#over || this.#reading || piece === undefined) return
    if (piece instanceof Uint8Array) {
      this.#index++
      this.#give(piece)
    } else {
      this.#read(piece)
    }
  }

  #read({ first, last }: ByteRange): void {
    if (this.#position < 0) this.#position = first
    const length = Math.min(CHUNK, last + 1 - this.#position)
    this.#reading = true
    // Not from the pool that small buffers share: the reply may keep it for long.
    const chunk = Buffer.allocUnsafeSlow(length)
    read(this.#fd, chunk, 0, length, this.#position, (error, count) => {
      this.#reading = false
      if (this.#over) return this.#close()
      if (error || count === 0) return this.#fail(error)
      this.#position += count
      if (this.#position > last) {
        this.#position = -1
        this.#index++
      }
      this.#give(count === length ? chunk : chunk.subarray(0, count))
    })
  }

  #give(chunk: Uint8Array): void {
    const { reply } = this.#exchange
    if (this.#index === this.#pieces.length) {
      reply.end(chunk)
      this.#finish()
    } else if (reply.write(chunk)) {
      this.#next()
    }
  }

  #fail(cause: Error | null): void {
    const what = cause ? 'could not be read to its end' : 'became shorter while it was sent'
    const error = new Error(`the file of ${this.#exchange.path} ${what}`, { cause })
    this.#exchange.error ??= error
    this.#exchange.reply.abort(error)
    this.#finish()
  }

  #finish(): void {
    if (this.#over) return
    this.#over = true
    // The system may give the number to another file while a read of this one is still on its way.
    if (!this.#reading) this.#close()
    this.#done()
  }

  #close(): void {
    // Nothing was written, so that nothing can be lost by a failure here.
    close(this.#fd, () => {})
  }
}
