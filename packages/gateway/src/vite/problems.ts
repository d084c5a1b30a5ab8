// What went wrong with a request: told in the terminal once, and over the page that it belongs to.
//
// A page that is being loaded has no connection to Vite yet. So it gets a module that asks for its error once it has one; pages that are
// there already are told at once what went wrong with what they have asked for.

import type { ErrorPayload, ViteDevServer } from 'vite'
import type { Exchange } from '../exchange.ts'
import { printable, requestLine } from '../log-fields.ts'
import type { OverlayLevel } from './options.ts'
import { overlayError, terminalText, type Sources } from './overlay.ts'
import { askedFor } from './page.ts'
import { readPage, readStderr, type PhpLevel, type PhpMessage } from './php-messages.ts'

type OverlayError = ErrorPayload['err']

const RANK: Readonly<Record<PhpLevel, number>> = { notice: 0, warning: 1, error: 2 }
const LOG = { error: 'error', warning: 'warn', notice: 'info' } as const
// How many errors wait for their pages; those of pages that never ask are forgotten.
const MAX_WAITING = 50
const EVENT = 'fastcgi:php-error'

/** The module that asks, as a page imports it. */
export const ERROR_MODULE = '/@fastcgi/php-error.js'
/** What it does. */
export const ERROR_MODULE_CODE: string = `const id = document.querySelector('script[data-php-error]')?.dataset.phpError
if (id) import.meta.hot?.send('${EVENT}', { id })
`

export class Problems {
  readonly #server: ViteDevServer
  readonly #level: OverlayLevel | false
  readonly #sources: Sources
  readonly #told = new WeakSet<Exchange>()
  readonly #waiting = new Map<string, OverlayError>()
  #last = 0

  constructor(server: ViteDevServer, level: OverlayLevel | false, sources: Sources) {
    this.#server = server
    this.#level = level
    this.#sources = sources
    server.environments.client.hot.on(EVENT, (data: { id?: unknown } | undefined, client) => {
      const err = this.#waiting.get(String(data?.id))
      if (err) client.send({ type: 'error', err })
    })
  }

  /**
   * Tells what went wrong until now, for the page that is about to go out.
   * @param html The page, which may say it as well.
   * @returns the tag that the page needs to show it; undefined when there is nothing to show.
   */
  tagFor(exchange: Exchange, html: string): string | undefined {
    const err = this.#tell(exchange, html)
    if (!err) return undefined
    const id = String(++this.#last)
    this.#waiting.set(id, err)
    const [oldest] = this.#waiting.keys()
    if (this.#waiting.size > MAX_WAITING && oldest !== undefined) this.#waiting.delete(oldest)
    return `<script type="module" src="${ERROR_MODULE}" data-php-error="${id}"></script>`
  }

  /** Tells what went wrong with an exchange that is over, unless its page has done that. */
  over(exchange: Exchange): void {
    const err = this.#tell(exchange, '')
    // Vite would keep it for the next page that connects, whichever that is.
    if (!err || this.#server.ws.clients.size === 0) return
    if (askedFor(exchange.request) === 'document' && !exchange.reply.headSent) return
    this.#server.environments.client.hot.send({ type: 'error', err })
  }

  #tell(exchange: Exchange, html: string): OverlayError | undefined {
    if (this.#told.has(exchange)) return undefined
    this.#told.add(exchange)
    const { messages: logged, notes } = readStderr(exchange.stderr)
    // With display_errors, a page says what stderr says; it says it alone where PHP logs to a file.
    const messages = logged.length > 0 ? logged : readPage(html)
    const { logger } = this.#server.config
    const request = requestLine(exchange)
    for (const message of messages) {
      logger[LOG[message.level]](terminalText(message, this.#sources, request), { timestamp: true })
    }
    for (const note of notes) logger.info(`PHP: ${printable(note)}`, { timestamp: true })
    return this.#shown(messages, exchange)
  }

  #shown(messages: readonly PhpMessage[], { error, path }: Exchange): OverlayError | undefined {
    const level = this.#level
    if (level === false) return undefined
    const worst = messages
      .filter((message) => RANK[message.level] >= RANK[level])
      .reduce<PhpMessage | undefined>(
        (a, b) => (a && RANK[a.level] >= RANK[b.level] ? a : b),
        undefined,
      )
    const isFailure = error instanceof Error && isServerError(error)
    if (worst && (worst.level === 'error' || !isFailure)) {
      return overlayError(worst, this.#sources, messages.length - 1)
    }
    return isFailure ? { plugin: 'php', message: causes(error, path), stack: '' } : undefined
  }
}

function isServerError(error: Error): boolean {
  return !('status' in error) || Number(error.status) >= 500
}

/** An error with all that has led to it. */
export function causes(error: unknown, path: string): string {
  const lines: string[] = []
  for (let cause = error; cause instanceof Error && lines.length < 5; cause = cause.cause) {
    if (!lines.includes(cause.message)) lines.push(cause.message)
  }
  if (lines.length === 0) lines.push(String(error))
  if (/without a word/.test(lines[0] ?? '')) {
    lines.push('Let PHP say why: log_errors = On, and no error_log, or display_errors = On.')
  }
  return printable(`${path}: ${lines.join('\n')}`)
}
