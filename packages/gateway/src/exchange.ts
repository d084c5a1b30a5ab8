// One request and the place its answer goes, the same for every server in front. Everything else in this package works on these
// three: what came (`Incoming`), where the answer goes (`Reply`), and the `Exchange` that carries both through the handlers.

import type { ClientInfo, HeaderFields, Incoming, Reply } from './http.ts'
import type { Site } from './site.ts'

/** Handles one exchange, or hands it on. Whatever it throws, or rejects with, becomes the error page or an aborted answer. */
export type Handler = (exchange: Exchange) => void | Promise<void>

/**
 * Wraps a handler. Called once, when the gateway is made; the handler it returns is called for every request.
 * @example
 * const poweredBy: Middleware = (next) => (exchange) => {
 *   exchange.replyHeaders.push(['x-powered-by', 'coffee'])
 *   return next(exchange)
 * }
 */
export type Middleware = (next: Handler) => Handler

/** What the access log tells of an exchange beside the request and the status; middlewares may add to it. */
export type LogFields = Record<string, string | number | boolean | undefined>

export class Exchange {
  /** Replaced when the application redirects within this server (RFC 3875 §6.2.2). */
  request: Incoming
  /** Replaced by middlewares that change what goes out, such as compression. */
  reply: Reply
  /** Set before any handler of a site runs. */
  client: ClientInfo
  /** The site that answers; undefined until the host is looked at. */
  site: Site | undefined
  /** Where an application that this gateway is part of has mounted it: the beginning of the path that is not looked at. */
  mount = ''
  /** Takes the exchange back, for an application that this gateway is part of: without an error when nothing here answers. */
  next: ((error?: unknown) => void) | undefined
  /** The decoded path behind `mount`: each character one byte, without `.`, `..` and repeated slashes. */
  path = '/'
  /** Whether only scripts answer that the path itself leads to: no front controller, and no files. */
  scriptsOnly = false
  /** Whether the application wants its answer to go out as it comes; known before a head goes out that is not followed by the end. */
  streaming = false
  /** Fields that every final head gets. */
  readonly replyHeaders: (readonly [string, string])[] = []
  readonly log: LogFields = {}
  /** The script that answers: its path, once one does. A byte string. */
  script: string | undefined
  /** What went wrong, once something has. */
  error: unknown
  /** What PHP wrote to stderr, as far as it was kept. */
  stderr = ''
  /** `performance.now()` when the request came, in ms. */
  readonly startedAt: number = performance.now()
  readonly #closers: (() => void)[] = []
  #closed = false

  constructor(request: Incoming, reply: Reply, client: ClientInfo) {
    this.request = request
    this.reply = reply
    this.client = client
    reply.onClose(() => this.#close())
  }

  /** The answer went out to its end, or the client is gone, or it was aborted. */
  get closed(): boolean {
    return this.#closed
  }

  /** Calls back once, when the exchange is over, however it ends. */
  onClose(callback: () => void): void {
    if (this.#closed) callback()
    else this.#closers.push(callback)
  }

  /** A whole answer of bytes that are at hand. */
  send(status: number, headers: HeaderFields, body?: Uint8Array): void {
    const length = body?.length ?? 0
    const given = new Set(headers.map(([name]) => name.toLowerCase()))
    const ofSite = this.site?.headers.filter(([name]) => !given.has(name.toLowerCase())) ?? []
    const fields: (readonly [string, string])[] = [...headers, ...ofSite, ...this.replyHeaders]
    if (status >= 200 && status !== 204 && status !== 304) {
      fields.push(['content-length', String(length)])
    }
    this.reply.head(status, '', fields)
    this.reply.end(this.request.method === 'HEAD' ? undefined : body)
  }

  #close(): void {
    if (this.#closed) return
    this.#closed = true
    for (const closer of this.#closers) closer()
  }
}
