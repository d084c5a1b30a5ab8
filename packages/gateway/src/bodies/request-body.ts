// A request body, made ready for PHP: all of it at hand and its length known, or passed on as it comes.

import type { StdinBody } from '@fastcgi/client'
import type { IncomingBody } from '../http.ts'
import { SpoolFile } from '../spool/spool-file.ts'
import type { RequestBodyRules } from './rules.ts'
import { checkLength, watched } from './upload.ts'

/** A body as `dispatch` takes it. */
export interface TakenBody {
  /** In bytes: CONTENT_LENGTH. */
  readonly length: number
  readonly stdin: StdinBody
  /** Gives its temporary file back, if it has one. */
  dispose(): void
}

// How much of a temporary file is read at a time.
const PIECE = 256 * 1024

/**
 * Takes a body to its end, unless the rules say to stream it and its length is known.
 * @throws HttpRequestError 413 when it is too large, 408 when it stands still or crawls, 400 when the client goes away; SpoolError when
 * it does not fit into memory, and the disk does not take it.
 */
export async function takeBody(body: IncomingBody, rules: RequestBodyRules): Promise<TakenBody> {
  const { length } = body
  checkLength(length, rules)
  if (rules.mode === 'stream' && length !== undefined) {
    return { length, stdin: watched(body, rules), dispose: () => {} }
  }
  const collector = new Collector(rules)
  try {
    for await (const chunk of watched(body, rules)) {
      const waiting = collector.add(chunk)
      if (waiting) await waiting
    }
    return collector.taken()
  } catch (error) {
    collector.dispose()
    throw error
  }
}

/** Keeps what comes: in memory, and beyond its share all of it in a file. */
class Collector {
  readonly #rules: RequestBodyRules
  readonly #memory = new GrowingBytes()
  #file: SpoolFile | undefined

  constructor(rules: RequestBodyRules) {
    this.#rules = rules
  }

  /** @returns a promise when it has to be waited for the disk. */
  add(chunk: Uint8Array): Promise<void> | undefined {
    if (!this.#file && this.#memory.length + chunk.length <= this.#rules.memory) {
      this.#memory.add(chunk)
      return undefined
    }
    return this.#append(chunk)
  }

  taken(): TakenBody {
    const file = this.#file
    if (file) return { length: file.size, stdin: piecesOf(file), dispose: () => file.close() }
    const bytes = this.#memory.take()
    return { length: bytes.length, stdin: bytes, dispose: () => {} }
  }

  dispose(): void {
    this.#file?.close()
  }

  async #append(chunk: Uint8Array): Promise<void> {
    if (!this.#file) {
      this.#file = new SpoolFile(this.#rules.directory)
      await this.#file.append(this.#memory.take())
    }
    await this.#file.append(chunk)
  }
}

/** Chunks in one piece: a client that sends a byte at a time would otherwise take many times what it has sent. */
class GrowingBytes {
  #bytes: Uint8Array = new Uint8Array()
  #length = 0

  get length(): number {
    return this.#length
  }

  add(chunk: Uint8Array): void {
    const length = this.#length + chunk.length
    // A body of one chunk is never copied.
    if (this.#length === 0) this.#bytes = chunk
    else this.#append(chunk, length)
    this.#length = length
  }

  /** All of it; then there is nothing. */
  take(): Uint8Array {
    const bytes = this.#bytes.subarray(0, this.#length)
    this.#bytes = new Uint8Array()
    this.#length = 0
    return bytes
  }

  #append(chunk: Uint8Array, length: number): void {
    if (length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(length, 2 * this.#bytes.length))
      larger.set(this.#bytes.subarray(0, this.#length))
      this.#bytes = larger
    }
    this.#bytes.set(chunk, this.#length)
  }
}

async function* piecesOf(file: SpoolFile): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < file.size;) {
    const piece = await file.read(at, PIECE)
    at += piece.length
    yield piece
  }
}
