// (Request) => Promise<Response>, by way of an executor. Decides which script runs; the rest is conversion.

import { refuseUnknown } from '../client/options.ts'
import type { Dispatcher } from '../connection/request.ts'
import { CgiResponseError, HttpRequestError } from '../errors.ts'
import {
  paramText,
  type ParamPair,
  type Params,
  type ParamValue,
  type PreparedParams,
} from '../protocol/index.ts'
import { byteStringOfText, escapeBytes } from './byte-string.ts'
import { cgiParams, siteParams, type CgiContext } from './cgi-params.ts'
import type { CgiHead } from './cgi-response.ts'
import { FetchExchange } from './fetch-exchange.ts'
import type { HeaderList, HeaderPolicy } from './header-params.ts'
import { checkRoot, decodePath, scriptFilename, splitScript, type ScriptPath } from './script.ts'

/** Options of {@link createFetch}. */
export interface FetchOptions extends HeaderPolicy {
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
   * {@link FetchOptions.unsafeParams} are refused. @default none
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
  /** Gets stderr as it comes; `data` is valid only during the call. It never becomes part of a response. @default drops it */
  onStderr?: ((data: Uint8Array, request: Request) => void) | undefined
  /** Gets interim responses, such as 103 Early Hints. @default drops them */
  onInformational?: ((head: CgiHead, request: Request) => void) | undefined
  /** Makes a response of a failure; see `errorResponse`. @default rejects with the failure */
  onError?: ((error: unknown, request: Request) => Response | Promise<Response>) | undefined
}

const OPTION_NAMES: readonly string[] = [
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
  'onStderr',
  'onInformational',
  'onError',
] satisfies (keyof FetchOptions)[]

/** What the server knows about one request and a Request does not say. Values of another type are not looked at. */
export interface FetchInfo {
  /** REMOTE_ADDR. @default '0.0.0.0', which no application trusts */
  remoteAddress?: string | undefined
  /** REMOTE_PORT. @default 0 */
  remotePort?: number | undefined
  /** SERVER_ADDR. @default none */
  serverAddress?: string | undefined
}

/** The shape of `fetch` handlers: Bun.serve, Deno.serve, Workers, srvx, Hono's mount. */
export type FetchHandler = (request: Request, info?: FetchInfo | object) => Promise<Response>

const UNSAFE_PARAMS: ReadonlySet<string> = new Set([
  'PHP_VALUE',
  'PHP_ADMIN_VALUE',
  'REQUEST_BODY_FILE',
])
const MAX_LOCAL_REDIRECTS = 10

/**
 * Makes a `fetch` of a FastCGI backend: streams both ways, and aborts with `request.signal`.
 * A body without Content-Length is collected up to the executor's `maxBufferedStdin`, because PHP needs its length first.
 * @throws TypeError on options that cannot be used. The handler rejects with a FastCGIError, or the signal's reason, unless `onError`
 * is given; a request that cannot be passed on is answered with 400, one that names no script with 404.
 * @example
 * const php = createFetch(pool, { root: '/srv/app/public', onError: errorResponse })
 * export default { fetch: php }
 */
export function createFetch(executor: Dispatcher, options: FetchOptions): FetchHandler {
  const site = new Site(executor, options)
  return async (request, info) => {
    try {
      return await site.handle(request, info ?? {})
    } catch (error) {
      if (error instanceof HttpRequestError) return plainResponse(error.status)
      if (options.onError && !request.signal.aborted) return options.onError(error, request)
      throw error
    }
  }
}

class Site {
  readonly #executor: Dispatcher
  readonly #options: FetchOptions
  readonly #root: string
  readonly #index: string
  readonly #frontController: string | false
  readonly #scripts: readonly string[] | undefined
  readonly #prepared: PreparedParams
  /** The names that the options have said, and no request says again. */
  readonly #fixed: ReadonlySet<string>

