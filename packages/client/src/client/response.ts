// Thin layers over dispatch: the whole answer as a promise, and the answer as an async iterable.

import { ResponseTooLargeError } from '../errors.ts'
import { copyBytes } from '../protocol/index.ts'
import type {
  Dispatched,
  Dispatcher,
  DispatchHandler,
  EndResult,
  FastCGIRequest,
  RequestOptions,
} from '../connection/request.ts'
import { ByteCollector } from './byte-collector.ts'

const text = new TextDecoder()
const NO_BYTES = new Uint8Array(0)

/** A whole answer. */
export class FastCGIResponse implements EndResult {
  /** What the application wrote to stdout: for CGI programs a header block, an empty line and a body. */
  readonly stdout: Uint8Array
  /** What the application wrote to stderr. php-fpm sends PHP's error log here when `fastcgi.logging` is on. */
  readonly stderr: Uint8Array
  readonly appStatus: number
  readonly protocolStatus: number

  constructor(stdout: Uint8Array, stderr: Uint8Array, end: EndResult) {
    this.stdout = stdout
    this.stderr = stderr
    this.appStatus = end.appStatus
    this.protocolStatus = end.protocolStatus
  }

  /** stdout as UTF-8 text. */
  text(): string {
    return text.decode(this.stdout)
  }

  /** stderr as UTF-8 text. */
  stderrText(): string {
    return text.decode(this.stderr)
  }
}

/** `execute` for anything that has `dispatch`. `maxResponseSize` in bytes, stdout and stderr together; 0 for no limit. */
export function executeBy(
  executor: Dispatcher,
  request: FastCGIRequest,
  options: RequestOptions | undefined,
  maxResponseSize: number,
): Promise<FastCGIResponse> {
  return new Promise((resolve, reject) => {
    executor.dispatch(request, new Collector(maxResponseSize, resolve, reject), options)
  })
}

class Collector implements DispatchHandler {
  readonly #limit: number
  readonly #resolve: (response: FastCGIResponse) => void
  readonly onError: (error: unknown) => void
  #size = 0
  readonly #stdout = new ByteCollector()
  #stderr: ByteCollector | undefined

  constructor(
    limit: number,
    resolve: (response: FastCGIResponse) => void,
    reject: (error: unknown) => void,
  ) {
    this.#limit = limit
    this.#resolve = resolve
    this.onError = reject
  }

  onStdout(data: Uint8Array): void {
    this.#count(data)
    this.#stdout.add(data)
  }

  onStderr(data: Uint8Array): void {
    this.#count(data)
    this.#stderr ??= new ByteCollector()
    this.#stderr.add(data)
  }

  onEnd(end: EndResult): void {
    const stderr = this.#stderr?.take() ?? NO_BYTES
    this.#resolve(new FastCGIResponse(this.#stdout.take(), stderr, end))
  }

  #count(data: Uint8Array): void {
    this.#size += data.length
    if (this.#limit === 0 || this.#size <= this.#limit) return
    throw new ResponseTooLargeError(
      `the answer is larger than maxResponseSize, ${this.#limit} bytes: use stream(), or raise the limit`,
    )
  }
}

/** A piece of a streamed answer; `data` belongs to whoever gets it. */
export interface StreamChunk {
  readonly type: 'stdout' | 'stderr'
  readonly data: Uint8Array
}

// Reading stops while this many bytes wait to be taken.
const HIGH_WATER = 128 * 1024
// What a piece takes beside its bytes, roughly: many small ones fill the memory, too.
const PIECE_COST = 200

/**
 * An answer as it comes. Iterating it begins the request; leaving the loop early aborts it. It can be iterated once.
 * @example
 * for await (const { type, data } of pool.stream({ params })) process[type].write(data)
 */
export class FastCGIStream implements AsyncIterable<StreamChunk, undefined> {
  readonly #begin: (handler: DispatchHandler) => Dispatched
  #iterated = false
  #end: EndResult | undefined

  /** @param begin Dispatches the request to the handler that it gets. */
  constructor(begin: (handler: DispatchHandler) => Dispatched) {
    this.#begin = begin
  }

  /** How the application ended the request; undefined until the iteration is over. */
  get end(): EndResult | undefined {
    return this.#end
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<StreamChunk, undefined> {
    if (this.#iterated) throw new TypeError('this stream was already iterated: it can be read once')
    this.#iterated = true
    const buffer = new StreamBuffer()
    const dispatched = this.#begin(buffer)
    buffer.dispatched = dispatched
    try {
      for (;;) {
        const chunk = await buffer.next()
        if (chunk === undefined) break
        yield chunk
      }
      this.#end = buffer.end
    } finally {
      dispatched.abort()
    }
  }
}

class StreamBuffer implements DispatchHandler {
  dispatched: Dispatched | undefined
  end: EndResult | undefined
  #chunks: StreamChunk[] = []
  #taken = 0
  #size = 0
  #failure: { readonly error: unknown } | undefined
  #wake: (() => void) | undefined

  onStdout(data: Uint8Array): void {
    this.#add({ type: 'stdout', data: copyBytes(data) })
  }

  onStderr(data: Uint8Array): void {
    this.#add({ type: 'stderr', data: copyBytes(data) })
  }

  onEnd(end: EndResult): void {
    this.end = end
    this.#wake?.()
  }

  onError(error: unknown): void {
    this.#failure = { error }
    this.#wake?.()
  }

  /** The next piece, or undefined at the end. What came before a failure is handed out before it is thrown. */
  async next(): Promise<StreamChunk | undefined> {
    while (this.#taken === this.#chunks.length) {
      this.#chunks = []
      this.#taken = 0
      if (this.#failure) throw this.#failure.error
      if (this.end) return undefined
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    const chunk = this.#chunks[this.#taken++]!
    this.#size -= chunk.data.length + PIECE_COST
    if (this.#size < HIGH_WATER) this.dispatched?.resume()
    return chunk
  }

  #add(chunk: StreamChunk): void {
    this.#chunks.push(chunk)
    this.#size += chunk.data.length + PIECE_COST
    if (this.#size >= HIGH_WATER) this.dispatched?.pause()
    this.#wake?.()
  }
}
