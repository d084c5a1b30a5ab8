// PHP as a handler or middleware of h3.

import type { FetchInfo } from '@fastcgi/client/http'
import { isBunServer } from './adapters/bun.ts'
import type { NodeRequest } from './adapters/node-types.ts'
import { mountedTarget } from './adapters/target.ts'
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
  /** The path that this is mounted at, beside `app.all('/blog/**', …)`. @default what `withBase` has taken off */
  readonly mount?: string | undefined
}

/** Options of {@link fastcgi}: those of a gateway, or a gateway; `fallthrough` is `false` by default. */
export type H3Options = GatewaySource & CommonOptions & OwnOptions

/** What Deno.serve tells of a connection. */
interface DenoInfo {
  readonly remoteAddr: { readonly hostname?: string; readonly port?: number }
}

/** The part of an event of h3 that is used here: the types of h3 are not needed for those of this module. */
export interface H3Event {
  readonly url: URL
  /** As srvx extends it. */
  readonly req: Request & {
    readonly ip?: string | undefined
    readonly runtime?:
      | {
          readonly node?: { readonly req: Pick<NodeRequest, 'socket' | 'url'> } | undefined
          readonly bun?: { readonly server: object } | undefined
          readonly deno?: { readonly info: DenoInfo } | undefined
        }
      | undefined
  }
}

/** A handler of h3, which can be used as a middleware, too. */
export type H3Handler = ((event: H3Event, next?: () => unknown) => Promise<unknown>) & Mounted

// What stands in h3 for a route that is not there.
const NOT_FOUND = Symbol.for('h3.notFound')

/**
 * Makes a handler for h3 2, and so for Nitro 3. With `fallthrough`, what is not found goes on to the next handler, or is 404 in h3 when there
 * is none, and what fails goes to `onError`. REMOTE_ADDR comes from the connection, on Node, Bun and Deno. For h3 1, take
 * `@fastcgi/gateway/express` and `fromNodeMiddleware`.
 * @throws TypeError that names the option that cannot be used, and what it takes.
 * @example
 * app.all('/blog/**', fastcgi({ mount: '/blog', root: '/srv/blog', backend: 'unix:/run/php/php-fpm.sock' }))
 */
export function fastcgi(options: H3Options): H3Handler {
  const { gateway, fallthrough, own } = openDoor<OwnOptions>(options, ['mount'], false)
  const given = own.mount === undefined ? undefined : checkMount('mount', own.mount)
  const handler = async (event: H3Event, next?: () => unknown): Promise<unknown> => {
    const asked = askedFor(event)
    const response = await answerAsResponse(gateway, {
      request: event.req,
      info: connectionOf(event.req),
      asked,
      mount: given ?? baseOf(event, asked),
      fallthrough,
    })
    if (response) return response
    return next ? next() : NOT_FOUND
  }
  return Object.assign(handler, { gateway })
}

/** `withBase` takes its path off the URL of the event, which on Node is that of the request, too. */
function askedFor({ req }: H3Event): string {
  const target = req.runtime?.node?.req.url
  return target?.startsWith('/') ? new URL(req.url).origin + target : req.url
}

function baseOf({ url }: H3Event, asked: string): string {
  return mountedTarget({ url: url.pathname, originalUrl: new URL(asked).pathname }).base
}

function connectionOf({ runtime, ip }: H3Event['req']): FetchInfo | object {
  const server = runtime?.bun?.server
  if (server && isBunServer(server)) return server
  const socket = runtime?.node?.req.socket
  if (socket) {
    const { remoteAddress = '127.0.0.1', remotePort, localAddress } = socket
    return { remoteAddress, remotePort, serverAddress: localAddress }
  }
  const peer = runtime?.deno?.info.remoteAddr
  return peer ? { remoteAddress: peer.hostname, remotePort: peer.port } : { remoteAddress: ip }
}
