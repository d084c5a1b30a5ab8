// A request body, made ready for PHP: all of it at hand and its length known, or passed on as it comes.

import { HttpRequestError, type StdinBody } from '@fastcgi/client'
import type { IncomingBody } from '../http.ts'
import { ChunkQueue } from '../spool/chunk-queue.ts'
import { SpoolFile } from '../spool/spool-file.ts'
import type { RequestBodyRules } from './rules.ts'
import { checkLength, watched } from './upload.ts'

/** A body as `dispatch` takes it. */
export interface TakenBody {
  /** In bytes: CONTENT_LENGTH. */
  readonly length: number
  /**
   * Bytes when all of it is in memory, so that the request can be repeated on another connection. What is in a file can be iterated again
   * as well; what is streamed cannot.
   */
  readonly stdin: StdinBody
  /** Where it is; undefined when it is passed on as it comes. */
  readonly spooled: 'memory' | 'file' | undefined
  /** Gives its temporary file back, if it has one. To be called when the request is over, however it ended. */
  dispose(): void
}

// How much of a file is read at a time, and gathered for one call that writes to it.
const PIECE = 256 * 1024
const BATCH = 64 * 1024

/**
 * Takes a body to its end, unless the rules say to stream it and its length is known.
 * @throws HttpRequestError 413 when it is too large: before anything is read, when that was announced; 408 when it stands still or crawls;
 * 400 when it is not as long as announced. SpoolError when it does not fit into memory, and the disk does not take it. Whatever the body
 * throws. When it is streamed, reading `stdin` throws these.
 */
export async function takeBody(body: IncomingBody, rules: RequestBodyRules): Promise<TakenBody> {
  const { length } = body
  checkLength(length, rules)
  if (rules.mode === 'stream' && length !== undefined) {
    return { length, stdin: watched(body, rules), spooled: undefined, dispose: () => {} }
  }
  const collector = new Collector(rules)
  try {
    for await (const chunk of watched(body, rules)) {
      const waiting = collector.add(chunk)
      if (waiting) await waiting
    }
    return await collector.taken()
  } catch (error) {
    collector.dispose()
    throw error
  }
}

/** Keeps what comes: in memory, and beyond its share all of it in a file. */
class Collector {
  readonly #rules: RequestBodyRules
  readonly #memory = new ChunkQueue()
  #length = 0
  #file: SpoolFile | undefined
  #written = 0
  #writing: Promise<void> | undefined

  constructor(rules: RequestBodyRules) {
    this.#rules = rules
  }

  /** @returns a promise when the disk has to be waited for. */
  add(chunk: Uint8Array): Promise<void> | undefined {
    this.#length += chunk.length
    if (!Number.isSafeInteger(this.#length)) throw new HttpRequestError(413, 'the body is endless')
    this.#memory.push(chunk)
    const limit = this.#file ? BATCH : this.#rules.memory
    return this.#memory.size > limit ? this.#flush() : undefined
  }

  async taken(): Promise<TakenBody> {
    const length = this.#length
    if (!this.#file) {
      return { length, stdin: this.#memory.takeAll(), spooled: 'memory', dispose: () => {} }
    }
    await this.#flush()
    await this.#writing
    const file = this.#file
    return { length, stdin: piecesOf(file, length), spooled: 'file', dispose: () => file.close() }
  }

  dispose(): void {
    this.#file?.close()
  }

  /** Begins to write what is in memory once what went before is written: one call is under way while the next chunks come. */
  async #flush(): Promise<void> {
    this.#file ??= new SpoolFile(this.#rules.directory)
    await this.#writing
    const count = this.#memory.size
    this.#writing = this.#file.write(this.#memory.peek(count), this.#written)
    // Told by whoever waits for it next.
    this.#writing.catch(() => {})
    this.#memory.clear()
    this.#written += count
  }
}

/** The content of a file, as often as it is asked for. */
function piecesOf(file: SpoolFile, length: number): AsyncIterable<Uint8Array> {
  return {
    async *[Symbol.asyncIterator]() {
      for (let at = 0; at < length; at += PIECE) {
        yield await file.read(at, Math.min(PIECE, length - at))
      }
    },
  }
}
