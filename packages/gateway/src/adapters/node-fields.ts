// Header fields as node:http2 takes them, and node:http beside those of a framework: by their names.

import { validateHeaderName, validateHeaderValue, type OutgoingHttpHeaders } from 'node:http'
import type { HeaderFields } from '../http.ts'

// What an answer has once only: node:http2 refuses a second one. HTTP/1 clients take one of the two, so that many applications never noticed.
const ONCE: ReadonlySet<string> = new Set([
  'access-control-allow-credentials',
  'access-control-max-age',
  'age',
  'content-length',
  'content-location',
  'content-md5',
  'content-range',
  'content-type',
  'date',
  'etag',
  'expires',
  'last-modified',
  'location',
  'retry-after',
  'tk',
  'x-content-type-options',
])
/** Lists (RFC 9110 §8.4, §8.5), of which node:http2 wants one field. */
const ONE_LINE: ReadonlySet<string> = new Set(['content-encoding', 'content-language'])

/**
 * Fields by their names, checked: HTTP/2 itself does not look at what they hold. Of those that can be there only once the last one counts,
 * as it does for PHP.
 * @throws TypeError on a name or value that HTTP cannot carry.
 */
export function grouped(headers: HeaderFields): OutgoingHttpHeaders {
  const fields: Record<string, string | string[]> = Object.create(null)
  for (const [key, value] of headers) {
    const name = key.toLowerCase()
    validateHeaderName(name)
    validateHeaderValue(name, value)
    const before = fields[name]
    if (before === undefined || ONCE.has(name)) fields[name] = value
    else if (ONE_LINE.has(name)) fields[name] = `${String(before)}, ${value}`
    else if (typeof before === 'string') fields[name] = [before, value]
    else before.push(value)
  }
  return fields
}
