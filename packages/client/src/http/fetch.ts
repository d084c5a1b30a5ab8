// (Request) => Promise<Response>, by way of an executor: what a site and an exchange do, in the types of the web.

import { refuseUnknown } from '../client/options.ts'
import type { Dispatcher } from '../connection/request.ts'
import { HttpRequestError } from '../errors.ts'
import type { CgiHead } from './cgi-response.ts'
import { FetchExchange } from './fetch-exchange.ts'
import { Site, SITE_OPTION_NAMES, type FetchInfo, type SiteOptions } from './site.ts'

/** Options of {@link createFetch}. */
export interface FetchOptions extends SiteOptions {
  /** Gets stderr as it comes; `data` is valid only during the call. It never becomes part of a response. @default drops it */
  onStderr?: ((data: Uint8Array, request: Request) => void) | undefined
  /** Gets interim responses, such as 103 Early Hints. @default drops them */
  onInformational?: ((head: CgiHead, request: Request) => void) | undefined
  /** Makes a response of a failure; see `errorResponse`. @default rejects with the failure */
  onError?: ((error: unknown, request: Request) => Response | Promise<Response>) | undefined
}

const OPTION_NAMES: readonly string[] = [
  ...SITE_OPTION_NAMES,
  ...(['onStderr', 'onInformational', 'onError'] satisfies (keyof FetchOptions)[]),
]

/** The shape of `fetch` handlers: Bun.serve, Deno.serve, Workers, srvx, Hono's mount. */
export type FetchHandler = (request: Request, info?: FetchInfo | object) => Promise<Response>

/**
 * Makes a `fetch` of a FastCGI backend: streams both ways, and aborts with `request.signal`.
 * A body without Content-Length is collected up to the executor's `maxBufferedStdin`, because PHP needs its length first.
 * @throws TypeError on options that cannot be used. The handler rejects with a FastCGIError, or the signal's reason, unless `onError`
 * is given; a request that cannot be passed on is answered with 400, one that names no script with 404.
 * @example
 * const php = createFetch(pool, { root: '/srv/app/public', onError: errorResponse })
 * export default { fetch: php }
 */
export function createFetch(executor: Dispatcher, options: FetchOptions): FetchHandler {
  refuseUnknown(options, OPTION_NAMES)
  const site = new Site(options)
  return async (request, info) => {
    try {
      return await new FetchExchange(executor, site, request, options, info ?? {}).response
    } catch (error) {
      if (error instanceof HttpRequestError) return plainResponse(error.status)
      if (options.onError && !request.signal.aborted) return options.onError(error, request)
      throw error
    }
  }
}

function plainResponse(status: number): Response {
  return new Response(status === 404 ? 'Not Found\n' : 'Bad Request\n', {
    status,
    headers: { 'content-type': 'text/plain; charset=utf-8' },
  })
}
