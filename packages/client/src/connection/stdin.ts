// string | bytes | Blob | stream | iterable -> chunks and, when known, a length.

import { LocalProtocolError } from '../errors.ts'
import { concatBytes } from '../protocol/index.ts'
import type { StdinBody } from './request.ts'

/** Where a body comes from, one chunk after the other. */
export interface ByteSource {
  /** The next bytes, or undefined at the end. @throws LocalProtocolError `FCGI_ERR_STDIN` when the source fails. */
  next(): Promise<Uint8Array | undefined>
  /** Frees the source; a `next` that is under way may never settle. */
  cancel(reason?: unknown): void
}

/** A body that is to be sent. */
export interface Stdin {
  /** In bytes; undefined when it is only known at the end. */
  readonly length: number | undefined
  /** All of it, when it is in memory. */
  readonly bytes: Uint8Array | undefined
  /** False once something was taken from a source that can be read only once. */
  readonly replayable: boolean
  /** Begins to read; a replayable body can be opened again. */
  open(): ByteSource
}

const utf8 = new TextEncoder()
// Small enough that many uploads share a machine, large enough that a chunk costs little.
const SLICE = 256 * 1024

/** Reads what a caller gave as a body. @throws TypeError when it is none of the accepted kinds. */
export function stdinFrom(body: StdinBody | null | undefined): Stdin {
  if (body === undefined || body === null) return EMPTY
  if (typeof body === 'string') return new Bytes(utf8.encode(body))
  if (body instanceof Uint8Array) return new Bytes(body)
  if (typeof Blob !== 'undefined' && body instanceof Blob) return new BlobStdin(body)
  if (isPieces(body)) return new Pieces(body)
  if (typeof body === 'object') {
    if ('getReader' in body) {
      if (body.locked) throw new TypeError('stdin is a ReadableStream that somebody else reads')
      return new Once(() => readerSource(body))
    }
    if (Symbol.asyncIterator in body || Symbol.iterator in body) {
      return new Once(() => iterableSource(body))
    }
  }
  throw new TypeError(
    'stdin must be a string, bytes, a Blob, a ReadableStream or an iterable of bytes',
  )
}

/**
 * Reads a body to its end, so that its length is known. The signal frees its source; the promise may then never settle.
 * @throws LocalProtocolError `FCGI_ERR_STDIN_TOO_LARGE` beyond `limit` bytes, `FCGI_ERR_STDIN` when its source fails.
 */
export async function collectStdin(
  stdin: Stdin,
  limit: number,
  signal: AbortSignal,
  onChunk: () => void = () => {},
): Promise<Stdin> {
  const source = stdin.open()
  signal.addEventListener('abort', () => source.cancel(signal.reason), { once: true })
  const chunks: Uint8Array[] = []
  let length = 0
  for (;;) {
    const chunk = await source.next()
    if (chunk === undefined) return new Bytes(concatBytes(chunks))
    onChunk()
    length += chunk.length
    if (length > limit) {
      const error = new LocalProtocolError(
        `stdin of unknown length is larger than maxBufferedStdin, ${limit} bytes: give CONTENT_LENGTH to stream it`,
        'FCGI_ERR_STDIN_TOO_LARGE',
      )
      source.cancel(error)
      throw error
    }
    chunks.push(chunk)
  }
}

class Bytes implements Stdin {
  readonly bytes: Uint8Array
  readonly length: number
  readonly replayable = true

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.length = bytes.length
  }

  open(): ByteSource {
    let at = 0
    return {
      next: async () => {
        const slice = this.bytes.subarray(at, at + SLICE)
        at += slice.length
        return slice.length === 0 ? undefined : slice
      },
      cancel: () => {},
    }
  }
}

const EMPTY = new Bytes(new Uint8Array(0))

/** Bytes in several places: joined, they would be copied, and for a large body allocated anew, for nothing but to be sent. */
class Pieces implements Stdin {
  readonly bytes = undefined
  readonly length: number
  readonly replayable = true
  readonly #pieces: readonly Uint8Array[]

  constructor(pieces: readonly Uint8Array[]) {
    this.#pieces = pieces
    this.length = pieces.reduce((sum, { length }) => sum + length, 0)
  }

  open(): ByteSource {
    let at = 0
    return {
      next: async () => this.#pieces[at++],
      cancel: () => {},
    }
  }
}

function isPieces(body: StdinBody): body is readonly Uint8Array[] {
  return Array.isArray(body) && body.every((piece) => piece instanceof Uint8Array)
}

class BlobStdin implements Stdin {
  readonly bytes = undefined
  readonly replayable = true
  readonly #blob: Blob

  constructor(blob: Blob) {
    this.#blob = blob
  }

  get length(): number {
    return this.#blob.size
  }

  open(): ByteSource {
    return readerSource(this.#blob.stream())
  }
}

class Once implements Stdin {
  readonly bytes = undefined
  readonly length = undefined
  readonly #open: () => ByteSource
  #opened = false

  constructor(open: () => ByteSource) {
    this.#open = open
  }

  get replayable(): boolean {
    return !this.#opened
  }

  open(): ByteSource {
    this.#opened = true
    return this.#open()
  }
}

function readerSource(stream: ReadableStream<Uint8Array>): ByteSource {
  const reader = stream.getReader()
  return {
    async next() {
      try {
        const { done, value } = await reader.read()
        return done ? undefined : toBytes(value)
      } catch (cause) {
        throw sourceFailed(cause)
      }
    },
    cancel: (reason) => void settle(() => reader.cancel(reason)),
  }
}

function iterableSource(
  iterable: AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>,
): ByteSource {
  const iterator =
    Symbol.asyncIterator in iterable
      ? iterable[Symbol.asyncIterator]()
      : iterable[Symbol.iterator]()
  return {
    async next() {
      try {
        const { done, value } = await iterator.next()
        return done ? undefined : toBytes(value)
      } catch (cause) {
        throw sourceFailed(cause)
      }
    },
    cancel() {
      // A Node stream that stalls would keep its iterator from returning; destroying it does not wait.
      if ('destroy' in iterable && typeof iterable.destroy === 'function') iterable.destroy()
      void settle(async () => iterator.return?.())
    },
  }
}

function sourceFailed(cause: unknown): LocalProtocolError {
  return new LocalProtocolError(`the source of stdin failed: ${String(cause)}`, 'FCGI_ERR_STDIN', {
    cause,
  })
}

/** Runs what frees a source. That a source cannot even be cancelled concerns nobody: the request has its outcome already. */
async function settle(free: () => Promise<unknown>): Promise<void> {
  await free().catch(() => {})
}

function toBytes(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk
  if (typeof chunk === 'string') return utf8.encode(chunk)
  throw new TypeError(`a chunk of stdin must be bytes or a string, not ${typeof chunk}`)
}
