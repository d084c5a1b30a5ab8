// PHP as a middleware of Koa.
//
// The answer is given to Koa, as `ctx.status`, fields and a stream in `ctx.body`; not written past it with `ctx.respond = false`. Middlewares
// work on the way back: one that compresses, sets the cookie of a session, or tells how long it took would find an answer that is gone.

import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  openDoor,
  type CommonOptions,
  type GatewaySource,
  type Mounted,
} from './frameworks/options.ts'
import { answerAsStream, type StreamAnswer } from './frameworks/stream-answer.ts'

export type { CommonOptions, GatewaySource, Mounted } from './frameworks/options.ts'

/** Options of {@link fastcgi}: those of a gateway, or a gateway; `fallthrough` is `true` by default. */
export type KoaOptions = GatewaySource & CommonOptions

/** The part of a Koa context that is used here: the types of Koa are not needed for those of this module. */
export interface KoaContext {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly request: object
  readonly url: string
  readonly originalUrl: string
  readonly writable: boolean
  status: number
  message: string
  body: unknown
  set(name: string, value: string | string[]): void
  remove(name: string): void
}

/** A middleware of Koa. */
export type KoaMiddleware = ((ctx: KoaContext, next: () => Promise<unknown>) => Promise<void>) &
  Mounted

/** What parsers of bodies leave behind in `ctx.request`. */
interface Parsed {
  readonly body?: unknown
  readonly rawBody?: unknown
}

/**
 * Makes a middleware for Koa 2 and 3. Where koa-mount has mounted it is what PHP sees in SCRIPT_NAME. To be used before parsers of bodies;
 * behind them, what they have parsed is put together again where nothing is lost by it.
 * @throws TypeError that names the option that cannot be used, and what it takes.
 * @example
 * app.use(mount('/blog', fastcgi({ root: '/srv/blog', backend: 'unix:/run/php/php-fpm.sock' })))
 */
export function fastcgi(options: KoaOptions): KoaMiddleware {
  const { gateway, fallthrough } = openDoor<object>(options, [], true)
  const middleware = async (ctx: KoaContext, next: () => Promise<unknown>): Promise<void> => {
    const answer = await answerAsStream(gateway, {
      request: ctx.req,
      response: ctx.res,
      // koa-mount takes the mount point off `url`.
      seen: { url: ctx.url, originalUrl: ctx.originalUrl, ...parsedOf(ctx.request) },
      fallthrough,
    })
    if (answer) give(ctx, answer)
    else if (ctx.writable) await next()
  }
  return Object.assign(middleware, { gateway })
}

function parsedOf({ body, rawBody }: Parsed): Parsed {
  // koa-bodyparser keeps a text.
  return typeof rawBody === 'string' ? { body: rawBody } : { body, rawBody }
}

function give(ctx: KoaContext, { status, statusText, headers, body }: StreamAnswer): void {
  ctx.status = status
  if (statusText !== '' && ctx.req.httpVersionMajor < 2) ctx.message = statusText
  // Before the fields: Koa makes some of a body, which are those of the answer then, or none.
  ctx.body = body
  ctx.remove('Content-Type')
  ctx.remove('Content-Length')
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) ctx.set(name, value as string | string[])
  }
}
