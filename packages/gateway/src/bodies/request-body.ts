// A request body, made ready for PHP: all of it at hand and its length known, or passed on as it comes.

import { HttpRequestError, type StdinBody } from '@fastcgi/client'
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
  #chunks: Uint8Array[] = []
  #length = 0
  #file: SpoolFile | undefined

  constructor(rules: RequestBodyRules) {
    this.#rules = rules
  }

  /** @returns a promise when it has to be waited for the disk. */
  add(chunk: Uint8Array): Promise<void> | undefined {
    this.#length += chunk.length
    if (!Number.isSafeInteger(this.#length)) throw new HttpRequestError(413, 'the body is endless')
    if (!this.#file && this.#length <= this.#rules.memory) {
      this.#chunks.push(chunk)
      return undefined
    }
    return this.#append(chunk)
  }

  taken(): TakenBody {
    const length = this.#length
    const file = this.#file
    if (file) return { length, stdin: piecesOf(file), dispose: () => file.close() }
    const [only = new Uint8Array()] = this.#chunks
    const bytes = this.#chunks.length > 1 ? Buffer.concat(this.#chunks) : only
    return { length, stdin: bytes, dispose: () => {} }
  }

  dispose(): void {
    this.#file?.close()
  }

  async #append(chunk: Uint8Array): Promise<void> {
    if (!this.#file) {
      this.#file = new SpoolFile(this.#rules.directory)
      const kept = this.#chunks
      this.#chunks = []
      for (const each of kept) await this.#file.append(each)
    }
    await this.#file.append(chunk)
  }
}

async function* piecesOf(file: SpoolFile): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < file.size;) {
    const piece = await file.read(at, PIECE)
    at += piece.length
    yield piece
  }
}
