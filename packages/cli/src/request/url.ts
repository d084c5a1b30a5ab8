// The URL of a request as curl takes it: a path with a query, or the whole with a host. Pure.

import { Exit, Failure } from '../failure.ts'

/** What a URL says about a request. */
export interface RequestUrl {
  /** Path and query, encoded. */
  readonly target: string
  /** As in the Host header: with a port unless it is the scheme's own. */
  readonly host: string
  readonly https: boolean
}

/**
 * Reads `/path?query` or `http(s)://host:port/path?query`. A path is taken as it is; what no URL can contain is percent-encoded.
 * @throws Failure on anything else.
 */
export function parseUrl(text: string, base?: RequestUrl): RequestUrl {
  const { host, https } = base ?? { host: 'localhost', https: false }
  if (text.startsWith('/') && !text.startsWith('//')) return { target: encode(text), host, https }
  if (text.startsWith('?') && base) {
    return { target: base.target.replace(/\?.*$/s, '') + encode(text), host, https }
  }
  const absolute = /^https?:\/\//i.test(text)
  const url = absolute && URL.canParse(text) ? new URL(text) : undefined
  if (url) {
    return { target: url.pathname + url.search, host: url.host, https: url.protocol === 'https:' }
  }
  throw new Failure(
    Exit.BadAddress,
    `${JSON.stringify(text)} is no URL: write /script.php?query, or http://example.org/script.php to name a host`,
  )
}

/** The fragment stays with the client; spaces, controls and what is not ASCII are encoded. */
function encode(target: string): string {
  return target.replace(/#.*$/s, '').replace(/[^\x21-\x7e]+/gu, encodeURIComponent)
}

/** Name and port that a Host header names, as SERVER_NAME and SERVER_PORT have them. */
export function splitHost(host: string, https: boolean): { name: string; port: number } {
  const match = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(host)
  return { name: match?.[1] ?? host, port: Number(match?.[2] ?? (https ? 443 : 80)) }
}
