// HTTP over an executor without a Request or a Response in between: what clients with types of their own are built on.

import { refuseUnknown } from '../client/options.ts'
import type { Dispatched, Dispatcher, RequestOptions } from '../connection/request.ts'
import { HttpExchange, type HttpHandler } from './http-exchange.ts'
import {
  Site,
  SITE_OPTION_NAMES,
  type FetchInfo,
  type HttpRequest,
  type SiteOptions,
} from './site.ts'

/** Runs an HTTP request and tells the handler what happens, as it happens, never before it has returned. */
export type HttpDispatch = (
  request: HttpRequest,
  handler: HttpHandler,
  options?: RequestOptions,
  info?: FetchInfo,
) => Dispatched

/**
 * Like `createFetch`, for programs that have no Request and want no Response: each piece of the answer is a call of a handler. Local
 * redirects of the application are followed.
 * @throws TypeError on options that cannot be used. Everything else reaches `onError`: a FastCGIError, the signal's reason, and an
 * HttpRequestError, whose `status` is to be answered with, on a request that cannot be passed on (400) or names no script (404).
 * @example
 * const dispatch = createHttpDispatch(pool, { root: '/srv/app/public' })
 * dispatch({ method: 'GET', url: new URL('http://localhost/'), headers: [] }, { onHead, onData, onEnd, onError })
 */
export function createHttpDispatch(executor: Dispatcher, options: SiteOptions): HttpDispatch {
  refuseUnknown(options, SITE_OPTION_NAMES)
  const site = new Site(options)
  return (request, handler, requestOptions = {}, info = {}) =>
    new HttpExchange(executor, site, request, handler, requestOptions, info)
}
