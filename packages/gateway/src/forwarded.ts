// Who asks, and for what host: the connection says it, or a proxy in front that the options trust (RFC 7239 tells why nobody else may).

import { HttpRequestError } from '@fastcgi/client'
import proxyAddr from 'proxy-addr'
import type { ClientInfo, ConnectionInfo, Incoming } from './http.ts'

/** Tells who asks. @throws HttpRequestError 400 on a host that is none. */
export type ClientReader = (request: Incoming) => ClientInfo

/** Whether a proxy may be believed: its address, and how many others stand between it and this server. */
type Trust = (address: string, hops: number) => boolean

/** Headers by which proxies tell about the client. An application gets them only as this server understood them. */
export const FORWARDED_HEADERS: ReadonlySet<string> = new Set([
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
  'x-forwarded-scheme',
  'x-forwarded-server',
  'x-forwarded-ssl',
  'x-real-ip',
])

/**
 * @param trustProxy See `GatewayOptions.trustProxy`.
 * @param serverName The host of a request that names none, as HTTP/1.0 allows.
 * @throws TypeError on a network that is none.
 */
export function clientReader(
  trustProxy: string | readonly string[] | number | undefined,
  serverName: string | undefined,
): ClientReader {
  const trust = trustProxy === undefined ? undefined : compileTrust(trustProxy)
  // Of one connection, one request after the other asks for the same host.
  const seen = new WeakMap<ConnectionInfo, { readonly said: string; readonly client: ClientInfo }>()
  return (request) => {
    const { connection } = request
    const host = request.header('host') ?? ownHost(connection, serverName)
    if (trust?.(plainAddress(connection.remoteAddress), 0)) {
      return throughProxies(request, trust, directOf(connection), host)
    }
    const known = seen.get(connection)
    if (known?.said === host) return known.client
    const client = withHost(directOf(connection), host)
    seen.set(connection, { said: host, client })
    return client
  }
}

function directOf({ remoteAddress, remotePort, encrypted }: ConnectionInfo): Direct {
  return { address: plainAddress(remoteAddress), port: remotePort, https: encrypted }
}

function compileTrust(trustProxy: string | readonly string[] | number): Trust {
  if (typeof trustProxy === 'number') {
    if (Number.isSafeInteger(trustProxy) && trustProxy > 0) return (_, hops) => hops < trustProxy
    throw new TypeError(`trustProxy must be a number of proxies, at least 1, not ${trustProxy}`)
  }
  try {
    return proxyAddr.compile(typeof trustProxy === 'string' ? trustProxy : [...trustProxy])
  } catch (cause) {
    throw new TypeError(
      `trustProxy must be loopback, linklocal, uniquelocal, addresses or networks such as 10.0.0.0/8: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    )
  }
}

type Direct = Pick<ClientInfo, 'address' | 'port' | 'https'>

function throughProxies(request: Incoming, trust: Trust, direct: Direct, host: string): ClientInfo {
  // Each proxy adds whom it talks to at the right end, so the list is believed from there, for as long as proxies are known.
  const said = list(request.header('x-forwarded-for')).toReversed()
  let { address } = direct
  let at = 0
  while (at < said.length && trust(address, at)) address = forwardedAddress(said[at++]!)
  const proto = saidBy(at, request.header('x-forwarded-proto'))?.toLowerCase()
  const https = proto === undefined ? direct.https : proto === 'https' || proto === 'wss'
  const port = Number(saidBy(at, request.header('x-forwarded-port')) ?? NaN)
  const known = withHost(
    { address, port: at === 0 ? direct.port : 0, https },
    saidBy(at, request.header('x-forwarded-host')) ?? host,
  )
  return Number.isInteger(port) && port > 0 && port < 65_536 ? { ...known, hostPort: port } : known
}

/** What the outermost trusted proxy said: what stands further left may be the client's own words. */
function saidBy(hops: number, value: string | undefined): string | undefined {
  const values = list(value)
  return values[Math.max(0, values.length - Math.max(hops, 1))]
}

function list(value: string | undefined): string[] {
  return value === undefined ? [] : value.split(',').flatMap((part) => part.trim() || [])
}

/** Some proxies add the port: `192.0.2.1:4711`, `[2001:db8::1]:4711`. */
function forwardedAddress(value: string): string {
  const bracketed = /^\[([0-9a-fA-F:.]+)\](?::\d+)?$/.exec(value)
  const address = bracketed?.[1] ?? value.replace(/^(\d{1,3}(?:\.\d{1,3}){3}):\d+$/, '$1')
  if (isAddress(address)) return plainAddress(address)
  throw new HttpRequestError(400, 'X-Forwarded-For holds what is no address')
}

function isAddress(text: string): boolean {
  if (/^\d{1,3}(?:\.\d{1,3}){3}$/.test(text))
    return text.split('.').every((part) => Number(part) < 256)
  return /^[0-9a-fA-F:.]{2,45}$/.test(text) && URL.canParse(`http://[${text}]/`)
}

/** An IPv4 address that came over an IPv6 socket is written as an IPv4 address. */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}

/** @param host with its port, unless that is the standard one. */
function withHost(direct: Direct, host: string): ClientInfo {
  const match = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?$/.exec(host)
  if (!match || Number(match[2] ?? 0) > 65_535) {
    throw new HttpRequestError(400, `${JSON.stringify(host.slice(0, 100))} is no host`)
  }
  // A dot at the end names the same host, and must not name another site.
  const name = match[1]!.toLowerCase().replace(/\.$/, '')
  return { ...direct, host: name, hostPort: Number(match[2] ?? (direct.https ? 443 : 80)) }
}

/** What HTTP/1.0 allows: a request that names no host. */
function ownHost({ localAddress, localPort }: ConnectionInfo, serverName?: string): string {
  const address = plainAddress(localAddress)
  return `${serverName ?? (address.includes(':') ? `[${address}]` : address)}:${localPort}`
}
