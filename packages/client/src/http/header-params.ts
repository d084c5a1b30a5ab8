// HTTP header fields -> HTTP_* params (RFC 3875 §4.1.18). The policy in one place: what an application must never be told by a header.

import { HttpRequestError } from '../errors.ts'
import type { ParamPair } from '../protocol/index.ts'
import { bytesOf } from './byte-string.ts'

/** Header fields, names in any case, repeated where they are repeated. */
export type HeaderList = Iterable<readonly [name: string, value: string]>

/** What may pass that does not by default. */
export interface HeaderPolicy {
  /**
   * Header names with characters other than letters, digits and `-` that are passed on all the same, in lower case. PHP cannot tell
   * `X_User` or `X.User` from `X-User`, so a client could forge what a proxy sets. @default none
   */
  readonly unsafeHeaderNames?: readonly string[] | undefined
  /** Whether `Authorization` is passed on; PHP makes `PHP_AUTH_USER` and `PHP_AUTH_PW` of it. @default true */
  readonly authorization?: boolean | undefined
}

/** What the headers say, in CGI terms. */
export interface HeaderParams {
  readonly params: ParamPair[]
  readonly contentType: string | undefined
  /** In bytes. */
  readonly contentLength: number | undefined
}

// `Proxy` would become HTTP_PROXY, which HTTP clients inside the application take for their configuration (httpoxy, CVE-2016-5385).
// The others concern one hop only (RFC 9110 §7.6.1), or credentials for a proxy.
const NEVER_PASSED: ReadonlySet<string> = new Set([
  'proxy',
  'connection',
  'expect',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/**
 * Turns header fields into params: fields of one name are joined, and what could be mistaken for something else is left out.
 * @throws HttpRequestError 400 on NUL, CR or LF in a value, on a Content-Length or Host that can be read in two ways, and on two names
 * that are one to PHP, which only `unsafeHeaderNames` makes possible.
 */
export function headerParams(headers: HeaderList, policy: HeaderPolicy = {}): HeaderParams {
  const fields = joinFields(headers)
  const dropped = new Set(NEVER_PASSED)
  for (const name of (fields.get('connection') ?? '').split(',')) {
    dropped.add(name.trim().toLowerCase())
  }
  if (policy.authorization === false) dropped.add('authorization')
  const contentLength = readContentLength(fields)
  const contentType = fields.get('content-type')
  fields.delete('content-length')
  fields.delete('content-type')
  const params = new Map<string, string | Uint8Array>()
  for (const [name, value] of fields) {
    if (dropped.has(name) || !isSafeName(name, policy)) continue
    const param = `HTTP_${name.toUpperCase().replace(/[^A-Z0-9]/g, '_')}`
    if (params.has(param)) throw new HttpRequestError(400, `two headers would both be ${param}`)
    params.set(param, bytesOf(value))
  }
  return { params: [...params], contentType, contentLength }
}

function joinFields(headers: HeaderList): Map<string, string> {
  const fields = new Map<string, string>()
  for (const [key, value] of headers) {
    if (/[\0\r\n]/.test(value)) {
      throw new HttpRequestError(400, `the header ${JSON.stringify(key)} has a line break or NUL`)
    }
    // Not a name in any protocol, and letters beyond ASCII may become ASCII in lower case: that of the Kelvin sign is a k.
    if (!/^[\x21-\x7e]+$/.test(key)) continue
    const name = key.toLowerCase()
    const before = fields.get(name)
    if (name === 'host' && before !== undefined) {
      throw new HttpRequestError(400, 'the request has more than one Host (RFC 9112 §3.2)')
    }
    const separator = name === 'cookie' ? '; ' : ', '
    fields.set(name, before === undefined ? value : before + separator + value)
  }
  return fields
}

/** Two lengths, or a length beside a transfer coding, are read in two ways by two programs: request smuggling (RFC 9112 §6.3). */
function readContentLength(fields: Map<string, string>): number | undefined {
  const text = fields.get('content-length')
  if (text === undefined) return undefined
  if (fields.has('transfer-encoding')) {
    throw new HttpRequestError(400, 'the request has both Content-Length and Transfer-Encoding')
  }
  const length = /^\d+$/.test(text) ? Number(text) : NaN
  if (Number.isSafeInteger(length)) return length
  throw new HttpRequestError(400, `Content-Length ${JSON.stringify(text)} is not one number`)
}

function isSafeName(name: string, policy: HeaderPolicy): boolean {
  return /^[a-z0-9-]+$/.test(name) || (policy.unsafeHeaderNames?.includes(name) ?? false)
}
