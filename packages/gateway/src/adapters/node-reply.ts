// The answer on a response of node:http or node:http2. The usual one, a head with a small body, is one write to the socket.

import {
  STATUS_CODES,
  validateHeaderName,
  validateHeaderValue,
  type ServerResponse,
} from 'node:http'
import { constants, type Http2ServerResponse } from 'node:http2'
import type { HeaderFields } from '../http.ts'
import { onResponseClose } from './node-close.ts'
import { grouped } from './node-fields.ts'
import { finish, finishSoon, isHttp2 } from './node-finish.ts'
import { hasUnreadBody, isLargeOrOpen, leaveBody } from './node-linger.ts'
import type { NodeRequest, NodeResponse } from './node-types.ts'
import type { Outcome, RecordedReply } from './reply-record.ts'

const ignoreError = (): void => {}

export class NodeReply implements RecordedReply {
  readonly #request: NodeRequest
  readonly #response: NodeResponse
  #status = 0
  #bytes = 0
  #flushed = false
  #ended = false
  #finished = false
  #mayWait = false
  #aborted = false
  #outcome: Outcome | undefined
  #drain: (() => void) | undefined
  #closers: (() => void)[] = []

  constructor(request: NodeRequest, response: NodeResponse) {
    this.#request = request
    this.#response = response
    // Without a listener, a late error of a response that nobody waits for would end the process.
    response.on('error', ignoreError)
    response.on('finish', () => {
      this.#finished = true
    })
    onResponseClose(request, response, () => this.#close())
  }

  get headSent(): boolean {
    return this.#response.headersSent
  }

  get status(): number {
    return this.#status
  }

  get bytes(): number {
    return this.#bytes
  }

  get outcome(): Outcome | undefined {
    return this.#outcome
  }

  informational(status: number, headers: HeaderFields): void {
    const response = this.#response
    // A client of HTTP/1.0 would take it for the answer (RFC 9110 §15.2); and 101 is no interim answer.
    if (this.#over || response.headersSent || status === 101) return
    if (isHttp2(response)) {
      response.stream.additionalHeaders({ ':status': status, ...grouped(headers) })
      return
    }
    const { socket } = response
    // Without a socket, the answer to an earlier request of this connection is still going out.
    if (!socket || this.#request.httpVersionMinor < 1) return
    socket.write(interimHead(status, headers), 'latin1')
  }

  head(status: number, statusText: string, headers: HeaderFields): void {
    if (this.#over) return
    const response = this.#response
    if (isHttp2(response)) {
      writeHttp2Head(response, status, headers)
    } else {
      if (hasUnreadBody(this.#request) && isLargeOrOpen(this.#request)) {
        response.shouldKeepAlive = false
      }
      writeHead(response, status, statusText || (STATUS_CODES[status] ?? ''), headers)
    }
    this.#status = status
    // HTTP/1 keeps the head back for the first bytes of the body; an event stream may have none for long.
    process.nextTick(flushHead, this)
  }

  write(chunk: Uint8Array, free?: () => void): boolean {
    if (this.#over || chunk.length === 0) return true
    this.#flushed = true
    if (this.#request.method === 'HEAD') return true
    this.#bytes += chunk.length
    return (this.#response as ServerResponse).write(chunk, free)
  }

  end(chunk?: Uint8Array, free?: () => void): void {
    if (this.#over) return
    this.#ended = true
    this.#flushed = true
    const body = this.#request.method === 'HEAD' ? undefined : chunk
    this.#bytes += body?.length ?? 0
    if (hasUnreadBody(this.#request)) leaveBody(this.#request, this.#response, body)
    else if (this.#mayWait) finishSoon(this.#response, body, free)
    else finish(this.#response, body, free)
  }

  abort(_reason?: unknown): void {
    if (this.#outcome || this.#aborted) return
    this.#aborted = true
    const response = this.#response
    if (isHttp2(response)) {
      response.stream.close(constants.NGHTTP2_INTERNAL_ERROR)
      return
    }
    const socket = response.socket ?? this.#request.socket
    // An answer that only the end of the connection ends would look whole after a FIN.
    const isEncrypted = 'encrypted' in socket && socket.encrypted
    if (isEncrypted || socket.remoteFamily === undefined) socket.destroy()
    else socket.resetAndDestroy()
  }

  onDrain(callback: () => void): void {
    if (!this.#drain) this.#response.on('drain', () => this.#drain?.())
    this.#drain = callback
  }

  onClose(callback: () => void): void {
    if (this.#outcome) callback()
    else this.#closers.push(callback)
  }

  /**
   * The call that brought the request is over. Until then, an answer goes out at once: behind the request there may be bytes that are none,
   * which node:http answers itself, and at once.
   */
  requestReturned(): void {
    this.#mayWait = true
  }

  /** Sends a head that no body has taken along. */
  flush(): void {
    if (this.#flushed || this.#over || isHttp2(this.#response)) return
    this.#flushed = true
    this.#response.flushHeaders()
  }

  get #over(): boolean {
    return this.#ended || this.#aborted || this.#outcome !== undefined || this.#response.destroyed
  }

  #close(): void {
    if (this.#outcome) return
    if (this.#aborted) this.#outcome = 'aborted'
    else this.#outcome = this.#ended && this.#isDelivered() ? 'complete' : 'closed'
    const closers = this.#closers
    this.#closers = []
    for (const closer of closers) closer()
  }

  #isDelivered(): boolean {
    const response = this.#response
    // node:http2 tells `finish` of every stream that is closed, whatever closed it.
    return isHttp2(response) ? response.stream.rstCode === 0 : this.#finished
  }
}

function flushHead(reply: NodeReply): void {
  reply.flush()
}

/** @throws TypeError with the code ERR_INVALID_CHAR on a field or status text that HTTP/1 cannot carry; nothing is sent then. */
function writeHead(
  response: ServerResponse,
  status: number,
  statusText: string,
  headers: HeaderFields,
): void {
  // Fields that a framework has set are kept unless the answer has them, and then node:http keeps one of several of a name only.
  if (response.getHeaderNames().length > 0) {
    for (const [name, values] of Object.entries(grouped(headers))) response.setHeader(name, values!)
    response.writeHead(status, statusText)
    return
  }
  const flat: string[] = []
  for (const [name, value] of headers) flat.push(name, value)
  response.writeHead(status, statusText, flat)
}

/** @throws TypeError with the code of node:http2 on a field that HTTP/2 cannot carry; nothing is sent then. */
function writeHttp2Head(
  response: Http2ServerResponse,
  status: number,
  headers: HeaderFields,
): void {
  const fields = grouped(headers)
  try {
    response.writeHead(status, fields)
  } catch (error) {
    // It keeps what it refuses, and would refuse the head of the error page for it.
    for (const name of Object.keys(fields)) response.removeHeader(name)
    throw error
  }
}

function interimHead(status: number, headers: HeaderFields): string {
  let text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`
  for (const [name, value] of headers) {
    validateHeaderName(name)
    validateHeaderValue(name, value)
    text += `${name}: ${value}\r\n`
  }
  return `${text}\r\n`
}
