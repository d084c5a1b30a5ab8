// A Dispatcher of undici for many origins: some are FastCGI backends, and all others are left to another dispatcher.

import { Dispatcher, errors, getGlobalDispatcher } from 'undici'
import { formatAddress } from '../transport/address.ts'
import { ClosingDispatcher } from './closing.ts'
import { FastCGIDispatcher, type FastCGIDispatcherOptions } from './dispatcher.ts'
import { UndiciExchange } from './exchange.ts'
import { runtimeFetch, runtimeRequest, type Fetch } from './runtime.ts'
import { parseFcgiUrl, type FcgiUrl } from './url.ts'

/** An origin that an agent opens a backend for. */
export interface FastCGIOrigin extends FastCGIDispatcherOptions {
  /** What a {@link FastCGIDispatcher} takes. */
  backend: ConstructorParameters<typeof FastCGIDispatcher>[0]
}

/** Options of a {@link FastCGIAgent}. */
export interface FastCGIAgentOptions {
  /** What answers for an origin, such as `http://app.internal` or `https://shop.example:8443`. @default none */
  origins?: Readonly<Record<string, FastCGIOrigin | Dispatcher>> | undefined
  /** For `fcgi:` and `fcgi+unix:` origins, each of which is a backend that is opened when it is first asked. @default they are refused */
  fcgi?: FastCGIDispatcherOptions | undefined
  /** What answers for every other origin. @default the global dispatcher at this moment */
  otherwise?: Dispatcher | undefined
}

/**
 * Sends requests for some origins to FastCGI backends, and all others on, so that it can be the global dispatcher. `close` and `destroy`
 * end the backends that it opened, and leave open what it was given.
 * @example
 * setGlobalDispatcher(new FastCGIAgent({
 *   origins: { 'http://app.internal': { backend: 'fcgi+unix:/run/php/php-fpm.sock', root: '/srv/app/public' } },
 * }))
 * const orders = await fetch('http://app.internal/orders')
 */
export class FastCGIAgent extends ClosingDispatcher {
  readonly #origins = new Map<string, Dispatcher>()
  readonly #fcgi: FastCGIDispatcherOptions | undefined
  readonly #otherwise: Dispatcher
  /** By address: those for fcgi: origins. */
  readonly #backends = new Map<string, FastCGIDispatcher>()
  readonly #opened = new Set<FastCGIDispatcher>()

  /** @throws TypeError on an origin or option that cannot be used. */
  constructor({ origins = {}, fcgi, otherwise }: FastCGIAgentOptions = {}) {
    super()
    for (const [origin, answer] of Object.entries(origins)) {
      this.#origins.set(httpOrigin(origin), this.#dispatcher(answer))
    }
    this.#fcgi = fcgi
    this.#otherwise = otherwise ?? getGlobalDispatcher()
  }

  /**
   * Sends a request to what answers for its origin; see undici's `Dispatcher.dispatch`.
   * @throws InvalidArgumentError on a handler that is none. Every other failure reaches the handler.
   */
  override dispatch(
    options: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler,
  ): boolean {
    let dispatcher: Dispatcher
    try {
      this.checkOpen()
      dispatcher = this.#answering(options?.origin)
    } catch (error) {
      new UndiciExchange(handler, { over: () => {}, stderr: () => {} }).refuse(error)
      return false
    }
    return dispatcher.dispatch(options, handler)
  }

  /**
   * The `fetch` of this runtime, which takes fcgi: and fcgi+unix: URLs as well, and sends all requests through this agent. Its answers are
   * the runtime's own Responses; their `url` begins with the `origin` that the application was told. Bound: it can be passed on.
   * @throws what `fetch` throws: TypeError, whose `cause` is the error, or the signal's reason.
   * @example
   * const agent = new FastCGIAgent({ fcgi: { root: '/srv/app/public' } })
   * const response = await agent.fetch('fcgi+unix:/run/php/php-fpm.sock:/orders?page=2')
   */
  readonly fetch: Fetch = async (input, init) => {
    const url = parseFcgiUrl(input instanceof Request ? new URL(input.url) : input)
    if (!url) {
      const other = input instanceof Request ? runtimeRequest(input.url, input) : input
      return runtimeFetch(other, init, this)
    }
    const backend = this.#fetched(url)
    const target = backend.origin + url.target
    // An answer may send its client on: within the application, or to anywhere else.
    const dispatcher = this.compose(
      (dispatch) => (options, handler) =>
        String(options.origin) === backend.origin
          ? backend.dispatch(options, handler)
          : dispatch(options, handler),
    )
    const request = input instanceof Request ? runtimeRequest(target, input) : target
    return runtimeFetch(request, init, dispatcher)
  }

  protected override async finish(): Promise<void> {
    await Promise.all([...this.#opened].map((dispatcher) => dispatcher.close()))
  }

  protected override async end(error: Error): Promise<void> {
    await Promise.all([...this.#opened].map((dispatcher) => dispatcher.destroy(error)))
  }

  #answering(origin: string | URL | undefined): Dispatcher {
    if (!origin)
      throw new errors.InvalidArgumentError('opts.origin must be a non-empty string or URL.')
    const url = parseFcgiUrl(origin)
    if (url) return this.#backend(url)
    const text = URL.canParse(String(origin)) ? new URL(origin).origin : String(origin)
    return this.#origins.get(text) ?? this.#otherwise
  }

  /** @throws TypeError as `fetch` does, once the agent is closed: a backend that is opened then would be nobody's to close. */
  #fetched(url: FcgiUrl): FastCGIDispatcher {
    try {
      this.checkOpen()
    } catch (cause) {
      throw new TypeError('fetch failed', { cause })
    }
    return this.#backend(url)
  }

  #backend({ address }: FcgiUrl): FastCGIDispatcher {
    if (!this.#fcgi) {
      throw new errors.InvalidArgumentError('fcgi: URLs need the option fcgi, with a root')
    }
    const key = formatAddress(address)
    const known = this.#backends.get(key)
    if (known) return known
    const backend = this.#open(new FastCGIDispatcher(address, this.#fcgi))
    this.#backends.set(key, backend)
    return backend
  }

  #dispatcher(answer: FastCGIOrigin | Dispatcher): Dispatcher {
    if (!('backend' in answer)) return answer
    const { backend, ...options } = answer
    return this.#open(new FastCGIDispatcher(backend, options))
  }

  #open(dispatcher: FastCGIDispatcher): FastCGIDispatcher {
    this.#opened.add(dispatcher)
    return dispatcher
  }
}

function httpOrigin(origin: string): string {
  const url = URL.canParse(origin) ? new URL(origin) : undefined
  if (url && /^https?:$/.test(url.protocol) && `${url.pathname}${url.search}` === '/') {
    return url.origin
  }
  throw new TypeError(
    `an origin is a scheme, a host and perhaps a port, such as http://app.internal, not ${JSON.stringify(origin)}`,
  )
}
