// The gateway itself: finds out who asks and for what, lets the site answer, and makes of every failure an answer.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import { HttpRequestError } from '@fastcgi/client'
import { decodePath, type FetchInfo } from '@fastcgi/client/http'
import { bunExchange, isBunServer } from './adapters/bun.ts'
import type { BunRequest } from './adapters/bun-types.ts'
import { nodeExchange } from './adapters/node.ts'
import { webExchange } from './adapters/web.ts'
import { Backends } from './backends.ts'
import { checkRequestBody } from './bodies/rules.ts'
import { checkFlag, refuseUnknown } from './checks.ts'
import { SITE_OPTIONS } from './compile-site.ts'
import type { Exchange, Handler, Middleware } from './exchange.ts'
import { failWith, type Fail } from './failure.ts'
import { clientReader } from './forwarded.ts'
import { silentLogger } from './logger.ts'
import { accessLog } from './middlewares/access-log.ts'
import { compress } from './middlewares/compress.ts'
import type { GatewayOptions } from './options.ts'
import { checkResponse } from './replies/rules.ts'
import type { Backend } from './site.ts'
import { SiteHandler } from './site-handler.ts'
import { Sites } from './sites.ts'
import { StatusError } from './status-error.ts'

/** HTTP in front of FastCGI backends. */
export interface Gateway extends AsyncDisposable {
  /**
   * Answers a web Request: for Bun, Deno, Hono and whatever speaks `fetch`.
   * @param info What the server knows about the connection; the server itself on Bun, which hands it to `fetch`.
   */
  readonly fetch: (request: Request, info?: FetchInfo | object) => Promise<Response>
  /**
   * Answers a request of node:http or node:http2; fits `http.createServer`, Express and Connect. With `next`, what is not found here, and
   * what fails before an answer has begun, is handed on.
   */
  readonly handler: (
    request: IncomingMessage | Http2ServerRequest,
    response: ServerResponse | Http2ServerResponse,
    next?: (error?: unknown) => void,
  ) => void
  /** The backends in use, for health checks and metrics. */
  readonly backends: readonly Backend[]
  /** How many requests are under way. */
  readonly active: number
  /** Takes no new requests, finishes those that run, then closes the connections to the backends. */
  close(): Promise<void>
  /** Ends everything now; requests that run are cut off. */
  destroy(reason?: Error): void
}

const OWN_OPTIONS = [
  'sites',
  'backends',
  'trustProxy',
  'requestBody',
  'response',
  'development',
  'logger',
  'accessLog',
  'use',
] satisfies (keyof GatewayOptions)[]
/** The names of all options of a gateway. */
export const GATEWAY_OPTIONS: readonly string[] = [...OWN_OPTIONS, ...SITE_OPTIONS]

/**
 * Makes a gateway. Connects to no backend before there is a request for it.
 * @throws TypeError that names the option that cannot be used, and what it takes.
 * @example
 * const gateway = createGateway({ root: '/srv/app/public', backend: 'unix:/run/php/php-fpm.sock' })
 * createServer(gateway.handler).listen(8080)
 */
export function createGateway(options: GatewayOptions): Gateway {
  return new FastCGIGateway(options, [], options.development ?? false)
}

/**
 * Makes a gateway for a server that watches it.
 * @param observers Outermost: they see every request, those that are refused at once as well.
 * @param panel Whether pages end with what PHP wrote to stderr; as a rule, in development.
 */
export function createWatchedGateway(
  options: GatewayOptions,
  observers: readonly Middleware[],
  panel: boolean = options.development ?? false,
): Gateway {
  return new FastCGIGateway(options, observers, panel)
}

/**
 * Lets a gateway answer an exchange that was made for a framework.
 * @throws TypeError on what `createGateway` has not made.
 */
export function answerBy(gateway: Gateway, exchange: Exchange): void {
  checkGateway(gateway).run(exchange)
}

/** @throws TypeError on what `createGateway` has not made. */
export function checkGateway(gateway: unknown): FastCGIGateway {
  if (gateway instanceof FastCGIGateway) return gateway
  throw new TypeError('gateway must be what createGateway() of this package returns')
}

class FastCGIGateway implements Gateway {
  readonly #backends: Backends
  readonly #handle: Handler
  readonly #fail: Fail
  #active = 0
  #closing = false
  #idle: (() => void) | undefined

  constructor(options: GatewayOptions, watching: readonly Middleware[], panel: boolean) {
    refuseUnknown(options, GATEWAY_OPTIONS)
    const { sites = [], backends, trustProxy, use = [], accessLog: log = false, ...rest } = options
    const { requestBody, response, development, logger = silentLogger, ...site } = rest
    this.#fail = failWith(logger, checkFlag('development', development ?? false))
    this.#backends = new Backends(backends)
    const responseRules = checkResponse(response)
    const handler = new SiteHandler({
      sites: new Sites(site, sites, this.#backends),
      requestBody: checkRequestBody(requestBody),
      response: responseRules,
      logger,
      fail: this.#fail,
      development: development ?? false,
      panel,
    })
    const compressing = responseRules.compress ? [compress(responseRules.compress)] : []
    const answer = fold([...use, ...compressing], (exchange) => handler.handle(exchange))
    const readClient = clientReader(trustProxy, site.serverName)
    const logging = log === false ? [] : [accessLog(log === true ? {} : log, logger)]
    this.#handle = fold([...watching, ...logging], (exchange) => {
      exchange.client = readClient(exchange.request)
      exchange.path = pathOf(exchange)
      return answer(exchange)
    })
  }

  get backends(): readonly Backend[] {
    return this.#backends.all
  }

  get active(): number {
    return this.#active
  }

  // A property, so that it can be handed on without its object.
  readonly handler: Gateway['handler'] = (request, response, next) => {
    const { exchange, reply } = nodeExchange(request, response, next)
    this.run(exchange)
    reply.requestReturned()
  }

  readonly fetch: Gateway['fetch'] = (request, info) => {
    const { exchange, answered } =
      info && isBunServer(info)
        ? bunExchange(request as BunRequest, info)
        : webExchange(request, info ?? {})
    this.run(exchange)
    return answered
  }

  async close(): Promise<void> {
    this.#closing = true
    if (this.#active > 0) await new Promise<void>((resolve) => (this.#idle = resolve))
    await this.#backends.close()
  }

  destroy(reason?: Error): void {
    this.#closing = true
    this.#backends.destroy(reason)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  run(exchange: Exchange): void {
    this.#active++
    exchange.onClose(() => this.#over())
    try {
      if (this.#closing) throw new StatusError(503, 'the gateway is closing')
      const done = this.#handle(exchange)
      if (done) done.catch((error: unknown) => this.#fail(exchange, error))
    } catch (error) {
      this.#fail(exchange, error)
    }
  }

  #over(): void {
    this.#active--
    if (this.#active === 0) this.#idle?.()
  }
}

/** Folded once, so that a request walks from one function to the next. */
function fold(middlewares: readonly Middleware[], last: Handler): Handler {
  return middlewares.reduceRight((next, middleware) => middleware(next), last)
}

/** The decoded path, behind the place where an application has mounted this gateway. */
function pathOf({ request: { target }, mount }: Exchange): string {
  const path = decodePath(target.split('?', 1)[0] ?? '')
  if (mount === '') return path
  if (path === mount || path.startsWith(`${mount}/`)) return path.slice(mount.length)
  throw new HttpRequestError(400, `the path is not below ${mount}`)
}
