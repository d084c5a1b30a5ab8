// The params of one request to a script: what the request says, as far as it may, and what only this server knows.

import type { ParamPair } from '@fastcgi/client'
import { cgiParams, type ScriptPath } from '@fastcgi/client/http'
import { paramText } from '@fastcgi/client/protocol'
import type { Exchange } from './exchange.ts'
import { FORWARDED_HEADERS } from './forwarded.ts'
import type { Site } from './site.ts'

const FORWARDED_PARAMS: ReadonlySet<string> = new Set(
  [...FORWARDED_HEADERS].map((name) => `HTTP_${name.toUpperCase().replaceAll('-', '_')}`),
)

/**
 * @param root The document root as the backend sees it at this moment.
 * @param length Of the body, in bytes; undefined without one.
 * @throws HttpRequestError 400 on a request that must not be passed on.
 */
export function scriptParams(
  exchange: Exchange,
  site: Site,
  script: ScriptPath,
  root: string,
  length: number | undefined,
): ParamPair[] {
  const { request, client } = exchange
  const params = cgiParams(
    request,
    {
      root,
      script,
      base: exchange.mount + site.base,
      serverName: site.serverName ?? client.host,
      serverPort: client.hostPort,
      serverAddress: request.connection.localAddress,
      https: client.https,
      remoteAddress: client.address,
      remotePort: client.port,
    },
    site.policy,
  ).filter(([name]) => mayPass(paramText(name), site))
  // The host that the client asked for, where a proxy passes on another one, and for HTTP/1.0 without any.
  if (!site.fixedParams.has('HTTP_HOST')) params.push(['HTTP_HOST', hostOf(exchange)])
  if (length !== undefined && !site.fixedParams.has('CONTENT_LENGTH')) {
    params.push(['CONTENT_LENGTH', length])
  }
  return params
}

function mayPass(name: string, site: Site): boolean {
  if (name === 'HTTP_HOST' || name === 'CONTENT_LENGTH') return false
  // Left to stand, these would be believed by an application behind a client that nobody vouches for.
  return !FORWARDED_PARAMS.has(name) && !site.fixedParams.has(name)
}

function hostOf({ client: { host, hostPort, https } }: Exchange): string {
  return hostPort === (https ? 443 : 80) ? host : `${host}:${hostPort}`
}
