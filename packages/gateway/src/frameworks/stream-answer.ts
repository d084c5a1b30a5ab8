// The answer as a framework on node:http takes it: a head, and a body that is a stream. Not written past the framework, because then nothing
// that works on answers would see it: compression, cookies of a session, CORS, times and logs.

import { Readable } from 'node:stream'
import { grouped } from '../adapters/node-fields.ts'
import { NodeReply } from '../adapters/node-reply.ts'
import { NodeIncoming } from '../adapters/node-request.ts'
import type { NodeRequest, NodeResponse } from '../adapters/node-types.ts'
import type { ParsedRequest } from '../adapters/parsed-body.ts'
import { RecordedExchange, type Outcome, type RecordedReply } from '../adapters/reply-record.ts'
import type { MountedRequest } from '../adapters/target.ts'
import { answerBy, type Gateway } from '../gateway.ts'
import type { HeaderFields } from '../http.ts'
import { mountOf } from './mount.ts'

// Writing is to stop while this many bytes of a body wait to be taken.
const HIGH_WATER = 64 * 1024

/** A whole answer, or the beginning of one. */
export interface StreamAnswer {
  readonly status: number
  /** Empty for the usual one. */
  readonly statusText: string
  /** By name in lower case; a list where there are several. */
  readonly headers: ReturnType<typeof grouped>
  /** Bytes when all are at hand; a stream that is destroyed when the answer cannot be completed. */
  readonly body: Buffer | Readable
}

/** A request in a framework. */
export interface FrameworkRequest {
  readonly request: NodeRequest
  readonly response: NodeResponse
  /** What the framework has made of the request. */
  readonly seen: MountedRequest & ParsedRequest
  /** The pattern of a route that PHP is mounted at, behind what has been taken off the path. @default none */
  readonly pattern?: string | undefined
  readonly fallthrough: boolean
}

/**
 * @returns the answer, once there is its head; undefined when nothing here answers, and when the client is gone.
 * @throws Error with a `status`, when it is the application that answers for failures.
 */
export function answerAsStream(
  gateway: Gateway,
  { request, response, seen, pattern = '', fallthrough }: FrameworkRequest,
): Promise<StreamAnswer | undefined> {
  return new Promise((resolve, reject) => {
    const incoming = new NodeIncoming(request, response, seen)
    const exchange = new RecordedExchange(incoming, new StreamReply(request, response, resolve))
    exchange.mount = incoming.base + mountOf(incoming.target.slice(incoming.base.length), pattern)
    if (fallthrough) {
      exchange.next = (error) => (error === undefined ? resolve(undefined) : reject(error))
    }
    exchange.onClose(() => resolve(undefined))
    answerBy(gateway, exchange)
  })
}

class StreamReply implements RecordedReply {
  readonly #method: string | undefined
  /** Knows when the client is gone, and how to say that an answer is not whole. */
  readonly #wire: NodeReply
  readonly #resolve: (answer: StreamAnswer) => void
  #head: Omit<StreamAnswer, 'body'> | undefined
  #body: Readable | undefined
  #begun = false
  #ended = false
  #aborted = false
  #bytes = 0
  #outcome: Outcome | undefined
  #drain: (() => void) | undefined
  #closers: (() => void)[] = []

  constructor(
    request: NodeRequest,
    response: NodeResponse,
    resolve: (answer: StreamAnswer) => void,
  ) {
    this.#method = request.method
    this.#resolve = resolve
    this.#wire = new NodeReply(request, response)
    this.#wire.onClose(() => {
      this.#close(this.#ended && response.writableFinished ? 'complete' : 'closed')
    })
  }

  get headSent(): boolean {
    return this.#head !== undefined
  }

  get status(): number {
    return this.#head?.status ?? 0
  }

  get bytes(): number {
    return this.#bytes
  }

  get outcome(): Outcome | undefined {
    return this.#outcome
  }

  informational(status: number, headers: HeaderFields): void {
    if (!this.#head) this.#wire.informational(status, headers)
  }

  /** @throws TypeError on a field that HTTP cannot carry. */
  head(status: number, statusText: string, headers: HeaderFields): void {
    if (this.#over) return
    this.#head = { status, statusText, headers: grouped(headers) }
    // Bytes that come along with the head need no stream; an event stream may have none for long.
    process.nextTick(() => this.#begin())
  }

  write(chunk: Uint8Array): boolean {
    if (this.#over || chunk.length === 0) return true
    this.#begin()
    const body = this.#body
    if (!body) return true
    this.#bytes += chunk.length
    return body.push(asBuffer(chunk))
  }

  end(chunk?: Uint8Array): void {
    if (this.#over) return
    if (this.#begun) {
      if (chunk) this.write(chunk)
      this.#body?.push(null)
    } else {
      const body = this.#method === 'HEAD' || !chunk ? Buffer.alloc(0) : asBuffer(chunk)
      this.#bytes = body.length
      this.#handOut(body)
    }
    this.#ended = true
  }

  abort(reason: unknown = new Error('the answer was aborted')): void {
    if (this.#outcome || this.#aborted) return
    this.#aborted = true
    this.#body?.destroy(reason instanceof Error ? reason : new Error(String(reason)))
    this.#wire.abort(reason)
  }

  onDrain(callback: () => void): void {
    this.#drain = callback
  }

  onClose(callback: () => void): void {
    if (this.#outcome) callback()
    else this.#closers.push(callback)
  }

  get #over(): boolean {
    return this.#ended || this.#aborted || this.#outcome !== undefined
  }

  /** Hands the head out, with a stream for what is to come. */
  #begin(): void {
    if (this.#begun || this.#over) return
    if (this.#method === 'HEAD') {
      this.#handOut(Buffer.alloc(0))
      return
    }
    this.#body = new Readable({ highWaterMark: HIGH_WATER, read: () => this.#drain?.() })
    // A framework that puts another answer in its place destroys it.
    this.#body.on('close', () => {
      if (!this.#ended && !this.#aborted) this.#close('closed')
    })
    // Without a listener, an answer that is aborted before anybody reads it would end the process.
    this.#body.on('error', () => {})
    this.#handOut(this.#body)
  }

  #handOut(body: Buffer | Readable): void {
    this.#begun = true
    if (this.#head) this.#resolve({ ...this.#head, body })
  }

  #close(outcome: Outcome): void {
    if (this.#outcome) return
    this.#outcome = this.#aborted ? 'aborted' : outcome
    this.#body?.destroy()
    const closers = this.#closers
    this.#closers = []
    for (const closer of closers) closer()
  }
}

function asBuffer(chunk: Uint8Array): Buffer {
  return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
}
