// A request body, made ready for PHP: all of it at hand and its length known, or passed on as it comes.

import { HttpRequestError, type StdinBody } from '@fastcgi/client'
import type { IncomingBody } from '../http.ts'
import { ChunkQueue } from '../spool/chunk-queue.ts'
import { SpoolFile } from '../spool/spool-file.ts'
import type { BodyMemory } from './body-memory.ts'
import type { RequestBodyRules } from './rules.ts'
import { checkLength, watched } from './upload.ts'

/** A body as `dispatch` takes it. */
export interface TakenBody {
  /** In bytes: CONTENT_LENGTH. */
  readonly length: number
  /**
   * Bytes, in one piece or several, when all of it is in memory, so that the request can be repeated on another connection. What is in a file can be iterated again
   * as well; what is streamed cannot.
   */
  readonly stdin: StdinBody
  /** Where it is; undefined when it is passed on as it comes. */
  readonly spooled: 'memory' | 'file' | undefined
  /** Gives its memory and its temporary file back. To be called when the request is over, however it ended. */
  dispose(): void
}

// How much of a file is read at a time, and gathered for one call that writes to it: each is a way to another thread and back.
const PIECE = 256 * 1024
// How much is gathered, and how much a body keeps, while all of them together have no memory left.
const SCARCE = 16 * 1024

/**
 * Takes a body to its end, unless the rules say to stream it and its length is known.
 * @param memory What this body shares with the others.
 * @throws HttpRequestError 413 when it is too large: before anything is read, when that was announced; 408 when it stands still or crawls;
 * 400 when it is not as long as announced. SpoolError when it does not fit into memory, and the disk does not take it. Whatever the body
 * throws. When it is streamed, reading `stdin` throws these.
 */
export async function takeBody(
  body: IncomingBody,
  rules: RequestBodyRules,
  memory: BodyMemory,
): Promise<TakenBody> {
  const { length } = body
  checkLength(length, rules)
  if (rules.mode === 'stream' && length !== undefined) {
    return { length, stdin: watched(body, rules), spooled: undefined, dispose: () => {} }
  }
  const collector = new Collector(rules, memory)
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
  readonly #shared: BodyMemory
  readonly #memory = new ChunkQueue()
  #length = 0
  /** What it has of the shared memory, in bytes: what is being written to the file as well. */
  #share = 0
  #file: SpoolFile | undefined
  #written = 0
  #writing: Promise<void> | undefined

  constructor(rules: RequestBodyRules, shared: BodyMemory) {
    this.#rules = rules
    this.#shared = shared
  }

  /** @returns a promise when the disk has to be waited for. */
  add(chunk: Uint8Array): Promise<void> | undefined {
    this.#length += chunk.length
    if (!Number.isSafeInteger(this.#length)) throw new HttpRequestError(413, 'the body is endless')
    this.#memory.push(chunk)
    this.#shared.take(chunk.length)
    this.#share += chunk.length
    return this.#memory.size > this.#limit ? this.#flush() : undefined
  }

  async taken(): Promise<TakenBody> {
    const length = this.#length
    const dispose = (): void => this.dispose()
    if (!this.#file) return { length, stdin: this.#memory.takeAll(), spooled: 'memory', dispose }
    await this.#flush()
    await this.#writing
    return { length, stdin: piecesOf(this.#file, length), spooled: 'file', dispose }
  }

  dispose(): void {
    this.#file?.close()
    this.#giveBack(this.#share)
  }

  get #limit(): number {
    const limit = this.#file ? PIECE : this.#rules.memory
    return this.#shared.isFull ? Math.min(limit, SCARCE) : limit
  }

  /** Begins to write what is in memory once what went before is written: one call is under way while the next chunks come. */
  async #flush(): Promise<void> {
    this.#file ??= new SpoolFile(this.#rules.directory)
    await this.#writing
    this.#writing = this.#write(this.#file)
    // Told by whoever waits for it next.
    this.#writing.catch(() => {})
  }

  async #write(file: SpoolFile): Promise<void> {
    const count = this.#memory.size
    const pieces = this.#memory.peek(count)
    const position = this.#written
    this.#memory.clear()
    this.#written += count
    await file.write(pieces, position)
    this.#giveBack(count)
  }

  /** What is given up while it is being written was given back already. */
  #giveBack(count: number): void {
    const given = Math.min(count, this.#share)
    this.#share -= given
    this.#shared.give(given)
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
