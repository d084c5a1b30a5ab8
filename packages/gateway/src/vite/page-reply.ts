// Holds a page of HTML back until it is whole, and sends it with Vite's tags. Everything else goes through as it comes.
//
// Rule 1: a page that is too large, takes too long, or is meant to go out as it comes gets its tags at its beginning, and is not held.
// Rule 2: what cannot be changed goes out as it came.

import type { HeaderFields, Reply } from '../http.ts'
import type { Exchange } from '../exchange.ts'
import { askedFor, changedHeaders, isHtml } from './page.ts'

/** What is to be made of a page. */
export interface PageWork {
  /**
   * @param whole Whether these are all bytes of the page, or its beginning.
   * @returns the bytes to send instead; undefined to send what came.
   */
  change(
    exchange: Exchange,
    page: { readonly bytes: Uint8Array; readonly headers: HeaderFields; readonly whole: boolean },
  ): Promise<Uint8Array | undefined>
}

// In bytes: what is read as a whole, and transformed.
const MAX_PAGE = 8 * 1024 * 1024
/** How long a page is waited for, in ms; progress that somebody watches is to be seen. */
const MAX_WAIT = 3000

interface Head {
  readonly status: number
  readonly statusText: string
  readonly headers: HeaderFields
}

export class PageReply implements Reply {
  readonly #reply: Reply
  readonly #exchange: Exchange
  readonly #work: PageWork
  /** Of a page that is held; undefined when everything goes through. */
  #head: Head | undefined
  #held: { readonly chunk: Uint8Array; readonly free: (() => void) | undefined }[] = []
  #size = 0
  #working = false
  #ended = false
  #offer: () => void = () => {}
  #timer: NodeJS.Timeout | undefined

  constructor(exchange: Exchange, work: PageWork) {
    this.#reply = exchange.reply
    this.#exchange = exchange
    this.#work = work
    this.#reply.onClose(() => clearTimeout(this.#timer))
  }

  get headSent(): boolean {
    return this.#reply.headSent
  }

  informational(status: number, headers: HeaderFields): void {
    this.#reply.informational(status, headers)
  }

  head(status: number, statusText: string, headers: HeaderFields): void {
    const { request } = this.#exchange
    // A second one replaces a page that broke off before anything of it went out.
    this.#drop()
    if (!isHtml(status, headers) || askedFor(request) === 'part') {
      this.#reply.head(status, statusText, headers)
    } else if (request.method === 'HEAD') {
      this.#reply.head(status, statusText, changedHeaders(headers))
    } else {
      this.#head = { status, statusText, headers }
    }
  }

  write(chunk: Uint8Array, free?: () => void): boolean {
    if (!this.#head) return this.#reply.write(chunk, free)
    this.#hold(chunk, free)
    if (this.#size > MAX_PAGE) this.#release(false)
    return this.#size <= MAX_PAGE
  }

  end(chunk?: Uint8Array, free?: () => void): void {
    if (!this.#head) {
      this.#reply.end(chunk, free)
      return
    }
    if (chunk) this.#hold(chunk, free)
    this.#ended = true
    this.#release(true)
  }

  abort(reason?: unknown): void {
    this.#drop()
    this.#reply.abort(reason)
  }

  onDrain(callback: () => void): void {
    this.#offer = callback
    this.#reply.onDrain(callback)
  }

  onClose(callback: () => void): void {
    this.#reply.onClose(callback)
  }

  #hold(chunk: Uint8Array, free: (() => void) | undefined): void {
    this.#held.push({ chunk, free })
    this.#size += chunk.length
    const wait = this.#exchange.streaming ? 0 : MAX_WAIT
    this.#timer ??= setTimeout(() => this.#release(false), wait)
  }

  #drop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    for (const { free } of this.#held) free?.()
    this.#held = []
    this.#size = 0
    this.#head = undefined
    this.#working = false
  }

  /** @returns a copy of what is held; nothing is held after that. */
  #take(): Uint8Array {
    const bytes = Buffer.concat(this.#held.map(({ chunk }) => chunk))
    for (const { free } of this.#held) free?.()
    this.#held = []
    this.#size = 0
    return bytes
  }

  #release(whole: boolean): void {
    const head = this.#head
    if (!head || this.#working) return
    clearTimeout(this.#timer)
    this.#working = true
    const bytes = this.#take()
    const { headers } = head
    void this.#work
      .change(this.#exchange, { bytes, headers, whole })
      .then((changed) => this.#send(head, bytes, changed, whole))
      .catch((error: unknown) => this.abort(error))
  }

  #send(head: Head, came: Uint8Array, changed: Uint8Array | undefined, whole: boolean): void {
    if (this.#head !== head) return
    this.#head = undefined
    this.#working = false
    const { status, statusText } = head
    const bytes = changed ?? came
    const headers = changed ? changedHeaders(head.headers) : [...head.headers]
    if (changed && whole) headers.push(['content-length', String(bytes.length)])
    this.#reply.head(status, statusText, headers)
    if (whole) {
      this.#reply.end(bytes)
      return
    }
    this.#reply.write(bytes)
    for (const { chunk, free } of this.#held) this.#reply.write(chunk, free)
    this.#held = []
    this.#size = 0
    if (this.#ended) this.#reply.end()
    else this.#offer()
  }
}
