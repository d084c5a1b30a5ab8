// What the backend is told about a request: the CGI params, exactly as they are sent.

import { resolve } from 'node:path'
import { isFastCGIError, type ParamPair } from '@fastcgi/client'
import {
  cgiParams,
  checkRoot,
  decodePath,
  splitScript,
  type ScriptPath,
} from '@fastcgi/client/http'
import { Exit, Failure } from '../failure.ts'
import { VERSION } from '../version.ts'
import { headerOf, type Header } from './headers.ts'
import { splitHost, type RequestUrl } from './url.ts'

/** Options about scripts and params. */
export interface ParamFlags {
  readonly root?: string
  readonly scriptFilename?: string
  readonly frontController?: string
  readonly param?: readonly string[]
  readonly unsafeParam?: readonly string[]
}

/** A request, before it is told in CGI's terms. */
export interface RequestParts {
  readonly method: string
  readonly url: RequestUrl
  readonly headers: readonly Header[]
  /** In bytes; undefined when there is no body, or its length is not known yet. */
  readonly contentLength: number | undefined
}

/** A param whose name and value are text or bytes. */
const DANGEROUS: ReadonlySet<string> = new Set([
  'PHP_VALUE',
  'PHP_ADMIN_VALUE',
  'REQUEST_BODY_FILE',
  'HTTP_PROXY',
])

/**
 * The params of a request, in the order in which they are sent.
 * @param cwd What a relative `--root` is below, and the root when there is none.
 * @throws Failure on what must not, or cannot, be sent.
 */
export function requestParams(parts: RequestParts, flags: ParamFlags, cwd: string): ParamPair[] {
  const { method, url, headers, contentLength } = parts
  const root = checkRoot(resolve(cwd, flags.root ?? '.'))
  const { name, port } = splitHost(headerOf(headers, 'host') ?? url.host, url.https)
  const request = { method, target: url.target, headers }
  const params = told(() =>
    cgiParams(request, {
      root,
      script: scriptOf(url, flags.frontController ?? '/index.php'),
      serverName: name,
      serverPort: port,
      https: url.https,
      remoteAddress: '127.0.0.1',
    }),
  )
  const all = new Map<string, ParamPair>()
  const set = (...[key, value]: ParamPair): void => void all.set(String(key), [key, value])
  set('GATEWAY_INTERFACE', 'CGI/1.1')
  set('SERVER_SOFTWARE', `fcgi/${VERSION}`)
  set('DOCUMENT_ROOT', root || '/')
  // php-cgi refuses to run without it (cgi.force_redirect).
  set('REDIRECT_STATUS', '200')
  for (const pair of params) set(...pair)
  if (contentLength !== undefined) set('CONTENT_LENGTH', contentLength)
  if (flags.scriptFilename !== undefined) set('SCRIPT_FILENAME', resolve(cwd, flags.scriptFilename))
  for (const pair of givenParams(flags)) set(...pair)
  return [...all.values()]
}

function scriptOf(url: RequestUrl, frontController: string): ScriptPath {
  const path = decodePath(url.target.replace(/\?.*$/s, ''))
  const scriptName = frontController.startsWith('/') ? frontController : `/${frontController}`
  return splitScript(path) ?? { scriptName, pathInfo: '' }
}

/** A URL that cannot be sent on is the caller's to mend. */
function told<T>(make: () => T): T {
  try {
    return make()
  } catch (error) {
    if (!isFastCGIError(error)) throw error
    throw new Failure(Exit.BadAddress, error.message, { cause: error })
  }
}

function givenParams({ param = [], unsafeParam = [] }: ParamFlags): ParamPair[] {
  const safe = param.map((text) => readParam('--param', text))
  const dangerous = safe.map(([name]) => name).find((name) => DANGEROUS.has(name))
  if (dangerous !== undefined) {
    throw new Failure(
      Exit.Usage,
      `${dangerous} changes what PHP runs or reads, also for later requests of the same worker: give it as --unsafe-param if that is meant`,
    )
  }
  return [...safe, ...unsafeParam.map((text) => readParam('--unsafe-param', text))]
}

function readParam(option: string, text: string): [string, string] {
  const at = text.indexOf('=')
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)]
  throw new Failure(Exit.Usage, `${option} takes NAME=VALUE, not ${JSON.stringify(text)}`)
}

/** The headers that do not reach PHP, because it could take them for something else. */
export function droppedHeaders(headers: readonly Header[], params: readonly ParamPair[]): string[] {
  const names = new Set(params.map(([name]) => String(name)))
  return headers
    .map(([name]) => name)
    .filter((name) => {
      const param = name.toUpperCase().replaceAll('-', '_')
      return !names.has(`HTTP_${param}`) && !['CONTENT_TYPE', 'CONTENT_LENGTH'].includes(param)
    })
}

/** A param's name or value as text; bytes that are no UTF-8 are shown as U+FFFD. */
export function textOf(value: ParamPair[0] | ParamPair[1]): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString() : String(value)
}

const SECRET =
  /^(?:HTTP_(?:PROXY_)?AUTHORIZATION|HTTP_COOKIE|PHP_AUTH_PW|PHP_AUTH_DIGEST)$|TOKEN|SECRET|PASSWORD|API_?KEY/

/** Whether a value is nobody's business who looks over a shoulder or reads a log. */
export function isSecret(name: string): boolean {
  return SECRET.test(name.toUpperCase())
}
