// The body of a request of node:http or node:http2: read when it is asked for, and never mistaken for whole when it is not.

import { HttpRequestError } from '@fastcgi/client'
import type { IncomingBody } from '../http.ts'
import type { NodeRequest, NodeResponse } from './node-types.ts'

// Requests whose client waits for `100 Continue`, until somebody wants the body.
const waiting = new WeakSet<NodeRequest>()

/** To be called by a listener of `checkContinue`: the client is told to go on when the body is first read, and not before. */
export function continueOnRead(request: NodeRequest): void {
  waiting.add(request)
}

export class NodeBody implements IncomingBody {
  readonly length: number | undefined
  readonly #request: NodeRequest
  readonly #response: NodeResponse

  constructor(request: NodeRequest, response: NodeResponse, length: number | undefined) {
    this.#request = request
    this.#response = response
    this.length = length
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    const request = this.#request
    refuseCoding(request.headers['transfer-encoding'])
    if (waiting.delete(request)) this.#response.writeContinue()
    let received = 0
    try {
      for await (const chunk of request.iterator({ destroyOnReturn: false })) {
        received += (chunk as Uint8Array).length
        yield chunk as Uint8Array
      }
    } catch (cause) {
      throw this.#cut(received, cause)
    }
    // HTTP/2 ends the stream of a request that was reset as if it were whole.
    if (isCut(request) || (this.length ?? received) !== received) throw this.#cut(received)
  }

  #cut(received: number, cause?: unknown): HttpRequestError {
    const expected = this.length === undefined ? '' : ` of ${this.length}`
    return new HttpRequestError(
      400,
      `the client went away after ${received}${expected} bytes of the request body`,
      cause === undefined ? {} : { cause },
    )
  }
}

/** What is coded and chunked comes in coded pieces, and the application is told of no coding (RFC 9112 §6.1). */
function refuseCoding(coding = 'chunked'): void {
  if (coding.trim().toLowerCase() === 'chunked') return
  throw new HttpRequestError(
    501,
    `the transfer coding ${JSON.stringify(coding)} is not decoded here`,
  )
}

/** A body that is at hand. */
export function bytesBody(bytes: Uint8Array): IncomingBody {
  return {
    length: bytes.length,
    // oxlint-disable-next-line require-await -- the iterator of a body is asynchronous
    async *[Symbol.asyncIterator]() {
      if (bytes.length > 0) yield bytes
    },
  }
}

/** Whether the client still waits for `100 Continue`: then it has not begun to send. */
export function isWaiting(request: NodeRequest): boolean {
  return waiting.has(request)
}

function isCut(request: NodeRequest): boolean {
  if ('stream' in request) return request.aborted || request.stream.rstCode !== 0
  // A request that somebody has made up for a test need not say.
  return 'complete' in request && !request.complete
}
