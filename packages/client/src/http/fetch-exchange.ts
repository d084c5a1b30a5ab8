// One answer on its way into a Response: the head first, then the body as a stream that holds the backend up when nobody reads.

import type { Dispatched, DispatchHandler } from '../connection/request.ts'
import { CgiResponseError } from '../errors.ts'
import { copyBytes } from '../protocol/index.ts'
import { CgiResponseParser, type CgiHead } from './cgi-response.ts'

/** What is told while the answer comes. */
export interface FetchObserver {
  readonly maxHeaderSize?: number | undefined
  readonly onStderr?: ((data: Uint8Array, request: Request) => void) | undefined
  readonly onInformational?: ((head: CgiHead, request: Request) => void) | undefined
}

/** Another path is to be asked instead (RFC 3875 §6.2.2). */
export interface LocalRedirect {
  readonly localRedirect: string
}

// Reading stops while this many bytes of a body wait to be taken.
const HIGH_WATER = 64 * 1024
// Responses with these statuses have no body (RFC 9110 §15); the constructor of Response refuses one.
const NO_BODY: ReadonlySet<number> = new Set([204, 205, 304])
// They concern one hop only (RFC 9110 §7.6.1), and this hop is not the one that the application sees.
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

export class FetchExchange implements DispatchHandler {
  readonly outcome: Promise<Response | LocalRedirect>
  dispatched: Dispatched | undefined
  readonly #request: Request
  readonly #method: string
  readonly #observer: FetchObserver
  readonly #parser: CgiResponseParser
  #resolve!: (outcome: Response | LocalRedirect) => void
  #reject!: (error: unknown) => void
  #body: ReadableStreamDefaultController<Uint8Array> | undefined
  /** How many bytes of body are promised and still to come. */
  #rest = Infinity
  #over = false

  constructor(request: Request, method: string, observer: FetchObserver) {
    this.#request = request
    this.#method = method
    this.#observer = observer
    this.#parser = new CgiResponseParser(observer.maxHeaderSize)
    this.outcome = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  onStdout(data: Uint8Array): void {
    if (this.#parser.head) {
      this.#addToBody(data)
      return
    }
    const told = this.#parser.informational.length
    const bodyAt = this.#parser.push(data)
    for (const head of this.#parser.informational.slice(told)) {
      this.#observer.onInformational?.(head, this.#request)
    }
    if (bodyAt < 0) return
    this.#begin(this.#parser.end())
    this.#addToBody(data.subarray(bodyAt))
  }

  onStderr(data: Uint8Array): void {
    this.#observer.onStderr?.(data, this.#request)
  }

  onEnd(): void {
    this.#over = true
    try {
      this.#parser.end()
      if (this.#body && this.#rest > 0 && this.#rest !== Infinity) {
        throw new CgiResponseError(`the body ended ${this.#rest} bytes before its Content-Length`)
      }
      this.#body?.close()
    } catch (error) {
      this.onError(error)
    }
  }

  onError(error: unknown): void {
    this.#over = true
    // Whoever has the Response already learns it from the body; nothing else may end a body early.
    this.#body?.error(error)
    this.#reject(error)
  }

  #begin(head: CgiHead): void {
    if (head.localRedirect !== undefined) {
      this.#resolve({ localRedirect: head.localRedirect })
      return
    }
    const { status, statusText } = head
    const headers = responseHeaders(head)
    const empty = NO_BODY.has(status) || this.#method === 'HEAD'
    if (!empty) this.#rest = head.contentLength ?? Infinity
    const body = empty ? null : this.#openBody()
    this.#resolve(new Response(body, { status, statusText, headers }))
  }

  #openBody(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#body = controller
        },
        pull: () => this.dispatched?.resume(),
        cancel: (reason) => {
          this.#body = undefined
          this.dispatched?.abort(reason)
        },
      },
      new ByteLengthQueuingStrategy({ highWaterMark: HIGH_WATER }),
    )
  }

  /** Bytes of a body that has no stream (HEAD, 204, a local redirect) are read and dropped, so that the connection stays usable. */
  #addToBody(data: Uint8Array): void {
    const body = this.#body
    if (!body || this.#over || data.length === 0) return
    this.#rest -= data.length
    if (this.#rest < 0) throw new CgiResponseError('the body is longer than its Content-Length')
    body.enqueue(copyBytes(data))
    if ((body.desiredSize ?? 0) <= 0) this.dispatched?.pause()
  }
}

function responseHeaders(head: CgiHead): Headers {
  const headers = new Headers()
  const dropped = new Set(HOP_BY_HOP)
  for (const [name, value] of head.headers) {
    if (name.toLowerCase() !== 'connection') continue
    for (const named of value.split(',')) dropped.add(named.trim().toLowerCase())
  }
  // The length of a body that these cannot have would be read as that of what follows (RFC 9110 §8.6).
  if (head.status === 204 || head.status === 205) dropped.add('content-length')
  for (const [name, value] of head.headers) {
    if (!dropped.has(name.toLowerCase())) headers.append(name, value)
  }
  return headers
}