  constructor(executor: Dispatcher, options: FetchOptions) {
    refuseUnknown(options, OPTION_NAMES)
    const { maxHeaderSize = 1 } = options
    if (!Number.isSafeInteger(maxHeaderSize) || maxHeaderSize < 1) {
      throw new TypeError(`maxHeaderSize must be a number of bytes, not ${maxHeaderSize}`)
    }
    this.#executor = executor
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

  async handle(request: Request, info: FetchInfo): Promise<Response> {
    const { method, headers, body } = request
    let target: Target = { url: new URL(request.url), method, headers, body }
    for (let redirects = 0; redirects <= MAX_LOCAL_REDIRECTS; redirects++) {
      const context = this.#context(target.url, await this.#script(target.url.pathname), info)
      const outcome = await this.#run(request, target, context).outcome
      if (outcome instanceof Response) return outcome
      target = redirected(target, outcome.localRedirect)
    }
    throw new CgiResponseError(
      `more than ${MAX_LOCAL_REDIRECTS} local redirects, the last one to ${target.url.href}`,
    )
  }

  #run(request: Request, target: Target, context: CgiContext): FetchExchange {
    const { method, url, headers, body } = target
    const parts = { method, target: url.pathname + url.search, headers: withHost(headers, url) }
    const params = cgiParams(parts, context, this.#options).filter(
      ([name]) => !this.#fixed.has(paramText(name)),
    )
    const exchange = new FetchExchange(request, method, this.#options)
    exchange.dispatched = this.#executor.dispatch(
      { params, prepared: this.#prepared, stdin: body },
      exchange,
      { signal: request.signal },
    )
    return exchange
  }

  #context(url: URL, script: ScriptPath, info: FetchInfo): CgiContext {
    const https = url.protocol === 'https:'
    return {
      root: this.#root,
      script,
      serverName: this.#options.serverName ?? url.hostname,
      serverPort: Number(url.port) || (https ? 443 : 80),
      https,
      remoteAddress: ofType('string', info.remoteAddress),
      remotePort: ofType('number', info.remotePort),
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

interface Target {
  readonly url: URL
  readonly method: string
  readonly headers: Headers
  readonly body: ReadableStream<Uint8Array> | null
}

/** The path is answered as if it had been asked for, and by GET (RFC 3875 §6.2.2). */
function redirected({ url, method, headers }: Target, path: string): Target {
  return {
    url: new URL(escapeBytes(path), url),
    method: method === 'HEAD' ? 'HEAD' : 'GET',
    headers: withoutBody(headers),
    body: null,
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
function safeParams({ params = {}, unsafeParams = {} }: FetchOptions): ParamPair[] {
  const safe = pairsOf(params)
  const unsafe = safe.map(([name]) => paramText(name)).find((name) => UNSAFE_PARAMS.has(name))
  if (unsafe === undefined) return [...safe, ...pairsOf(unsafeParams)]
  throw new TypeError(`${unsafe} lets PHP run or read any file: give it in unsafeParams`)
}

/** Neither HTTP/2 nor a Request made by hand has a Host, and PHP applications build their links with it. */
function withHost(headers: Headers, url: URL): HeaderList {
  return headers.has('host') ? headers : [...headers, ['host', url.host]]
}

function pairsOf(params: Params): ParamPair[] {
  const pairs = Symbol.iterator in params ? [...params] : Object.entries(params)
  return pairs.filter((pair): pair is [string, ParamValue] => pair[1] !== undefined)
}

function withoutBody(headers: Headers): Headers {
  const rest = new Headers(headers)
  for (const name of ['content-length', 'content-type', 'transfer-encoding']) rest.delete(name)
  return rest
}

function plainResponse(status: number): Response {
  return new Response(status === 404 ? 'Not Found\n' : 'Bad Request\n', {
    status,
    headers: { 'content-type': 'text/plain; charset=utf-8' },
  })
}
