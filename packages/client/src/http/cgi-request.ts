// The other direction, for the application side: params -> Request, and Response -> the header block of a CGI response.

import { byteString, escapeBytes } from './byte-string.ts'
import { paramText, type RawPair } from '../protocol/index.ts'

const utf8 = new TextEncoder()

/**
 * The HTTP request that CGI/1.1 params describe.
 * @param pairs As they came over the wire; the last of two with one name counts.
 * @param stdin The body; left out for GET and HEAD, which have none.
 * @param signal Aborts when the web server gives the request up.
 * @throws TypeError when the params do not make a URL, as without REQUEST_METHOD or with a broken HTTP_HOST.
 */
export function requestFromParams(
  pairs: Iterable<RawPair>,
  stdin?: ReadableStream<Uint8Array> | null,
  signal?: AbortSignal,
): Request {
  const params = new Map<string, string>()
  const headers = new Headers()
  for (const [name, value] of pairs) params.set(paramText(name), byteString(value))
  for (const [name, value] of params) {
    const header = headerName(name)
    if (header !== undefined && value !== '') headers.set(header, value)
  }
  const method = params.get('REQUEST_METHOD')
  if (!method) throw new TypeError('the params have no REQUEST_METHOD')
  // In any case of letters, as Request has it.
  const hasBody = stdin && !/^(?:GET|HEAD)$/i.test(method)
  return new Request(requestUrl(params), {
    method,
    headers,
    ...(signal && { signal }),
    ...(hasBody && { body: stdin, duplex: 'half' }),
  })
}

/**
 * The header block of a CGI response, its blank line included. Several `Set-Cookie` stay several. A header of the name `Status`, as some
 * servers send it along with their answers, is left out: in CGI it would be a second status.
 */
export function cgiHead(response: Response): Uint8Array {
  const { status, statusText, headers } = response
  let block = `Status: ${status}${statusText ? ` ${statusText}` : ''}\r\n`
  for (const [name, value] of headers) if (name !== 'status') block += `${name}: ${value}\r\n`
  return latin1(`${block}\r\n`)
}

function headerName(param: string): string | undefined {
  if (param === 'CONTENT_TYPE' || param === 'CONTENT_LENGTH') {
    return param.toLowerCase().replace('_', '-')
  }
  // A web server that turns every header into a param has them twice; those without HTTP_ are the ones that it has checked.
  if (param === 'HTTP_CONTENT_TYPE' || param === 'HTTP_CONTENT_LENGTH') return undefined
  return /^HTTP_[A-Z0-9_]+$/.test(param)
    ? param.slice(5).toLowerCase().replaceAll('_', '-')
    : undefined
}

function requestUrl(params: ReadonlyMap<string, string>): URL {
  const https = /^(?:on|1|https)$/i.test(params.get('HTTPS') || params.get('REQUEST_SCHEME') || '')
  const scheme = https ? 'https' : 'http'
  const name = params.get('SERVER_NAME') || 'localhost'
  const port = params.get('SERVER_PORT')
  const host = params.get('HTTP_HOST') || (port ? `${name}:${port}` : name)
  // What ends a host within a URL would make a path, a query or credentials of the rest of it.
  if (/[\s/\\?#@]/.test(host)) throw new TypeError(`${JSON.stringify(host)} is not a host`)
  const url = new URL(`${scheme}://${host}/`)
  const target = escapeBytes(params.get('REQUEST_URI') ?? targetFromScript(params))
  const query = target.indexOf('?')
  url.pathname = query < 0 ? target : target.slice(0, query)
  url.search = query < 0 ? '' : target.slice(query)
  return url
}

/** REQUEST_URI is not part of CGI/1.1; without it the path is put together from what is. */
function targetFromScript(params: ReadonlyMap<string, string>): string {
  const path = (params.get('SCRIPT_NAME') ?? '') + (params.get('PATH_INFO') ?? '')
  const query = params.get('QUERY_STRING')
  return (path || '/').replace(/[%?#]/g, encodeURIComponent) + (query ? `?${query}` : '')
}

function latin1(text: string): Uint8Array {
  // Header values are byte strings; one that is not (a statusText may be any text) goes out as UTF-8.
  const bytes = Uint8Array.from(text, (char) => char.charCodeAt(0))
  // eslint-disable-next-line no-control-regex -- the range is that of a byte
  return /[^\x00-\xff]/.test(text) ? utf8.encode(text) : bytes
}
