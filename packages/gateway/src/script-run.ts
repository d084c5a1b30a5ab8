// One script running for one exchange: what PHP writes becomes the answer, as it comes. No promise and no stream is in between.
//
// Rule 1: an answer is whole only when END_REQUEST said so and every announced byte came; anything else is an error page or an abort.
// Rule 2: the head goes out with what is there of the body, so that a small page is one write.

import {
  CgiResponseError,
  HttpRequestError,
  isFastCGIError,
  type Dispatched,
  type DispatchHandler,
  type Executor,
  type FastCGIRequest,
} from '@fastcgi/client'
import { CgiResponseParser, type CgiHead } from '@fastcgi/client/http'
import { copyBytes } from '@fastcgi/client/protocol'
import { ChunkPool, type Loan } from './chunk-pool.ts'
import type { Exchange } from './exchange.ts'
import { StatusError } from './status-error.ts'
import type { HeaderFields } from './http.ts'
import { ordersOf, passedHeaders, type Orders } from './reply-head.ts'

/** What a run leaves to the gateway. */
export interface ScriptHooks {
  /** The application answers by another path of this server. */
  redirect(exchange: Exchange, path: string): void
  /**
   * The application wants to answer by a file.
   * @returns what sends it; undefined when there is none that it may send, and the answer goes out as it is.
   */
  orderFile(exchange: Exchange, orders: Orders, head: CgiHead): (() => void) | undefined
  /** Called before the head of an answer goes out that is not complete yet. */
  spool(exchange: Exchange, streaming: boolean): void
  /** Nothing usable came, or the answer was cut off. */
  fail(exchange: Exchange, error: unknown): void
  /** The application failed and had nothing to say: a page has to be made. */
  emptyFailure(exchange: Exchange, status: number): void
  /** The application answered, and wrote to stderr. */
  warned(exchange: Exchange, stderr: string): void
  /** The end of a page in development: PHP's stderr, to be shown beside it. */
  readonly panel: ((stderr: string) => Uint8Array) | undefined
}

// What is kept of stderr, in bytes: enough for a long stack trace, and no way to fill the memory.
const MAX_STDERR = 64 * 1024
const NO_BODY: ReadonlySet<number> = new Set([204, 205, 304])
const utf8 = new TextDecoder()
const settled = Promise.resolve()
const chunks = new ChunkPool()

export class ScriptRun implements DispatchHandler {
  readonly #exchange: Exchange
  readonly #hooks: ScriptHooks
  readonly #more: HeaderFields
  readonly #parser = new CgiResponseParser()
  #dispatched: Dispatched | undefined
  /** Has another path answer. */
  #redirect: ((path: string) => void) | undefined
  /** The answer is to go out as it comes. */
  #streaming = false
  /** Sends the file that the application answers by. */
  #sendFile: (() => void) | undefined
  /** Bytes of body that are announced and still to come. */
  #rest = Infinity
  /** The answer has no body, or it is not wanted. */
  #bodyless = false
  /** The beginning of the body, until the head goes out. */
  #first: Loan | undefined
  /** The head goes out before anything else is read. */
  #sendsSoon = false
  #sent = false
  #over = false
  #stderr: Uint8Array[] = []
  #stderrSize = 0

  /** @param more Fields of this server for every answer. */
  constructor(exchange: Exchange, hooks: ScriptHooks, more: HeaderFields) {
    this.#exchange = exchange
    this.#hooks = hooks
    this.#more = more
  }

  start(executor: Executor, request: FastCGIRequest): void {
    // Not from within a call of the connection: that is in the async context of whoever opened it, and this exchange has a trace of its own.
    void new Promise<string>((resolve) => {
      this.#redirect = resolve
    }).then((path) => this.#hooks.redirect(this.#exchange, path))
    const dispatched = executor.dispatch(request, this)
    this.#dispatched = dispatched
    this.#exchange.onClose(() => {
      // An answer that went out whole is what most exchanges end with, and an Error is dear.
      if (!this.#over) dispatched.abort(new Error('the client is gone'))
    })
  }

