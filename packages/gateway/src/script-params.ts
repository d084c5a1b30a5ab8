// The params of one request to a script: what the request says, as far as it may, and what only this server knows. What is the same for
// many requests, of a site, to a script, of a connection, is encoded once.

import { prepareParams, type ParamPair, type PreparedParams } from '@fastcgi/client'
import {
  connectionParams,
  headerReader,
  requestParams,
  scriptParams,
  siteParams,
  type HeaderPolicy,
  type HeaderReader,
  type ScriptPath,
} from '@fastcgi/client/http'
import { paramText } from '@fastcgi/client/protocol'
import { FORWARDED_HEADERS } from './forwarded.ts'
import type { ClientInfo, Incoming } from './http.ts'

// Left to stand, these would be believed by an application behind a client that nobody vouches for.
const FORWARDED_PARAMS: readonly string[] = [...FORWARDED_HEADERS].map(
  (name) => `HTTP_${name.toUpperCase().replaceAll('-', '_')}`,
)
/** Those of a request that are not its headers. */
const OF_REQUEST: readonly string[] = [
  'REQUEST_METHOD',
  'REQUEST_URI',
  'QUERY_STRING',
  'SERVER_PROTOCOL',
  'CONTENT_TYPE',
  'CONTENT_LENGTH',
]
// Scripts are files, but where nobody has looked for them, anybody can name any number of them.
const MAX_SCRIPTS = 1024

/** Of a request, for its backend. */
export interface ScriptParams {
  readonly params: ParamPair[]
  readonly prepared: readonly PreparedParams[]
}

/** What the options of a site say about params. */
export interface ParamRules {
  /** The options' own; they replace what would be said otherwise. Each name once. */
  readonly own: readonly ParamPair[]
  readonly serverName: string | undefined
  readonly policy: HeaderPolicy
}

/** Makes the params of requests to one site, for as long as its document root stays where it is. */
export class SiteParams {
  /** The document root as the backend sees it. */
  readonly root: string
  readonly #usual: PreparedParams
  readonly #serverName: string | undefined
  readonly #readHeaders: HeaderReader
  /** The names that the options have said, and no request says again. */
  readonly #fixed: ReadonlySet<string>
  readonly #fixesRequest: boolean
  readonly #scripts = new Map<string, PreparedParams>()
  /** Undefined: has asked once, and may not ask again. */
  readonly #clients = new WeakMap<ClientInfo, PreparedParams | undefined>()

  constructor(root: string, { own, serverName, policy }: ParamRules) {
    this.root = root
    this.#usual = siteParams(root, own)
    this.#serverName = serverName
    this.#fixed = new Set(own.map(([name]) => paramText(name)))
    this.#fixesRequest = OF_REQUEST.some((name) => this.#fixed.has(name))
    // The host that the client asked for is known where a proxy passes on another one, and for HTTP/1.0 without any.
    const omit = [...FORWARDED_PARAMS, ...this.#fixed, 'HTTP_HOST']
    this.#readHeaders = headerReader({ ...policy, omit })
  }

  /**
   * @param client Who asks.
   * @param script What runs, below the root and `base`.
   * @param base The part of the path that is not below the root.
   * @param length Of the body, in bytes; undefined without one.
   * @throws HttpRequestError 400 on a request that must not be passed on.
   */
  of(
    request: Incoming,
    client: ClientInfo,
    script: ScriptPath,
    base: string,
    length: number | undefined,
  ): ScriptParams {
    const params = this.#ofRequest(request, length)
    const prepared = [this.#usual, this.#ofScript(script, base)]
    const ofClient = this.#ofClient(client, request)
    if (Array.isArray(ofClient)) params.push(...ofClient)
    else prepared.push(ofClient)
    return { params, prepared }
  }

  #ofRequest(request: Incoming, length: number | undefined): ParamPair[] {
    const { params: headers, contentType } = this.#readHeaders(request.headers)
    const params = requestParams(request, { params: headers, contentType, contentLength: length })
    return this.#fixesRequest ? this.#withoutFixed(params) : params
  }

  #ofScript(script: ScriptPath, base: string): PreparedParams {
    const key = base === '' ? script.scriptName : `${script.scriptName}\n${base}`
    const isKept = script.pathInfo === ''
    const known = isKept ? this.#scripts.get(key) : undefined
    if (known) return known
    const params = scriptParams({ root: this.root, script, base })
    const prepared = prepareParams(this.#withoutFixed(params))
    if (isKept) {
      if (this.#scripts.size >= MAX_SCRIPTS) this.#scripts.clear()
      this.#scripts.set(key, prepared)
    }
    return prepared
  }

  /** Prepared for who asks a second time. */
  #ofClient(client: ClientInfo, { connection }: Incoming): PreparedParams | ParamPair[] {
    const known = this.#clients.get(client)
    if (known) return known
    const params = this.#withoutFixed([
      ...connectionParams({
        serverName: this.#serverName ?? client.host,
        serverPort: client.hostPort,
        serverAddress: connection.localAddress,
        https: client.https,
        remoteAddress: client.address,
        remotePort: client.port,
      }),
      ['HTTP_HOST', hostOf(client)],
    ])
    const prepared = this.#clients.has(client) ? prepareParams(params) : undefined
    this.#clients.set(client, prepared)
    return prepared ?? params
  }

  #withoutFixed(params: ParamPair[]): ParamPair[] {
    return params.filter(([name]) => !this.#fixed.has(paramText(name)))
  }
}

function hostOf({ host, hostPort, https }: ClientInfo): string {
  return hostPort === (https ? 443 : 80) ? host : `${host}:${hostPort}`
}
