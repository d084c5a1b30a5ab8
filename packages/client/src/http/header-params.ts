// HTTP header fields -> HTTP_* params (RFC 3875 §4.1.18). The policy in one place: what an application must never be told by a header.

import { HttpRequestError } from '../errors.ts'
import type { ParamPair } from '../protocol/index.ts'
import { bytesOf } from './byte-string.ts'

/** Header fields, names in any case, repeated where they are repeated. */
export type HeaderList = Iterable<readonly [name: string, value: string]>

/** What may pass that does not by default, and what may not. */
export interface HeaderPolicy {
  /**
   * Header names with characters other than letters, digits and `-` that are passed on all the same, in lower case. PHP cannot tell
   * `X_User` or `X.User` from `X-User`, so a client could forge what a proxy sets. @default none
   */
  readonly unsafeHeaderNames?: readonly string[] | undefined
  /** Whether `Authorization` is passed on; PHP makes `PHP_AUTH_USER` and `PHP_AUTH_PW` of it. @default true */
  readonly authorization?: boolean | undefined
  /** Params that no header may become, such as `HTTP_X_FORWARDED_FOR`: left out, as if nobody had said them. @default none */
  readonly omit?: Iterable<string> | undefined
}

/** What the headers say, in CGI terms. */
export interface HeaderParams {
  readonly params: ParamPair[]
  readonly contentType: string | undefined
  /** In bytes. */
  readonly contentLength: number | undefined
}

/** Turns the header fields of one request after the other into params. */
export type HeaderReader = (headers: HeaderList) => HeaderParams

// `Proxy` would become HTTP_PROXY, which HTTP clients inside the application take for their configuration (httpoxy, CVE-2016-5385).
// The others concern one hop only (RFC 9110 §7.6.1), or credentials for a proxy.
const NO_PARAM: ReadonlySet<string> = new Set([
  'proxy',
  'connection',
  // Params of their own, without HTTP_.
  'content-length',
  'content-type',
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

/** What becomes of the fields of one name, as far as the name tells. */
interface Field {
  /** In lower case. */
  readonly name: string
  /** Undefined: none. */
  readonly param: string | undefined
}

/**
 * Turns header fields into params: fields of one name are joined, and what could be mistaken for something else is left out.
 * @throws HttpRequestError 400 on NUL, CR or LF in a value, on a Content-Length or Host that can be read in two ways, and on two names
 * that are one to PHP, which only `unsafeHeaderNames` makes possible.
 */
export function headerParams(headers: HeaderList, policy?: HeaderPolicy): HeaderParams {
  return (policy ? headerReader(policy) : readUsual)(headers)
}

/** {@link headerParams} for many requests: looks at a name once, because requests say the same names again and again. */
export function headerReader(policy: HeaderPolicy = {}): HeaderReader {
  const fields = new KnownFields(policy)
  return (headers) => {
    const values = new Map<string, string>()
    let isPlain = true
    for (const [key, value] of headers) {
      if (!PLAIN.test(value)) {
        isPlain = false
        if (/[\0\r\n]/.test(value)) {
          throw new HttpRequestError(
            400,
            `the header ${JSON.stringify(key)} has a line break or NUL`,
          )
        }
      }
      const name = fields.get(key)?.name
      if (name !== undefined) join(values, name, value)
    }
    return {
      params: paramsOf(values, fields, isPlain),
      contentType: values.get('content-type'),
      contentLength: readContentLength(values),
    }
  }
}

// How many spellings a reader remembers: anybody can send any number of them.
const MAX_KNOWN = 1024
// eslint-disable-next-line no-control-regex -- control characters are what it looks for
const PLAIN = /^[\x01-\x09\x0b\x0c\x0e-\x7f]*$/

/** By the spelling of their name. */
class KnownFields {
  /** Whether two names may be one to PHP. */
  readonly ambiguous: boolean
  readonly #unsafeNames: ReadonlySet<string>
  readonly #noParam: ReadonlySet<string>
  readonly #omitted: ReadonlySet<string>
  readonly #known = new Map<string, Field | undefined>()

  constructor({ unsafeHeaderNames, authorization = true, omit }: HeaderPolicy) {
    this.#unsafeNames = new Set(unsafeHeaderNames)
    this.#noParam = authorization ? NO_PARAM : new Set([...NO_PARAM, 'authorization'])
    this.#omitted = new Set(omit)
    this.ambiguous = this.#unsafeNames.size > 0
  }

  /** Undefined for what is no name. */
  get(key: string): Field | undefined {
    const known = this.#known.get(key)
    if (known !== undefined || this.#known.has(key)) return known
    const field = this.#look(key)
    if (this.#known.size < MAX_KNOWN) this.#known.set(key, field)
    return field
  }

  #look(key: string): Field | undefined {
    // Not a name in any protocol, and letters beyond ASCII may become ASCII in lower case: that of the Kelvin sign is a k.
    if (!/^[\x21-\x7e]+$/.test(key)) return undefined
    const name = key.toLowerCase()
    const isSafe = /^[a-z0-9-]+$/.test(name) || this.#unsafeNames.has(name)
    const param = `HTTP_${name.toUpperCase().replace(/[^A-Z0-9]/g, '_')}`
    const mayPass = isSafe && !this.#noParam.has(name) && !this.#omitted.has(param)
    return { name, param: mayPass ? param : undefined }
  }
}

function join(values: Map<string, string>, name: string, value: string): void {
  const before = values.get(name)
  if (before === undefined) {
    values.set(name, value)
    return
  }
  if (name === 'host') {
    throw new HttpRequestError(400, 'the request has more than one Host (RFC 9112 §3.2)')
  }
  values.set(name, before + (name === 'cookie' ? '; ' : ', ') + value)
}

function paramsOf(values: Map<string, string>, fields: KnownFields, isPlain: boolean): ParamPair[] {
  const dropped = namedByConnection(values.get('connection'))
  const params: ParamPair[] = []
  for (const [name, value] of values) {
    const param = fields.get(name)?.param
    if (param === undefined || dropped?.has(name)) continue
    if (fields.ambiguous && params.some(([other]) => other === param)) {
      throw new HttpRequestError(400, `two headers would both be ${param}`)
    }
    params.push([param, isPlain ? value : bytesOf(value)])
  }
  return params
}

/** The headers that concern this hop only, because `Connection` says so; undefined when it says what it usually does. */
function namedByConnection(connection: string | undefined): ReadonlySet<string> | undefined {
  if (connection === undefined || /^(?:keep-alive|close)$/i.test(connection)) return undefined
  return new Set(connection.split(',').map((name) => name.trim().toLowerCase()))
}

/** Two lengths, or a length beside a transfer coding, are read in two ways by two programs: request smuggling (RFC 9112 §6.3). */
function readContentLength(values: Map<string, string>): number | undefined {
  const text = values.get('content-length')
  if (text === undefined) return undefined
  if (values.has('transfer-encoding')) {
    throw new HttpRequestError(400, 'the request has both Content-Length and Transfer-Encoding')
  }
  const length = /^\d+$/.test(text) ? Number(text) : NaN
  if (Number.isSafeInteger(length)) return length
  throw new HttpRequestError(400, `Content-Length ${JSON.stringify(text)} is not one number`)
}

const readUsual = headerReader()
