// A body that somebody else has read already, such as express.json(): put together again where nothing is lost by it, refused otherwise.

import { HttpRequestError } from '@fastcgi/client'

/** What body parsers leave behind on a request. */
export interface ParsedRequest {
  readonly body?: unknown
  readonly rawBody?: unknown
}

/**
 * The bytes of a body that was parsed already.
 * @throws HttpRequestError 500 when they cannot be told from what is left.
 */
export function parsedBody(request: ParsedRequest, contentType: string): Uint8Array {
  const bytes = readParsed(request, contentType)
  if (bytes !== undefined) return bytes
  throw new HttpRequestError(
    500,
    `the ${contentType || 'untyped'} body of this request was read before the gateway got it, and what is left of it does not tell its bytes: mount the gateway before express.json(), multer and other body parsers, or let the parser keep a rawBody`,
  )
}

function readParsed({ body, rawBody }: ParsedRequest, type: string): Uint8Array | undefined {
  if (rawBody instanceof Uint8Array) return rawBody
  if (body instanceof Uint8Array) return body
  if (typeof body === 'string' && !/charset=(?!"?utf-8)/i.test(type)) return Buffer.from(body)
  if (typeof body !== 'object' || body === null) return undefined
  if (/^application\/(?:[^;]+\+)?json\b/i.test(type)) return jsonBytes(body)
  if (/^application\/x-www-form-urlencoded\b/i.test(type)) return formBytes(body)
  return undefined
}

function jsonBytes(body: object): Uint8Array | undefined {
  let exact = true
  const text = JSON.stringify(body, (_, value: unknown) => {
    // Beyond 2^53 a number is no longer the one that was sent.
    if (Number.isInteger(value) && !Number.isSafeInteger(value)) exact = false
    return value
  })
  return exact ? Buffer.from(text) : undefined
}

/** Only names with one value each: what a parser made of `a[]=1` or `a=1&a=2` does not tell which of them it was. */
function formBytes(body: object): Uint8Array | undefined {
  const pairs = Object.entries(body)
  if (!pairs.every((pair): pair is [string, string] => typeof pair[1] === 'string')) {
    return undefined
  }
  return Buffer.from(new URLSearchParams(pairs).toString())
}
