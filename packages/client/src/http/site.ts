// Which script answers a request, and with what params: the decisions that are the same whoever asks, createFetch or a dispatcher.

import type { FastCGIRequest, StdinBody } from '../connection/request.ts'
import { HttpRequestError } from '../errors.ts'
import {
  paramText,
  type ParamPair,
  type Params,
  type ParamValue,
  type PreparedParams,
} from '../protocol/index.ts'
import { byteStringOfText, escapeBytes } from './byte-string.ts'
import { cgiParams, siteParams, type CgiContext } from './cgi-params.ts'
import type { HeaderPolicy } from './header-params.ts'
import { checkRoot, decodePath, scriptFilename, splitScript, type ScriptPath } from './script.ts'

/** Where an application is, and what it is told. */
export interface SiteOptions extends HeaderPolicy {
  /** The document root: an absolute path, as the backend sees it. */
  root: string
  /** The script of a directory. @default 'index.php' */
  index?: string | undefined
  /**
   * The script that answers for every path that names no script; `false` answers such a path with the `index` of the directory when it
   * ends in a slash, and with 404 otherwise. @default the index in the root
   */
  frontController?: string | false | undefined
  /** The only scripts that may run, as SCRIPT_NAME: `['/index.php']`. @default every path that ends in .php */
  scripts?: readonly string[] | undefined
  /**
   * Chooses the script itself, for instance by looking at the files; replaces `index` and `frontController`.
   * @param path decoded, each character one byte, without `.`, `..` and repeated slashes.
   * @returns nothing for a 404.
   */
  resolve?: ((path: string) => ScriptPath | undefined | Promise<ScriptPath | undefined>) | undefined
  /**
   * Further params for every request; one given here replaces what the request says, so that no client can change it. Those of
   * {@link SiteOptions.unsafeParams} are refused. @default none
   */
  params?: Params | undefined
  /**
   * Params by which PHP runs or reads whatever they name: PHP_VALUE, PHP_ADMIN_VALUE, REQUEST_BODY_FILE. Never from a client's data;
   * PHP_VALUE stays in force for later requests of the same worker. @default none
   */
  unsafeParams?: Params | undefined
  /** SERVER_NAME, for applications that build links or choose a site by it. @default the host of the request's URL */
  serverName?: string | undefined
  /** The largest header block of an answer, in bytes. @default 262_144 (256 KiB) */
  maxHeaderSize?: number | undefined
}

export const SITE_OPTION_NAMES: readonly string[] = [
  'root',
  'index',
  'frontController',
  'scripts',
  'resolve',
  'params',
  'unsafeParams',
  'unsafeHeaderNames',
  'authorization',
  'serverName',
  'maxHeaderSize',
] satisfies (keyof SiteOptions)[]

/** What the server knows about one request and a Request does not say. Values of another type are not looked at. */
export interface FetchInfo {
  /** REMOTE_ADDR. @default '0.0.0.0', which no application trusts */
  remoteAddress?: string | undefined
  /** REMOTE_PORT. @default 0 */
  remotePort?: number | undefined
  /** SERVER_ADDR. @default none */
  serverAddress?: string | undefined
  /** The same as `remoteAddress` and `remotePort`, as Deno.serve says it in the second argument of its handler. */
  remoteAddr?: { readonly hostname?: string; readonly port?: number } | undefined
}

/** An HTTP request, before anything of it was looked at. */
export interface HttpRequest {
  readonly method: string
  /** Scheme, host and port are what the application is told; the path and query only where there is no `target`. */
  readonly url: URL
  /** Path and query as REQUEST_URI is to say them, not normalised. @default those of the URL */
  readonly target?: string | undefined
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** See `FastCGIRequest.stdin`. @default none */
  readonly body?: StdinBody | null | undefined
  /** See `FastCGIRequest.idempotent`. @default by the method */
  readonly idempotent?: boolean | undefined
  /** See `FastCGIRequest.keepAlive`. @default the client's */
  readonly keepAlive?: boolean | undefined
}

const UNSAFE_PARAMS: ReadonlySet<string> = new Set([
  'PHP_VALUE',
  'PHP_ADMIN_VALUE',
  'REQUEST_BODY_FILE',
])
const OF_A_BODY: ReadonlySet<string> = new Set([
  'content-length',
  'content-type',
  'transfer-encoding',
])

export class Site {
  readonly #options: SiteOptions
  readonly #root: string
  readonly #index: string
  readonly #frontController: string | false
  readonly #scripts: readonly string[] | undefined
  readonly #prepared: PreparedParams
  /** The names that the options have said, and no request says again. */
  readonly #fixed: ReadonlySet<string>

