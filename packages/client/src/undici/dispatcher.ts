// A Dispatcher of undici for one backend.

import { Dispatcher, errors } from 'undici'
import { Pool, type Executor, type PoolOptions } from '../index.ts'
import { createHttpDispatch, type HttpDispatch, type SiteOptions } from '../http/index.ts'
import { formatAddress, parseAddress, type Address } from '../transport/address.ts'
import { onBodyError } from './body.ts'
import { ClosingDispatcher } from './closing.ts'
import { connectionFailure } from './errors.ts'
import { UndiciExchange } from './exchange.ts'
import { announcing } from './announcing.ts'
import { readRequest, readTimeouts } from './request.ts'
import { parseFcgiUrl, urlOf } from './url.ts'

/** Options of a {@link FastCGIDispatcher}: where the application is, and what it is told. */
export interface FastCGIDispatcherOptions extends SiteOptions {
  /** Options of the connections. Not for a backend that is a Pool already. */
  pool?: PoolOptions | undefined
  /** Scheme, host and port for requests whose origin is not http: or https:, or that have none. @default 'http://localhost' */
  origin?: string | URL | undefined
  /** Gets stderr as it comes; `data` is valid only during the call. It never becomes part of an answer. @default drops it */
  onStderr?: ((data: Uint8Array, request: Dispatcher.DispatchOptions) => void) | undefined
}

const DEFAULT_CONNECTIONS = 4

/**
 * Sends the requests of `fetch`, `undici.request` and everything built on them to a FastCGI backend, whatever host they name.
 * @example
 * const php = new FastCGIDispatcher('fcgi+unix:/run/php/php-fpm.sock', { root: '/srv/app/public' })
 * const response = await fetch('http://app.example/orders?page=2', { dispatcher: php })
 */
export class FastCGIDispatcher extends ClosingDispatcher {
  readonly #executor: Executor
  /** False for one that was given, and belongs to somebody else. */
  readonly #owned: boolean
  readonly #dispatch: HttpDispatch
  readonly #origin: URL
  readonly #backend: URL
  readonly #onStderr: FastCGIDispatcherOptions['onStderr']
  readonly #connections: number
  readonly #running = new Set<UndiciExchange>()
  #needsDrain = false
  #idle: (() => void) | undefined

  /**
   * @param backend `fcgi+unix:/run/php/php-fpm.sock`, `fcgi://127.0.0.1:9000`, every address that a Pool takes, or a Pool, which stays
   * yours: `close` and `destroy` leave it open.
   * @throws TypeError on an address or option that cannot be used.
   */
  constructor(backend: string | Address | Executor, options: FastCGIDispatcherOptions) {
    super()
    const { pool, origin = 'http://localhost', onStderr, ...site } = options
    this.#origin = httpUrl(origin)
    this.#onStderr = onStderr
    this.#owned = typeof backend === 'string' || !('dispatch' in backend)
    if (typeof backend !== 'string' && 'dispatch' in backend) {
      if (pool) throw new TypeError('pool is for an address, and the backend is a pool already')
      this.#executor = backend
      this.#connections = Infinity
      this.#backend = this.#origin
    } else {
      const address = addressOf(backend)
      this.#backend = urlOf(address)
      this.#executor = this.#open(address, pool)
      this.#connections = pool?.connections ?? DEFAULT_CONNECTIONS
    }
    this.#dispatch = createHttpDispatch(this.#executor, site)
  }

  /**
   * Sends a request; see undici's `Dispatcher.dispatch`.
   * @returns false when all connections are busy, and 'drain' will be emitted. The request is sent all the same, or waits.
   * @throws InvalidArgumentError on a handler that is none. Every other failure reaches the handler.
   */
  override dispatch(
    options: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler,
  ): boolean {
    const exchange = new UndiciExchange(
      handler,
      {
        over: () => this.#over(exchange),
        stderr: (data) => this.#onStderr?.(data, options),
      },
      options,
    )
    try {
      this.checkOpen()
      if (typeof options !== 'object' || options === null) {
        throw new errors.InvalidArgumentError('opts must be an object.')
      }
      const request = readRequest(options, this.#origin)
      const timeouts = readTimeouts(options)
      onBodyError(options.body, (error) => exchange.abort(error))
      this.#running.add(exchange)
      exchange.start((http) => this.#dispatch(request, http, timeouts))
    } catch (error) {
      exchange.refuse(error)
      return false
    }
    this.#needsDrain ||= this.#running.size >= this.#connections
    return !this.#needsDrain
  }

  /** What an application is told of scheme, host and port by requests that do not say. */
  get origin(): string {
    return this.#origin.origin
  }

  protected override async finish(): Promise<void> {
    if (this.#running.size > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve
      })
    }
    if (this.#owned) await this.#executor.close()
  }

  protected override async end(error: Error): Promise<void> {
    for (const exchange of this.#running) exchange.abort(error)
    if (!this.#owned) return
    this.#executor.destroy(error)
    await this.#executor.close()
  }

  #open(address: Address, options: PoolOptions = {}): Pool {
    const connect = announcing(address, options.connect, (event, error) => {
      const targets = [this]
      if (event === 'connect') this.emit(event, this.#backend, targets)
      else if (event === 'disconnect')
        this.emit(event, this.#backend, targets, connectionFailure(error))
      else this.emit(event, this.#backend, targets, connectionFailure(error))
    })
    return new Pool(address, { ...options, connect })
  }

  #over(exchange: UndiciExchange): void {
    if (!this.#running.delete(exchange)) return
    if (this.#running.size === 0) this.#idle?.()
    if (!this.#needsDrain || this.#running.size >= this.#connections) return
    this.#needsDrain = false
    queueMicrotask(() => this.emit('drain', this.#backend))
  }
}

/** @throws TypeError on an fcgi: URL that names more than a backend, and on an address that is none. */
function addressOf(backend: string | Address): Address {
  const url = typeof backend === 'string' ? parseFcgiUrl(backend) : undefined
  if (!url) return parseAddress(backend)
  if (url.target === '/') return url.address
  throw new TypeError(
    `${JSON.stringify(backend)} names a path: the backend is ${formatAddress(url.address)}`,
  )
}

function httpUrl(origin: string | URL): URL {
  const url = URL.canParse(String(origin)) ? new URL(origin) : undefined
  if (url && /^https?:$/.test(url.protocol)) return url
  throw new TypeError(
    `origin must be http: or https:, as http://localhost is, not ${String(origin)}`,
  )
}
