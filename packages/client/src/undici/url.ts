// fcgi: URLs. RFC 3986 has no room for a file and a path of HTTP in one URL, so here is where the one ends and the other begins:
//
//   fcgi://host:port/path?query                      a TCP port, 9000 unless it is given
//   fcgi+unix://%2Frun%2Fphp%2Ffpm.sock/path?query   a unix socket: percent-encoded, it is the authority of the URL
//   fcgi+unix:/run/php/fpm.sock:/path?query          the same for people; the first `:/` ends the socket
//
// The last one is read in strings only: a URL parser takes all of it for one path, and a `..` after the colon would eat into the socket.

import { parseAddress, type Address } from '../transport/address.ts'

/** A backend, and what to ask it for. */
export interface FcgiUrl {
  readonly address: Address
  /** Path and query as they were written; `/` when there are none. */
  readonly target: string
}

const FORMS =
  'write fcgi://127.0.0.1:9000/index.php, fcgi+unix:/run/php/php-fpm.sock:/index.php or fcgi+unix://%2Frun%2Fphp%2Fphp-fpm.sock/index.php'
const TCP = /^fcgi:\/\/(\[[^\]/?#@]+\]|[^:/?#@[\]]+)(?::(\d{1,5}))?(\/[^?#]*)?(\?[^#]*)?(?:#.*)?$/is
const SOCKET_AS_AUTHORITY = /^fcgi\+unix:\/\/([^/?#:@]+)(\/[^?#]*)?(\?[^#]*)?(?:#.*)?$/is
const SOCKET_AS_PATH =
  /^fcgi\+unix:([/@](?!\/)(?:(?!:\/)[^?#])*)(?::(\/[^?#]*)(\?[^#]*)?)?(?:#.*)?$/is

/**
 * Reads an fcgi: URL.
 * @returns undefined for a URL of another scheme.
 * @throws TypeError on one that cannot be read, and on a URL object in the form that is for strings only.
 */
export function parseFcgiUrl(input: string | URL): FcgiUrl | undefined {
  const text = String(input)
  if (!/^fcgi(?:\+unix)?:/i.test(text)) return undefined
  const tcp = TCP.exec(text)
  if (tcp) return fcgiUrl(`${tcp[1]}:${tcp[2] ?? 9000}`, tcp[3], tcp[4])
  const encoded = SOCKET_AS_AUTHORITY.exec(text)
  if (encoded) return fcgiUrl(`unix:${decode(encoded[1])}`, encoded[2], encoded[3])
  const plain = SOCKET_AS_PATH.exec(text)
  if (!plain) throw new TypeError(`cannot read the URL ${JSON.stringify(text)}: ${FORMS}`)
  if (typeof input !== 'string' && plain[2] !== undefined) {
    throw new TypeError(
      `a URL object cannot hold ${text}: give it as a string, or percent-encode the socket: fcgi+unix://%2F…`,
    )
  }
  return fcgiUrl(`unix:${decode(plain[1])}`, plain[2], plain[3])
}

/** The address as a URL, for events. */
export function urlOf(address: Address): URL {
  if ('path' in address) {
    return new URL(`fcgi+unix://${encodeURIComponent(address.path.replace(/^\0/, '@'))}`)
  }
  const { host, port } = address
  return new URL(`fcgi://${host.includes(':') ? `[${host}]` : host}:${port}`)
}

function fcgiUrl(address: string, path = '/', query = ''): FcgiUrl {
  return { address: parseAddress(address), target: path + query }
}

function decode(text = ''): string {
  try {
    return decodeURIComponent(text)
  } catch (cause) {
    throw new TypeError(`the socket ${JSON.stringify(text)} has a malformed escape`, { cause })
  }
}