  /** @throws TypeError on options that cannot be used. */
  constructor(options: SiteOptions) {
    const { maxHeaderSize = 1 } = options
    if (!Number.isSafeInteger(maxHeaderSize) || maxHeaderSize < 1) {
      throw new TypeError(`maxHeaderSize must be a number of bytes, not ${maxHeaderSize}`)
    }
    this.#options = options
    this.#root = checkRoot(options.root)
    const { index = 'index.php', frontController = `/${index}`, scripts } = options
    this.#index = checkScript('index', `/${index}`).slice(1)
    this.#frontController =
      frontController !== false && checkScript('frontController', frontController)
    this.#scripts = scripts?.map((script) => checkScript('scripts', script))
    const params = safeParams(options)
    this.#prepared = siteParams(this.#root, params)
    this.#fixed = new Set(params.map(([name]) => paramText(name)))
  }

  get maxHeaderSize(): number | undefined {
    return this.#options.maxHeaderSize
  }

  /** Whether scripts are chosen by a function of the options, which may be waiting for something. */
  get resolves(): boolean {
    return this.#options.resolve !== undefined
  }

  /** @throws HttpRequestError 400 on a request that must not be passed on, 404 on one that names no script. */
  async request(request: HttpRequest, info: FetchInfo): Promise<FastCGIRequest> {
    const { method, url, target = url.pathname + url.search, body, idempotent, keepAlive } = request
    const script = await this.#script(target.split('?', 1)[0] ?? '')
    const parts = { method, target, headers: withHost(request) }
    const params = cgiParams(parts, this.#context(url, script, info), this.#options).filter(
      ([name]) => !this.#fixed.has(paramText(name)),
    )
    return { params, prepared: this.#prepared, stdin: body, idempotent, keepAlive }
  }

  #context(url: URL, script: ScriptPath, info: FetchInfo): CgiContext {
    const https = url.protocol === 'https:'
    return {
      root: this.#root,
      script,
      serverName: this.#options.serverName ?? url.hostname,
      serverPort: Number(url.port) || (https ? 443 : 80),
      https,
      remoteAddress: ofType('string', info.remoteAddress ?? info.remoteAddr?.hostname),
      remotePort: ofType('number', info.remotePort ?? info.remoteAddr?.port),
      serverAddress: ofType('string', info.serverAddress),
    }
  }

  async #script(pathname: string): Promise<ScriptPath> {
    const path = decodePath(pathname)
    const script = this.#options.resolve ? await this.#options.resolve(path) : this.#resolve(path)
    if (script && (this.#scripts?.includes(script.scriptName) ?? true)) return script
    throw new HttpRequestError(404, `no script answers for ${pathname}`)
  }

  #resolve(path: string): ScriptPath | undefined {
    const named = splitScript(path)
    if (named) return named
    const frontController = this.#frontController
    if (frontController !== false) return { scriptName: frontController, pathInfo: '' }
    return path.endsWith('/') ? { scriptName: path + this.#index, pathInfo: '' } : undefined
  }
}

/** The path is answered as if it had been asked for, and by GET (RFC 3875 §6.2.2). */
export function redirected(
  { url, method, headers, keepAlive }: HttpRequest,
  path: string,
): HttpRequest {
  return {
    url: new URL(escapeBytes(path), url),
    method: method === 'HEAD' ? 'HEAD' : 'GET',
    headers: headers.filter(([name]) => !OF_A_BODY.has(name.toLowerCase())),
    keepAlive,
  }
}

/** Second arguments of `fetch` handlers differ between servers; one of another shape must not become a param. */
function ofType<T extends 'string' | 'number'>(
  type: T,
  value: unknown,
): (T extends 'string' ? string : number) | undefined {
  return typeof value === type ? (value as T extends 'string' ? string : number) : undefined
}

/** A script that the options name, as a byte string. @throws TypeError when no request could run it. */
function checkScript(option: string, scriptName: string): string {
  const bytes = byteStringOfText(scriptName)
  try {
    scriptFilename('', bytes)
  } catch (cause) {
    throw new TypeError(
      `${option} must name scripts by their path below the root, as in /index.php, not ${JSON.stringify(scriptName)}`,
      { cause },
    )
  }
  return bytes
}

/** The params that the options add. @throws TypeError on a dangerous one that is not among those said to be. */
function safeParams({ params = {}, unsafeParams = {} }: SiteOptions): ParamPair[] {
  const safe = pairsOf(params)
  const unsafe = safe.map(([name]) => paramText(name)).find((name) => UNSAFE_PARAMS.has(name))
  if (unsafe === undefined) return [...safe, ...pairsOf(unsafeParams)]
  throw new TypeError(`${unsafe} lets PHP run or read any file: give it in unsafeParams`)
}

/** Neither HTTP/2 nor a Request made by hand has a Host, and PHP applications build their links with it. */
function withHost({ headers, url }: HttpRequest): HttpRequest['headers'] {
  return headers.some(([name]) => name.toLowerCase() === 'host')
    ? headers
    : [...headers, ['host', url.host]]
}

function pairsOf(params: Params): ParamPair[] {
  const pairs = Symbol.iterator in params ? [...params] : Object.entries(params)
  return pairs.filter((pair): pair is [string, ParamValue] => pair[1] !== undefined)
}
