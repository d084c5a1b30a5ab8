// One dispatch: what the HTTP floor tells becomes calls of undici's handler, of either generation. A handler that pauses gets nothing
// more until it resumes, although the connection has read some already: handlers of undici rely on it.

import { STATUS_CODES } from 'node:http'
import { errors, util, type Dispatcher } from 'undici'
import type { Dispatched } from '../connection/request.ts'
import { HttpRequestError } from '../errors.ts'
import type { HttpHandler, HttpHead } from '../http/index.ts'
import { freeBody } from './body.ts'
import { undiciError } from './errors.ts'

/** Who has to know that a dispatch is over, and what the backend wrote to stderr. */
export interface ExchangeOwner {
  over(exchange: UndiciExchange): void
  stderr(data: Uint8Array): void
}

export class UndiciExchange implements HttpHandler, Dispatcher.DispatchController {
  rawHeaders: Buffer[] | null = null
  rawTrailers: Buffer[] | null = null
  readonly #handler: Dispatcher.DispatchHandler
  /** False for the older generation of handlers, `onConnect` and its like. */
  readonly #isNew: boolean
  readonly #owner: ExchangeOwner
  readonly #isHead: boolean
  readonly #body: unknown
  #http: Dispatched | undefined
  #paused = false
  #reason: Error | null = null
  #aborted = false
  /** What came while the handler was paused. */
  #waiting: Buffer[] = []
  #complete = false
  #telling = false
  #over = false

  /** @throws InvalidArgumentError on a handler that could not be told of a failure. */
  constructor(
    handler: Dispatcher.DispatchHandler,
    owner: ExchangeOwner,
    options?: Dispatcher.DispatchOptions | null,
  ) {
    if (typeof handler !== 'object' || handler === null) {
      throw new errors.InvalidArgumentError('handler must be an object')
    }
    this.#isNew = typeof handler.onRequestStart === 'function'
    const name = this.#isNew ? 'onResponseError' : 'onError'
    if (typeof handler[name] !== 'function') {
      throw new errors.InvalidArgumentError('invalid onError method')
    }
    this.#handler = handler
    this.#isHead = options?.method === 'HEAD'
    this.#body = options?.body
    this.#owner = owner
  }

  get paused(): boolean {
    return this.#paused
  }

  get aborted(): boolean {
    return this.#aborted
  }

  get reason(): Error | null {
    return this.#reason
  }

  /** Tells the handler, and begins unless it gave up at once. @param dispatch Begins. */
  start(dispatch: (handler: HttpHandler) => Dispatched): void {
    try {
      if (this.#isNew) this.#handler.onRequestStart?.(this, {})
      else this.#onConnect()
    } catch (error) {
      this.#fail(error)
    }
    if (!this.#over) this.#http = dispatch(this)
  }

  pause(): void {
    this.#paused = true
    this.#http?.pause()
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#tell()
    if (!this.#paused) this.#http?.resume()
  }

  /** Gives the request up: the handler is told the reason, and the connection is closed. */
  abort(reason?: Error | null): void {
    if (this.#over) return
    this.#reason = reason ?? new errors.RequestAbortedError()
    this.#aborted = true
    this.#drop(this.#reason)
  }

  onInformational(head: HttpHead): void {
    this.#head(head)
  }

  onHead(head: HttpHead): void {
    this.#handler.onResponseStarted?.()
    this.#head(head)
  }

  onData(data: Uint8Array): void {
    this.#waiting.push(Buffer.from(data))
    this.#tell()
  }

  onStderr(data: Uint8Array): void {
    this.#owner.stderr(data)
  }

  onEnd(): void {
    this.#complete = true
    this.#tell()
  }

  onError(error: unknown): void {
    if (error instanceof HttpRequestError) this.#answer(error.status)
    else this.#fail(error)
  }

  /** Fails the request that has not begun. */
  refuse(error: unknown): void {
    this.#fail(error)
  }

  #onConnect(): void {
    const abort = (reason?: Error): void => this.abort(reason)
    this.#handler.onConnect?.(abort)
  }

  #head({ status, statusText, headers }: HttpHead): void {
    const raw = headers.flatMap((field) => field.map((text) => Buffer.from(text, 'latin1')))
    if (this.#isNew) {
      this.rawHeaders = raw
      this.#handler.onResponseStart?.(this, status, util.parseHeaders(raw), statusText)
      return
    }
    const resume = (): void => this.resume()
    const more = this.#handler.onHeaders?.(status, raw, resume, statusText)
    if (more === false && status >= 200) this.pause()
  }

  /** Hands on what there is, as long as the handler takes it. */
  #tell(): void {
    // A handler may resume within its own call.
    if (this.#telling) return
    this.#telling = true
    try {
      while (!this.#paused && !this.#over) {
        const chunk = this.#waiting.shift()
        if (chunk !== undefined) this.#data(chunk)
        else if (this.#complete) this.#end()
        else break
      }
    } catch (error) {
      this.#drop(error)
    } finally {
      this.#telling = false
    }
  }

  #data(chunk: Buffer): void {
    if (this.#isNew) this.#handler.onResponseData?.(this, chunk)
    else if (this.#handler.onData?.(chunk) === false) this.pause()
  }

  #end(): void {
    this.#finish()
    try {
      if (this.#isNew) {
        this.rawTrailers = []
        this.#handler.onResponseEnd?.(this, {})
      } else {
        this.#handler.onComplete?.([])
      }
    } catch (error) {
      // RetryHandler begins anew that way.
      this.#tellError(error)
    }
  }

  #drop(reason: unknown): void {
    this.#http?.abort(reason)
    // It may not have begun, or be complete but for a handler that is paused.
    this.#fail(reason)
  }

  #fail(error: unknown): void {
    if (this.#over) return
    this.#finish()
    this.#tellError(undiciError(error))
  }

  #tellError(error: unknown): void {
    const told = error instanceof Error ? error : new Error(String(error))
    if (this.#isNew) this.#handler.onResponseError?.(this, told)
    else this.#handler.onError?.(told)
  }

  #finish(): void {
    this.#over = true
    this.#waiting = []
    this.#owner.over(this)
  }

  /** What createFetch answers with, too: the request is not one that may reach an application. */
  #answer(status: number): void {
    // An upload that nobody reads would keep its file open for good.
    freeBody(this.#body)
    const statusText = STATUS_CODES[status] ?? ''
    const text = Buffer.from(`${statusText}\n`)
    const headers: HttpHead['headers'] = [
      ['content-type', 'text/plain; charset=utf-8'],
      ['content-length', String(text.length)],
    ]
    try {
      this.onHead({ status, statusText, headers })
      if (!this.#isHead) this.onData(text)
      this.onEnd()
    } catch (error) {
      this.#drop(error)
    }
  }
}
