// One answer on its way into a Response: the head first, then the body as a stream that holds the backend up when nobody reads.

import type { Dispatched, Dispatcher } from '../connection/request.ts'
import { copyBytes } from '../protocol/index.ts'
import type { CgiHead } from './cgi-response.ts'
import { HttpExchange, type HttpHandler, type HttpHead } from './http-exchange.ts'
import type { FetchInfo, Site } from './site.ts'

/** What is told while the answer comes. */
export interface FetchObserver {
  readonly onStderr?: ((data: Uint8Array, request: Request) => void) | undefined
  readonly onInformational?: ((head: CgiHead, request: Request) => void) | undefined
}

// Reading stops while this many bytes of a body wait to be taken.
const HIGH_WATER = 64 * 1024

export class FetchExchange implements HttpHandler {
  readonly response: Promise<Response>
  readonly #request: Request
  readonly #observer: FetchObserver
  readonly #dispatched: Dispatched
  #resolve!: (response: Response) => void
  #reject!: (error: unknown) => void
  #body: ReadableStreamDefaultController<Uint8Array> | undefined

  constructor(
    executor: Dispatcher,
    site: Site,
    request: Request,
    observer: FetchObserver,
    info: FetchInfo,
  ) {
    this.#request = request
    this.#observer = observer
    this.response = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    const { method, body, signal } = request
    const asked = { method, url: new URL(request.url), headers: [...request.headers], body }
    this.#dispatched = new HttpExchange(executor, site, asked, this, { signal }, info)
  }

  onInformational(head: CgiHead): void {
    this.#observer.onInformational?.(head, this.#request)
  }

  onHead({ status, statusText, headers }: HttpHead, hasBody: boolean): void {
    const body = hasBody ? this.#openBody() : null
    const fields = new Headers()
    for (const [name, value] of headers) fields.append(name, value)
    this.#resolve(new Response(body, { status, statusText, headers: fields }))
  }

  onData(data: Uint8Array): void {
    const body = this.#body
    if (!body) return
    body.enqueue(copyBytes(data))
    if ((body.desiredSize ?? 0) <= 0) this.#dispatched.pause()
  }

  onStderr(data: Uint8Array): void {
    this.#observer.onStderr?.(data, this.#request)
  }

  onEnd(): void {
    this.#body?.close()
  }

  onError(error: unknown): void {
    // Whoever has the Response already learns it from the body; nothing else may end a body early.
    this.#body?.error(error)
    this.#reject(error)
  }

  #openBody(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#body = controller
        },
        pull: () => this.#dispatched.resume(),
        cancel: (reason) => {
          this.#body = undefined
          this.#dispatched.abort(reason)
        },
      },
      new ByteLengthQueuingStrategy({ highWaterMark: HIGH_WATER }),
    )
  }
}
