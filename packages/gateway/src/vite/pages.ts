// Pages on their way out: what Vite and its plugins put into every page, and what PHP had to complain about.

import type { ViteDevServer } from 'vite'
import type { Exchange, Middleware } from '../exchange.ts'
import type { HeaderFields } from '../http.ts'
import { printable, requestLine } from '../log-fields.ts'
import { askedFor, EMPTY_PAGE, graft, isDocument, readPageText } from './page.ts'
import { PageReply, type PageWork } from './page-reply.ts'
import type { Problems } from './problems.ts'

// In bytes: what a compressed page may become.
const MAX_TEXT = 64 * 1024 * 1024

export class Pages implements PageWork {
  readonly #server: ViteDevServer
  readonly #mode: 'page' | 'tags' | false
  readonly #problems: Problems

  constructor(server: ViteDevServer, mode: 'page' | 'tags' | false, problems: Problems) {
    this.#server = server
    this.#mode = mode
    this.#problems = problems
  }

  /** Stands outside of everything else, so that it sees answers as they would go out. */
  readonly middleware: Middleware = (next) => (exchange) => {
    if (this.#mode !== false) exchange.reply = new PageReply(exchange, this)
    exchange.onClose(() => this.#problems.over(exchange))
    return next(exchange)
  }

  async change(
    exchange: Exchange,
    { bytes, headers, whole }: { bytes: Uint8Array; headers: HeaderFields; whole: boolean },
  ): Promise<Uint8Array | undefined> {
    try {
      const isCoded = headers.some(([name]) => name.toLowerCase() === 'content-encoding')
      if (isCoded && !whole) return undefined
      const { text, encode } = readPageText(bytes, headers, MAX_TEXT)
      if (askedFor(exchange.request) === 'unknown' && !isDocument(text)) return undefined
      const tag = whole ? (this.#problems.tagFor(exchange, text) ?? '') : ''
      const inWhole = whole && this.#mode === 'page'
      return encode(
        await (inWhole ? this.#page(exchange, text, tag) : this.#tags(exchange, text, tag)),
      )
    } catch (error) {
      this.#complain(exchange, error)
      return undefined
    }
  }

  async #page(exchange: Exchange, text: string, tag: string): Promise<string> {
    const { url, originalUrl } = addressOf(exchange)
    try {
      return await this.#server.transformIndexHtml(url, withTag(text, tag), originalUrl)
    } catch (error) {
      this.#complain(exchange, error)
      return this.#tags(exchange, text, tag)
    }
  }

  async #tags(exchange: Exchange, text: string, tag: string): Promise<string> {
    const { url, originalUrl } = addressOf(exchange)
    const empty = withTag(EMPTY_PAGE, tag)
    return graft(text, await this.#server.transformIndexHtml(url, empty, originalUrl))
  }

  #complain(exchange: Exchange, error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error)
    this.#server.config.logger.warn(
      `${requestLine(exchange)}: this page goes out without what Vite puts into pages: ${printable(reason)}`,
      { timestamp: true },
    )
  }
}

function withTag(page: string, tag: string): string {
  if (tag === '') return page
  const end = page.toLowerCase().lastIndexOf('</body')
  return end < 0 ? page + tag : page.slice(0, end) + tag + page.slice(end)
}

/** The path as Vite has it, without its base, and as it was asked for. */
function addressOf({ request: { target }, mount }: Exchange): { url: string; originalUrl: string } {
  const path = target.split('?', 1)[0] ?? '/'
  return { url: path.slice(mount.length) || '/', originalUrl: target }
}
