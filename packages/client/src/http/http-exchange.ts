// One HTTP request by way of an executor: its script, the head and body of the answer, and the paths that the application wants answered
// instead. What becomes of the answer is its handler's business.

import { onAbort } from '../connection/abort-signals.ts'
import type {
  Dispatched,
  Dispatcher,
  DispatchHandler,
  FastCGIRequest,
  RequestOptions,
} from '../connection/request.ts'
import { CgiResponseError } from '../errors.ts'
import { CgiResponseParser, type CgiHead } from './cgi-response.ts'
import { redirected, type FetchInfo, type HttpRequest, type Site } from './site.ts'

/** The head of an answer as it goes on: without what concerned one hop only. */
export type HttpHead = Pick<CgiHead, 'status' | 'statusText' | 'headers'>

/** What is told about an answer, as it happens. Exactly one of `onEnd` and `onError` is called, once and last. */
export interface HttpHandler {
  /** An interim response, such as 103 Early Hints. @default drops it */
  onInformational?(head: CgiHead): void
  /** @param hasBody False for the answer to HEAD and for a status that has none: `onData` will not be called. */
  onHead(head: HttpHead, hasBody: boolean): void
  /** Bytes of the body, valid only during the call: copy what you keep. */
  onData(data: Uint8Array): void
  /** Bytes of stderr, valid only during the call. @default drops them */
  onStderr?(data: Uint8Array): void
  /** The answer is complete: END_REQUEST came, and every byte that Content-Length promised. */
  onEnd(): void
  /** The request failed: a FastCGIError, or the reason of the abort. */
  onError(error: unknown): void
}

const MAX_LOCAL_REDIRECTS = 10
// Responses with these statuses have no body (RFC 9110 §15).
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

export class HttpExchange implements Dispatched {
  readonly #executor: Dispatcher
  readonly #site: Site
  readonly #info: FetchInfo
  readonly #handler: HttpHandler
  readonly #options: RequestOptions
  /** What the reader of the answer holds up. */
  #current: Dispatched | undefined
  /** All that is not over at the backend: those too whose applications named another path and go on working. */
  readonly #answers = new Set<Answer>()
  #paused = false
  #over = false

  /** Begins at once; the handler is called later. */
  constructor(
    executor: Dispatcher,
    site: Site,
    request: HttpRequest,
    handler: HttpHandler,
    options: RequestOptions,
    info: FetchInfo,
  ) {
    this.#executor = executor
    this.#site = site
    this.#handler = handler
    this.#options = options
    this.#info = info
    void this.#run(request)
  }

  pause(): void {
    this.#paused = true
    this.#current?.pause()
  }

  resume(): void {
    this.#paused = false
    this.#current?.resume()
  }

