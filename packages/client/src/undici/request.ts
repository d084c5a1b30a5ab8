// The options of a dispatch -> an HTTP request, with the mistakes that undici refuses refused in its words.

import { stringify } from 'node:querystring'
import { errors, type Dispatcher } from 'undici'
import type { RequestOptions } from '../connection/request.ts'
import type { HttpRequest } from '../http/index.ts'
import { readBody } from './body.ts'

const TOKEN = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/
const MAX_TIMER = 0x7f_ff_ff_ff

/**
 * @param fallback What an application is told of scheme, host and port by a request that is not for http: or https:.
 * @throws InvalidArgumentError, NotSupportedError
 */
export function readRequest(options: Dispatcher.DispatchOptions, fallback: URL): HttpRequest {
  const { method, upgrade, body, idempotent, reset } = options
  if (typeof method !== 'string' || !TOKEN.test(method)) throw invalid('invalid request method')
  if (upgrade || method === 'CONNECT') {
    throw new errors.NotSupportedError(
      'a FastCGI application cannot switch protocols: there are no upgrades, WebSockets and tunnels',
    )
  }
  const headers = readHeaders(options.headers)
  const { stdin, contentType } = readBody(body)
  const named = headers.some(([name]) => name.toLowerCase() === 'content-type')
  if (contentType !== undefined && !named) headers.push(['content-type', contentType])
  return {
    method,
    url: readOrigin(options.origin, fallback),
    target: readPath(options),
    headers,
    body: stdin,
    idempotent: idempotent ?? undefined,
    keepAlive: reset ? false : undefined,
  }
}

/** @throws InvalidArgumentError */
export function readTimeouts(options: Dispatcher.DispatchOptions): RequestOptions {
  return {
    headersTimeout: timeout('headersTimeout', options.headersTimeout),
    bodyTimeout: timeout('bodyTimeout', options.bodyTimeout),
  }
}

function timeout(name: string, value: number | null | undefined): number | undefined {
  if (value === null || value === undefined) return undefined
  if (Number.isFinite(value) && value >= 0) return Math.min(value, MAX_TIMER)
  throw invalid(`invalid ${name}`)
}

function readOrigin(origin: string | URL | undefined, fallback: URL): URL {
  if (origin === undefined || origin === '') return fallback
  const url = URL.canParse(String(origin)) ? new URL(origin) : undefined
  if (!url) throw invalid('invalid origin')
  return /^https?:$/.test(url.protocol) ? url : fallback
}

function readPath({ path, query }: Dispatcher.DispatchOptions): string {
  if (typeof path !== 'string') throw invalid('path must be a string')
  if (!path.startsWith('/')) throw invalid('path must start with a slash')
  if (/[^\u0021-\u00ff]/.test(path)) throw invalid('invalid request path')
  if (!query) return path
  if (/[?#]/.test(path)) throw invalid('query params cannot be passed when the path has some')
  const text = stringify(query)
  return text === '' ? path : `${path}?${text}`
}

/** In all the shapes that undici takes. */
function readHeaders(headers: unknown): [string, string][] {
  if (headers === null || headers === undefined) return []
  if (typeof headers !== 'object') throw invalid('headers must be an object or an array')
  const fields: [string, string][] = []
  for (const [name, value] of entriesOf(headers)) {
    if (typeof name !== 'string' || !TOKEN.test(name)) throw invalid('invalid header key')
    if (value === undefined) continue
    for (const each of Array.isArray(value) ? value : [value]) {
      fields.push([name, headerValue(name, each)])
    }
  }
  return fields
}

function entriesOf(headers: object): Iterable<readonly unknown[]> {
  if (Array.isArray(headers) && !Array.isArray(headers[0])) return pairs(headers)
  return Symbol.iterator in headers
    ? (headers as Iterable<readonly unknown[]>)
    : Object.entries(headers)
}

function* pairs(flat: readonly unknown[]): Generator<readonly unknown[]> {
  if (flat.length % 2 !== 0) throw invalid('headers array must be even')
  for (let at = 0; at < flat.length; at += 2) yield flat.slice(at, at + 2)
}

function headerValue(name: string, value: unknown): string {
  if (value === null) return ''
  const isText =
    typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
  const text = isText ? String(value) : undefined
  // eslint-disable-next-line no-control-regex -- control characters are what it looks for
  if (text !== undefined && !/[^\t\x20-\x7e\x80-\xff]/.test(text)) return text
  throw invalid(`invalid ${name} header`)
}

function invalid(message: string): Error {
  return new errors.InvalidArgumentError(message)
}
