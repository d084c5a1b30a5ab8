// PHP as a middleware of Express, Connect and whatever takes `(request, response, next)`.

import {
  openDoor,
  type CommonOptions,
  type GatewaySource,
  type Mounted,
} from './frameworks/options.ts'
import type { Gateway } from './gateway.ts'

export type { CommonOptions, GatewaySource, Mounted } from './frameworks/options.ts'

/** Options of {@link fastcgi}: those of a gateway, or a gateway; `fallthrough` is `true` by default. */
export type ExpressOptions = GatewaySource & CommonOptions

/** A middleware of Express and Connect. */
export type ExpressMiddleware = Gateway['handler'] & Mounted

/**
 * Makes a middleware for Express 4 and 5, Connect, Polka, and Vite's servers. Where it is mounted (`app.use('/blog', …)`) is what PHP sees in
 * SCRIPT_NAME. To be mounted before parsers of bodies; behind them, what they have parsed is put together again where nothing is lost by it.
 *
 * Answers are written to the response that Express gives: `compression`, `cors` and `express-session`, which change that in place, work.
 * @throws TypeError that names the option that cannot be used, and what it takes.
 * @example
 * app.use('/blog', fastcgi({ root: '/srv/blog', backend: 'unix:/run/php/php-fpm.sock' }))
 */
export function fastcgi(options: ExpressOptions): ExpressMiddleware {
  const { gateway, fallthrough } = openDoor<object>(options, [], true)
  const middleware: Gateway['handler'] = (request, response, next) =>
    gateway.handler(request, response, fallthrough ? next : undefined)
  return Object.assign(middleware, { gateway })
}
