// PHP as a handler or middleware of Hono.

import { STATUS_CODES } from 'node:http'
import type { Context, MiddlewareHandler } from 'hono'
import type { FetchInfo } from '@fastcgi/client/http'
import { isBunServer } from './adapters/bun.ts'
import { checkMount } from './frameworks/mount.ts'
import {
  openDoor,
  type CommonOptions,
  type GatewaySource,
  type Mounted,
} from './frameworks/options.ts'
import { answerAsResponse } from './frameworks/web-answer.ts'

export type { CommonOptions, GatewaySource, Mounted } from './frameworks/options.ts'

interface OwnOptions {
  /** The path that this is mounted at, as Hono does not take it off: `/blog` beside `app.all('/blog/*', …)`. @default none */
  readonly mount?: string | undefined
  /**
   * Tells who the client is, such as `getConnInfo` of `hono/cloudflare-workers`. @default what @hono/node-server, Bun.serve and Deno.serve give
   * in `c.env`
   */
  readonly getConnInfo?: ((context: Context) => HonoConnection) | undefined
}

/** What `getConnInfo` of Hono returns, as far as it is used here. */
export interface HonoConnection {
  readonly remote: { readonly address?: string | undefined; readonly port?: number | undefined }
}

/** Options of {@link fastcgi}: those of a gateway, or a gateway; `fallthrough` is `false` by default. */
export type HonoOptions = GatewaySource & CommonOptions & OwnOptions

/** A handler of Hono, which can be used as a middleware, too. */
export type HonoHandler = MiddlewareHandler & Mounted

/**
 * Makes a handler for Hono. With `fallthrough`, what is not found goes on to the next handler, and what fails to `app.onError`. REMOTE_ADDR
 * comes from what the server gives Hono, on Node (@hono/node-server), Bun and Deno.
 * @throws TypeError that names the option that cannot be used, and what it takes.
 * @example
 * app.all('/blog/*', fastcgi({ mount: '/blog', root: '/srv/blog', backend: 'unix:/run/php/php-fpm.sock' }))
 */
export function fastcgi(options: HonoOptions): HonoHandler {
  const { gateway, fallthrough, own } = openDoor<OwnOptions>(
    options,
    ['mount', 'getConnInfo'],
    false,
  )
  const mount = checkMount('mount', own.mount)
  const { getConnInfo } = own
  const handler: MiddlewareHandler = async (context, next) => {
    const info = getConnInfo ? infoOf(getConnInfo(context)) : connectionOf(context.env)
    const request = context.req.raw
    const response = await answerAsResponse(gateway, { request, info, mount, fallthrough }).catch(
      rethrow,
    )
    if (response) return response
    await next()
    return undefined
  }
  return Object.assign(handler, { gateway })
}

/** Without an `app.onError`, Hono asks the error what to answer. */
function rethrow(error: unknown): never {
  const status = error instanceof Error && 'status' in error ? Number(error.status) : 500
  const getResponse = (): Response => new Response(STATUS_CODES[status] ?? '', { status })
  throw error instanceof Error ? Object.assign(error, { getResponse }) : error
}

function infoOf({ remote }: HonoConnection): FetchInfo {
  return { remoteAddress: remote.address, remotePort: remote.port }
}

/** What servers hand to `app.fetch` beside the request. */
interface Bindings {
  readonly server?: object | undefined
  /** Of @hono/node-server. */
  readonly incoming?: {
    readonly socket: {
      readonly remoteAddress?: string | undefined
      readonly remotePort?: number | undefined
      readonly localAddress?: string | undefined
    }
  }
  /** Of Deno.serve. */
  readonly remoteAddr?: { readonly hostname?: string; readonly port?: number }
}

function connectionOf(env: Bindings | undefined): FetchInfo | object {
  const bindings: Bindings = env?.server ?? env ?? {}
  if (isBunServer(bindings)) return bindings
  const { incoming, remoteAddr } = bindings
  if (incoming) {
    const { remoteAddress = '127.0.0.1', remotePort, localAddress } = incoming.socket
    return { remoteAddress, remotePort, serverAddress: localAddress }
  }
  return { remoteAddress: remoteAddr?.hostname, remotePort: remoteAddr?.port }
}