  onStdout(data: Uint8Array): void {
    if (this.#parser.head) {
      this.#addToBody(data)
      return
    }
    const told = this.#parser.informational.length
    const bodyAt = this.#parser.push(data)
    if (this.#parser.informational.length > told) this.#inform(told)
    if (bodyAt < 0) return
    this.#begin(this.#parser.end())
    this.#addToBody(data.subarray(bodyAt))
  }

  onStderr(data: Uint8Array): void {
    const room = MAX_STDERR - this.#stderrSize
    if (room <= 0) return
    const kept = copyBytes(data.subarray(0, room))
    this.#stderrSize += kept.length
    this.#stderr.push(kept)
  }

  onEnd(): void {
    const stderr = this.#keepStderr()
    try {
      const head = this.#parser.end()
      if (this.#rest > 0 && this.#rest !== Infinity) {
        throw new CgiResponseError(`the body ended ${this.#rest} bytes before its Content-Length`)
      }
      this.#over = true
      this.#finish(head, stderr)
    } catch (error) {
      this.onError(error)
    }
  }

  onError(error: unknown): void {
    this.#keepStderr()
    this.#over = true
    this.#hooks.fail(this.#exchange, ofBody(error) ?? error)
  }

  /** @param from How many interim answers have gone out already. */
  #inform(from: number): void {
    for (const head of this.#parser.informational.slice(from)) {
      const fields = passedHeaders(head, [])
      carried(() => this.#exchange.reply.informational(head.status, fields))
    }
  }

  #begin(head: CgiHead): void {
    if (head.localRedirect !== undefined) {
      this.#bodyless = true
      return
    }
    const orders = ordersOf(head)
    this.#streaming = orders.streaming
    if (orders.redirectTo !== undefined || orders.sendFile !== undefined) {
      this.#sendFile = this.#hooks.orderFile(this.#exchange, orders, head)
    }
    const ordered = this.#sendFile !== undefined
    this.#bodyless = ordered || NO_BODY.has(head.status) || this.#exchange.request.method === 'HEAD'
    if (!this.#bodyless) this.#rest = head.contentLength ?? Infinity
    // A script that has failed may yet turn out to have nothing to say, and one that orders a file to have failed.
    if (head.status < 500 && !ordered) this.#sendSoon()
  }

  #addToBody(data: Uint8Array): void {
    if (this.#bodyless || data.length === 0) return
    this.#rest -= data.length
    if (this.#rest < 0) throw new CgiResponseError('the body is longer than its Content-Length')
    const loan = chunks.copy(data)
    if (!this.#sent && this.#first === undefined) {
      this.#first = loan
      this.#sendSoon()
      return
    }
    this.#send()
    this.#write(loan)
  }

  #write({ bytes, free }: Loan): void {
    if (!this.#exchange.reply.write(bytes, free)) this.#dispatched?.pause()
  }

  /** Once what is being read now has been read to its end: perhaps that was all. */
  #sendSoon(): void {
    if (this.#sendsSoon) return
    this.#sendsSoon = true
    // Unlike queueMicrotask, without a resource of async_hooks for each.
    void settled.then(() => {
      try {
        this.#send()
      } catch (error) {
        this.#dispatched?.abort(error)
      }
    })
  }

  /** The head, and what has come of the body; more is to follow. */
  #send(): void {
    if (this.#sent || this.#over) return
    this.#sent = true
    const exchange = this.#exchange
    const head = this.#parser.end()
    this.#hooks.spool(exchange, this.#streaming)
    exchange.reply.onDrain(() => this.#dispatched?.resume())
    this.#sendHead(head, this.#fields(head))
    if (this.#first) this.#write(this.#first)
  }

  #finish(head: CgiHead, stderr: string): void {
    const exchange = this.#exchange
    if (this.#isEmptyFailure(head)) {
      this.#hooks.emptyFailure(exchange, head.status)
      return
    }
    if (stderr !== '') this.#hooks.warned(exchange, stderr)
    if (head.localRedirect !== undefined) this.#redirect?.(head.localRedirect)
    else if (this.#sent) exchange.reply.end(this.#panel(head))
    else if (this.#sendFile) this.#sendFile()
    else this.#sendWhole(head)
  }

  #isEmptyFailure({ status }: CgiHead): boolean {
    return status >= 500 && !this.#sent && !this.#bodyless && this.#first === undefined
  }

  /** Everything is here: one write, and its length is known. */
  #sendWhole(head: CgiHead): void {
    const { reply } = this.#exchange
    const fields = this.#fields(head)
    const panel = this.#panel(head)
    if (!this.#bodyless && panel === undefined && head.contentLength === undefined) {
      fields.push(['content-length', String(this.#first?.bytes.length ?? 0)])
    }
    this.#sendHead(head, fields)
    if (this.#first === undefined) {
      reply.end(panel)
    } else if (panel === undefined) {
      reply.end(this.#first.bytes, this.#first.free)
    } else {
      reply.write(this.#first.bytes, this.#first.free)
      reply.end(panel)
    }
  }

  #sendHead({ status, statusText }: CgiHead, fields: HeaderFields): void {
    carried(() => this.#exchange.reply.head(status, statusText, fields))
  }

  #fields(head: CgiHead): (readonly [string, string])[] {
    const fields = passedHeaders(head, this.#more)
    // What is shown beside the page makes it longer.
    return this.#hooks.panel && isPage(head)
      ? fields.filter(([name]) => name.toLowerCase() !== 'content-length')
      : fields
  }

  #panel(head: CgiHead): Uint8Array | undefined {
    const { panel } = this.#hooks
    const { stderr } = this.#exchange
    return panel && stderr !== '' && !this.#bodyless && isPage(head) ? panel(stderr) : undefined
  }

  /** @returns what this run has written to it. */
  #keepStderr(): string {
    if (this.#stderr.length === 0) return ''
    const text = utf8.decode(Buffer.concat(this.#stderr))
    this.#exchange.stderr += text
    this.#stderr = []
    return text
  }
}

/** What the server in front refuses to send is the application's fault. */
function carried(send: () => void): void {
  try {
    send()
  } catch (cause) {
    throw new CgiResponseError(`the head cannot be sent: ${String(cause)}`, { cause })
  }
}

/** What went wrong with a request body that is passed on as it comes: to the backend's client, its source has failed. */
function ofBody(error: unknown): Error | undefined {
  if (!isFastCGIError(error) || error.code !== 'FCGI_ERR_STDIN') return undefined
  const { cause } = error
  return cause instanceof HttpRequestError || cause instanceof StatusError ? cause : undefined
}

/** Whether something can be added to it. */
function isPage({ headers }: CgiHead): boolean {
  const has = (wanted: string, value: RegExp): boolean =>
    headers.some(([name, text]) => name.toLowerCase() === wanted && value.test(text))
  return has('content-type', /^text\/html\b/i) && !has('content-encoding', /./)
}
