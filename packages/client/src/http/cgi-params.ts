// HTTP request -> CGI/1.1 params (RFC 3875 §4.1), with the names beyond the RFC that PHP applications read.

import {
  paramText,
  prepareParams,
  type ParamPair,
  type Params,
  type PreparedParams,
} from '../protocol/index.ts'
import { HttpRequestError } from '../errors.ts'
import { bytesOf, byteStringOfText, toByteString } from './byte-string.ts'
import {
  headerParams,
  type HeaderList,
  type HeaderParams,
  type HeaderPolicy,
} from './header-params.ts'
import { scriptFilename, type ScriptPath } from './script.ts'

/** The parts of an HTTP request that CGI speaks of. */
export interface HttpRequestParts {
  readonly method: string
  /** Path and query as they came, not decoded: `/a%20b?c=d`. */
  readonly target: string
  readonly headers: HeaderList
  /** @default 'HTTP/1.1' */
  readonly protocol?: string | undefined
}

/** Where the script is. */
export interface ScriptContext {
  /** The document root, as the backend sees it. */
  readonly root: string
  /** What `decodePath` and `splitScript` made of the path, below `base`. */
  readonly script: ScriptPath
  /**
   * The part of the path that is not below the root, such as `/blog`: SCRIPT_NAME begins with it, SCRIPT_FILENAME does not. A byte string.
   * @default none
   */
  readonly base?: string | undefined
}

/** Who talks to whom. */
export interface ConnectionContext {
  readonly serverName: string
  readonly serverPort: number
  /** The server's own address. @default none */
  readonly serverAddress?: string | undefined
  /** Whether the client uses TLS. @default false */
  readonly https?: boolean | undefined
  /** The client's address. @default '0.0.0.0', which nothing trusts */
  readonly remoteAddress?: string | undefined
  /** @default 0 */
  readonly remotePort?: number | undefined
}

/** What only the server knows; CGI-only params come from here and never from the request. */
export interface CgiContext extends ScriptContext, ConnectionContext {}

const METHODS: ReadonlySet<string> = new Set(['GET', 'POST', 'HEAD', 'PUT', 'PATCH', 'DELETE'])

/**
 * The params that are the same for all requests of a site, encoded once.
 * @param more Further params of the application's choice; one of them replaces what would be said otherwise.
 */
export function siteParams(root: string, more: Params = {}): PreparedParams {
  const own = (Symbol.iterator in more ? [...more] : Object.entries(more)).filter(
    (pair): pair is ParamPair => pair[1] !== undefined,
  )
  const chosen = new Set(own.map(([name]) => paramText(name)))
  const usual: ParamPair[] = [
    ['GATEWAY_INTERFACE', 'CGI/1.1'],
    ['SERVER_SOFTWARE', 'fastcgi-client'],
    // A checked root of `/`, as php-fpm in a chroot has it, is empty.
    ['DOCUMENT_ROOT', root || '/'],
    // php-cgi refuses to run without it (cgi.force_redirect).
    ['REDIRECT_STATUS', '200'],
  ]
  return prepareParams([...usual.filter(([name]) => !chosen.has(paramText(name))), ...own])
}

/**
 * The params of one request; {@link siteParams} has the rest.
 * @throws HttpRequestError 400 on a request that must not be passed on.
 */
export function cgiParams(
  request: HttpRequestParts,
  context: CgiContext,
  policy?: HeaderPolicy,
): ParamPair[] {
  return [
    ...requestParams(request, headerParams(request.headers, policy)),
    ...scriptParams(context),
    ...connectionParams(context),
  ]
}

/**
 * The part of {@link cgiParams} that differs from request to request.
 * @param headers As `headerReader` reads those of the request.
 * @throws HttpRequestError 400 on a method that is no token, and on a target with a line break or NUL.
 */
export function requestParams(
  { method, target, protocol = 'HTTP/1.1' }: HttpRequestParts,
  { params: headers, contentType, contentLength }: HeaderParams,
): ParamPair[] {
  if (!METHODS.has(method) && !/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(method)) {
    throw new HttpRequestError(400, `the method ${JSON.stringify(method)} is not a token`)
  }
  if (/[\0\r\n]/.test(target)) throw new HttpRequestError(400, 'the target has a line break or NUL')
  const query = target.indexOf('?')
  const params: ParamPair[] = [
    ['REQUEST_METHOD', method],
    ['REQUEST_URI', bytesOf(target)],
    ['QUERY_STRING', query < 0 ? '' : bytesOf(target.slice(query + 1))],
    ['SERVER_PROTOCOL', protocol],
  ]
  for (const header of headers) params.push(header)
  if (contentType !== undefined) params.push(['CONTENT_TYPE', bytesOf(contentType)])
  if (contentLength !== undefined) params.push(['CONTENT_LENGTH', String(contentLength)])
  return params
}

/**
 * The part of {@link cgiParams} that is the same for all requests to a script.
 * @throws HttpRequestError 400 on a script that is not below the root.
 */
export function scriptParams({ root, script, base = '' }: ScriptContext): ParamPair[] {
  const scriptName = toByteString(script.scriptName)
  const pathInfo = toByteString(script.pathInfo)
  if (pathInfo !== '' && !pathInfo.startsWith('/')) {
    throw new HttpRequestError(400, 'PATH_INFO must be empty or begin with a slash')
  }
  const rootBytes = byteStringOfText(root)
  const params: ParamPair[] = [
    ['SCRIPT_NAME', bytesOf(base + scriptName)],
    ['SCRIPT_FILENAME', bytesOf(scriptFilename(rootBytes, scriptName))],
    ['DOCUMENT_URI', bytesOf(base + scriptName + pathInfo)],
  ]
  if (pathInfo !== '') {
    params.push(['PATH_INFO', bytesOf(pathInfo)])
    params.push(['PATH_TRANSLATED', bytesOf(rootBytes + pathInfo)])
  }
  return params
}

/** The part of {@link cgiParams} that is the same for all requests of a connection. */
export function connectionParams(context: ConnectionContext): ParamPair[] {
  const { serverAddress, https = false } = context
  const params: ParamPair[] = [
    ['SERVER_NAME', context.serverName],
    ['SERVER_PORT', String(context.serverPort)],
    ['REQUEST_SCHEME', https ? 'https' : 'http'],
    ['REMOTE_ADDR', context.remoteAddress ?? '0.0.0.0'],
    ['REMOTE_PORT', String(context.remotePort ?? 0)],
  ]
  if (https) params.push(['HTTPS', 'on'])
  if (serverAddress !== undefined) params.push(['SERVER_ADDR', serverAddress])
  return params
}