  abort(reason: unknown = new DOMException('This operation was aborted', 'AbortError')): void {
    if (this.#over) return
    for (const { dispatched } of this.#answers) dispatched?.abort(reason)
    this.#fail(reason)
  }

  /**
   * Asks for one path after the other. Never from within the call that names the next one: a connection calls in the async context of
   * whoever opened it, and this request belongs to another (its trace, its AsyncLocalStorage).
   */
  async #run(first: HttpRequest): Promise<void> {
    let request = first
    let redirects = 0
    try {
      for (;;) {
        const asked = await this.#translated(request)
        if (this.#over) return
        const path = await this.#ask(request.method, asked)
        if (redirects++ === MAX_LOCAL_REDIRECTS) {
          const message = `more than ${MAX_LOCAL_REDIRECTS} local redirects, the last one to ${path}`
          throw new CgiResponseError(message)
        }
        request = redirected(request, path)
      }
    } catch (error) {
      const { signal } = this.#options
      this.#fail(signal?.aborted ? signal.reason : error)
    }
  }

  /** In CGI terms. A function that resolves paths may take its time, and nobody else looks at the signal meanwhile. */
  async #translated(request: HttpRequest): Promise<FastCGIRequest> {
    const { signal } = this.#options
    const translated = this.#site.request(request, this.#info)
    if (!signal || !this.#site.resolves) return translated
    const aborted = (): void => this.abort(signal.reason)
    if (signal.aborted) queueMicrotask(aborted)
    const forget = onAbort(signal, aborted)
    return translated.finally(forget)
  }

  /** Resolves when the application names another path, and never when it answers. */
  #ask(method: string, asked: FastCGIRequest): Promise<string> {
    return new Promise((onRedirect) => {
      const answer = new Answer(method, this.#site.maxHeaderSize, {
        onInformational: (head) => this.#handler.onInformational?.(head),
        onHead: (head, hasBody) => this.#handler.onHead(head, hasBody),
        onData: (data) => this.#handler.onData(data),
        onStderr: (data) => this.#handler.onStderr?.(data),
        onEnd: () => this.#end(),
        onError: (error) => this.#fail(error),
        onRedirect: (path) => {
          this.#current = undefined
          onRedirect(path)
        },
        onOver: () => this.#answers.delete(answer),
      })
      this.#answers.add(answer)
      this.#current = this.#executor.dispatch(asked, answer, this.#options)
      answer.dispatched = this.#current
      if (this.#paused) this.#current.pause()
    })
  }

  #end(): void {
    if (this.#over) return
    this.#over = true
    this.#handler.onEnd()
  }

  #fail(error: unknown): void {
    if (this.#over) return
    this.#over = true
    this.#handler.onError(error)
  }
}

interface AnswerHandler extends Required<HttpHandler> {
  /** Another path is to be asked instead (RFC 3875 §6.2.2); nothing but `onOver` follows. */
  onRedirect(path: string): void
  /** Nothing more comes from the backend. */
  onOver(): void
}

/** stdout -> head and body. */
class Answer implements DispatchHandler {
  dispatched: Dispatched | undefined
  readonly #method: string
  readonly #handler: AnswerHandler
  readonly #parser: CgiResponseParser
  /** How many bytes of body are promised and still to come. */
  #rest = Infinity
  /** Bytes that are not wanted (HEAD, 204, a local redirect) are read and dropped, so that the connection stays usable. */
  #wanted = false
  #redirected = false

  constructor(method: string, maxHeaderSize: number | undefined, handler: AnswerHandler) {
    this.#method = method
    this.#handler = handler
    this.#parser = new CgiResponseParser(maxHeaderSize)
  }

  onStdout(data: Uint8Array): void {
    if (this.#parser.head) {
      this.#body(data)
      return
    }
    const told = this.#parser.informational.length
    const bodyAt = this.#parser.push(data)
    for (const head of this.#parser.informational.slice(told)) this.#handler.onInformational(head)
    if (bodyAt < 0) return
    this.#begin(this.#parser.end())
    this.#body(data.subarray(bodyAt))
  }

  onStderr(data: Uint8Array): void {
    this.#handler.onStderr(data)
  }

  onEnd(): void {
    this.#handler.onOver()
    if (this.#redirected) return
    try {
      this.#parser.end()
      if (this.#rest > 0 && this.#rest !== Infinity) {
        throw new CgiResponseError(`the body ended ${this.#rest} bytes before its Content-Length`)
      }
    } catch (error) {
      this.#handler.onError(error)
      return
    }
    this.#handler.onEnd()
  }

  onError(error: unknown): void {
    this.#handler.onOver()
    if (!this.#redirected) this.#handler.onError(error)
  }

  #begin(head: CgiHead): void {
    if (head.localRedirect !== undefined) {
      this.#redirected = true
      this.#handler.onRedirect(head.localRedirect)
      return
    }
    this.#wanted = !NO_BODY.has(head.status) && this.#method !== 'HEAD'
    if (this.#wanted) this.#rest = head.contentLength ?? Infinity
    const { status, statusText } = head
    this.#handler.onHead({ status, statusText, headers: endToEnd(head) }, this.#wanted)
  }

  #body(data: Uint8Array): void {
    if (!this.#wanted || data.length === 0) return
    this.#rest -= data.length
    if (this.#rest < 0) throw new CgiResponseError('the body is longer than its Content-Length')
    this.#handler.onData(data)
  }
}

function endToEnd({ status, headers }: CgiHead): CgiHead['headers'] {
  const dropped = new Set(HOP_BY_HOP)
  for (const [name, value] of headers) {
    if (name.toLowerCase() !== 'connection') continue
    for (const named of value.split(',')) dropped.add(named.trim().toLowerCase())
  }
  // The length of a body that these cannot have would be read as that of what follows (RFC 9110 §8.6).
  if (status === 204 || status === 205) dropped.add('content-length')
  return headers.filter(([name]) => !dropped.has(name.toLowerCase()))
}
