// The face of a scheduler: checks what callers give, and lays execute and stream over dispatch.

import { announceCreate } from '../connection/announce.ts'
import { Exchange } from '../connection/exchange.ts'
import type {
  Dispatched,
  DispatchHandler,
  FastCGIRequest,
  RequestOptions,
} from '../connection/request.ts'
import { ClosedError } from '../errors.ts'
import type { Address } from '../transport/address.ts'
import type { Executor } from './executor.ts'
import {
  checkOptions,
  checkRequestOptions,
  type CheckedOptions,
  type GivenConnector,
  type PoolOptions,
} from './options.ts'
import { executeBy, FastCGIStream, type FastCGIResponse } from './response.ts'
import { Scheduler, type PoolStats } from './scheduler.ts'
import { queryValues } from './values.ts'

/**
 * Connections to one FastCGI backend, opened by a connector that is given. Opens none before it is used.
 * @example
 * const pool = new Pool('tcp://php:9000', { connect: fromStreams(() => connect({ hostname: 'php', port: 9000 })) })
 * const { stdout, stderr } = await pool.execute({ params: { SCRIPT_FILENAME: '/srv/hello.php' } })
 * await pool.close()
 */
export class Pool implements Executor, AsyncDisposable {
  readonly #options: CheckedOptions
  readonly #scheduler: Scheduler

  /**
   * @param address `unix:/run/php/php-fpm.sock`, `tcp://host:9000`, `host:9000` and their like.
   * @throws TypeError on an address or option that cannot be used, and without a connector.
   */
  constructor(address: string | Address, options: PoolOptions & GivenConnector) {
    this.#options = checkOptions(address, options)
    this.#scheduler = new Scheduler(this.#options)
  }

  /** The address, as messages name it. */
  get address(): string {
    return this.#options.address
  }

  get stats(): PoolStats {
    return this.#scheduler.stats
  }

  /** True once `close` or `destroy` was called. */
  get closed(): boolean {
    return this.#scheduler.closed
  }

  dispatch(
    request: FastCGIRequest,
    handler: DispatchHandler,
    options?: RequestOptions,
  ): Dispatched {
    if (options !== undefined) checkRequestOptions(options)
    const exchange = new Exchange(this.#options.address, request, handler, this.#options, options)
    announceCreate(exchange, this.#scheduler)
    this.#scheduler.submit(exchange)
    return exchange
  }

  execute(request: FastCGIRequest, options?: RequestOptions): Promise<FastCGIResponse> {
    return executeBy(this, request, options, this.#options.maxResponseSize)
  }

  stream(request: FastCGIRequest, options?: RequestOptions): FastCGIStream {
    return new FastCGIStream((handler) => this.dispatch(request, handler, options))
  }

  /**
   * Asks the backend for variables by FCGI_GET_VALUES (FastCGI 1.0, §4.1), on a connection of its own. Many backends never answer,
   * so `headersTimeout` counts; php-fpm says only `FCGI_MPXS_CONNS=0`, and needs a free worker for it.
   * @param names What to ask for. @default FCGI_MAX_CONNS, FCGI_MAX_REQS, FCGI_MPXS_CONNS
   * @returns those variables that the backend knows.
   * @throws ConnectError, SocketError, TimeoutError, RemoteProtocolError; the signal's reason.
   */
  getValues(names?: Iterable<string>, options: RequestOptions = {}): Promise<Map<string, string>> {
    checkRequestOptions(options)
    if (this.closed) {
      return Promise.reject(new ClosedError(`the client of ${this.address} was closed`))
    }
    return queryValues(names, this.#options, options)
  }

  /** Takes no new requests, finishes those that there are, then closes all connections; resolves when the last one is closed. */
  close(): Promise<void> {
    return this.#scheduler.close()
  }

  /** Closes all connections now; every request that is not over fails with the reason. @default a ClosedError */
  destroy(reason?: Error): void {
    this.#scheduler.destroy(reason)
  }

  /** The same as {@link close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
