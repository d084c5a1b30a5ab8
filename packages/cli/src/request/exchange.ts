// One request and its answer: head, body and stderr told as they come, the times taken, the end made sure of.

import {
  connectNode,
  Pool,
  SocketError,
  type Address,
  type Connector,
  type Dispatched,
  type DispatchHandler,
  type EndResult,
  type ParamPair,
  type PoolOptions,
  type StdinBody,
} from '@fastcgi/client'
import { CgiResponseParser, type CgiHead } from '@fastcgi/client/http'
import { Exit, Failure } from '../failure.ts'
import type { BodySink } from './output.ts'

/** What is told while an answer comes. */
export interface Listener {
  onHead?(head: CgiHead): void
  onStderr?(data: Uint8Array): void
  /** Bytes of the body. */
  onBody?(length: number): void
}

/** How a request went. Times in ms since it began. */
export interface Outcome {
  readonly head: CgiHead
  readonly end: EndResult
  /** How long connecting took; undefined when a kept connection was used. */
  readonly connect: number | undefined
  /** To the first byte of stdout. */
  readonly firstByte: number
  readonly total: number
  /** In bytes. */
  readonly body: number
  readonly stderr: number
}

/** A request that is ready to be sent. */
export interface PreparedRequest {
  readonly method: string
  readonly params: readonly ParamPair[]
  readonly stdin: StdinBody | undefined
}

/** A pool that notes how long it took to connect. */
export class TimedPool {
  readonly pool: Pool
  #connect: number | undefined

  constructor(address: Address, options: PoolOptions) {
    const dial = connectNode(address)
    const connect: Connector = async (handler, signal) => {
      const startedAt = performance.now()
      const transport = await dial(handler, signal)
      this.#connect = performance.now() - startedAt
      return transport
    }
    this.pool = new Pool(address, { ...options, connect })
  }

  /** The time that the last connection took, once. */
  takeConnect(): number | undefined {
    const time = this.#connect
    this.#connect = undefined
    return time
  }
}

/** Runs a request. @throws Failure, FastCGIError, or the signal's reason. */
export function exchange({
  pool,
  request,
  sink,
  listener = {},
  signal,
}: {
  readonly pool: TimedPool
  readonly request: PreparedRequest
  readonly sink: BodySink
  readonly listener?: Listener
  readonly signal: AbortSignal
}): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const receiver = new Receiver(pool, request, sink, listener, resolve, reject)
    const { params, stdin } = request
    receiver.dispatched = pool.pool.dispatch({ params, stdin }, receiver, { signal })
  })
}

// Responses with these statuses have no body (RFC 9110 §15).
const NO_BODY: ReadonlySet<number> = new Set([204, 205, 304])

class Receiver implements DispatchHandler {
  dispatched: Dispatched | undefined
  readonly #pool: TimedPool
  readonly #method: string
  readonly #sink: BodySink
  readonly #listener: Listener
  readonly #resolve: (outcome: Outcome) => void
  readonly #reject: (error: unknown) => void
  readonly #parser = new CgiResponseParser()
  readonly #startedAt = performance.now()
  #firstByte = 0
  #answered = false
  #body = 0
  #stderr = 0

  constructor(
    pool: TimedPool,
    { method }: PreparedRequest,
    sink: BodySink,
    listener: Listener,
    resolve: (outcome: Outcome) => void,
    reject: (error: unknown) => void,
  ) {
    this.#pool = pool
    this.#method = method
    this.#sink = sink
    this.#listener = listener
    this.#resolve = resolve
    this.#reject = reject
    sink.onDrain = () => this.dispatched?.resume()
    sink.onError = (error) => this.dispatched?.abort(error)
  }

  onStdout(data: Uint8Array): void {
    if (!this.#answered) {
      this.#answered = true
      this.#firstByte = this.#elapsed()
    }
    if (this.#parser.head) {
      this.#onBody(data)
      return
    }
    const bodyAt = this.#parser.push(data)
    if (bodyAt < 0) return
    this.#listener.onHead?.(this.#parser.end())
    if (bodyAt < data.length) this.#onBody(data.subarray(bodyAt))
  }

  onStderr(data: Uint8Array): void {
    this.#stderr += data.length
    this.#listener.onStderr?.(data)
  }

  onEnd(end: EndResult): void {
    const total = this.#elapsed()
    const connect = this.#pool.takeConnect()
    try {
      const head = this.#parser.end()
      this.#checkLength(head)
      const outcome = { head, end, connect, firstByte: this.#firstByte, total }
      this.#resolve({ ...outcome, body: this.#body, stderr: this.#stderr })
    } catch (error) {
      this.#reject(error)
    }
  }

  onError(error: unknown): void {
    if (this.#answered && error instanceof SocketError) {
      this.#reject(new Failure(Exit.Partial, error.message, { cause: error }))
    } else this.#reject(error)
  }

  #onBody(data: Uint8Array): void {
    this.#body += data.length
    this.#listener.onBody?.(data.length)
    if (!this.#sink.write(data)) this.dispatched?.pause()
  }

  #checkLength({ status, contentLength }: CgiHead): void {
    if (contentLength === undefined || this.#method === 'HEAD' || NO_BODY.has(status)) return
    if (contentLength === this.#body) return
    throw new Failure(
      Exit.Partial,
      `the body has ${this.#body} bytes, but its Content-Length says ${contentLength}`,
    )
  }

  #elapsed(): number {
    return performance.now() - this.#startedAt
  }
}
