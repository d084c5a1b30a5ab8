// A request of node:http or node:http2 as the gateway sees it. What most requests never ask for is made when it is asked for.

import type { ConnectionInfo, HeaderFields, Incoming, IncomingBody } from '../http.ts'
import { bytesBody, NodeBody } from './node-body.ts'
import type { NodeRequest, NodeResponse } from './node-types.ts'
import { parsedBody, type ParsedRequest } from './parsed-body.ts'
import { mountedTarget, readTarget, type MountedRequest } from './target.ts'

export class NodeIncoming implements Incoming {
  readonly method: string
  readonly target: string
  /** The path that the gateway is mounted at in Express or Connect: `/blog`, or nothing. `target` begins with it. */
  readonly base: string
  readonly protocol: string
  readonly connection: ConnectionInfo
  readonly #request: NodeRequest
  readonly #response: NodeResponse
  readonly #authority: string | undefined
  readonly #parsed: ParsedRequest
  #headers: HeaderFields | undefined
  #body: IncomingBody | undefined
  #bodyRead = false

  /** @param seen What a framework has made of the request, when it does not keep that on the request itself. */
  constructor(
    request: NodeRequest,
    response: NodeResponse,
    seen: MountedRequest & ParsedRequest = request,
  ) {
    const mounted = mountedTarget(seen)
    const { target, authority } = readTarget(mounted.target)
    this.#request = request
    this.#response = response
    this.#parsed = seen
    this.method = request.method ?? 'GET'
    this.target = target
    this.base = mounted.base
    this.protocol = request.httpVersionMajor === 2 ? 'HTTP/2.0' : protocolOf(request.httpVersion)
    this.connection = connectionOf(request)
    this.#authority = authority ?? ('authority' in request ? request.authority : undefined)
  }

  get headers(): HeaderFields {
    return (this.#headers ??= this.#readHeaders())
  }

  header(name: string): string | undefined {
    if (this.#headers || (name === 'host' && this.#authority !== undefined)) {
      return joined(this.headers, name)
    }
    // Not `request.headers`, which drops the second of two fields where only one is allowed, instead of telling of it.
    const raw = this.#request.rawHeaders
    let found: string | undefined
    for (let at = 0; at < raw.length; at += 2) {
      if (isName(raw[at]!, name)) found = join(name, found, raw[at + 1]!)
    }
    return found
  }

  get body(): IncomingBody | undefined {
    if (!this.#bodyRead) {
      this.#bodyRead = true
      this.#body = this.#openBody()
    }
    return this.#body
  }

  #openBody(): IncomingBody | undefined {
    const request = this.#request
    // Before `request.headers`, which are made of the raw ones when they are asked for.
    if (!mayHaveBody(request)) return undefined
    const length = request.headers['content-length']
    if (length === '0') return undefined
    if (length === undefined && !hasUnmeasuredBody(request)) return undefined
    if (!request.readableDidRead) {
      return new NodeBody(
        request,
        this.#response,
        length === undefined ? undefined : Number(length),
      )
    }
    const bytes = parsedBody(this.#parsed, request.headers['content-type'] ?? '')
    this.#headers = withLength(this.headers, bytes.length)
    return bytesBody(bytes)
  }

  #readHeaders(): HeaderFields {
    const raw = this.#request.rawHeaders
    const authority = this.#authority
    const fields: [string, string][] = []
    for (let at = 0; at < raw.length; at += 2) {
      const name = raw[at]!
      // What stands beside an absolute target is to be ignored (RFC 9112 §3.2.2); beside :authority, it must be the same
      // (RFC 9113 §8.3.1), and a request with two different hosts is refused by whoever reads them.
      const ignored = name.startsWith(':') || (authority !== undefined && this.#repeats(raw, at))
      if (!ignored) fields.push([name, raw[at + 1]!])
    }
    if (authority !== undefined) fields.unshift(['host', authority])
    return fields
  }

  #repeats(raw: readonly string[], at: number): boolean {
    if (!isName(raw[at]!, 'host')) return false
    return this.#request.httpVersionMajor === 1 || raw[at + 1] === this.#authority
  }
}

function protocolOf(version: string): string {
  return version === '1.1' ? 'HTTP/1.1' : `HTTP/${version}`
}

function mayHaveBody(request: NodeRequest): boolean {
  if ('stream' in request) return true
  const raw = request.rawHeaders
  for (let at = 0; at < raw.length; at += 2) {
    if (isName(raw[at]!, 'content-length') || isName(raw[at]!, 'transfer-encoding')) return true
  }
  return false
}

/** Whether there is a body whose end nothing but the end tells. */
function hasUnmeasuredBody(request: NodeRequest): boolean {
  if ('stream' in request) return !request.stream.endAfterHeaders
  return request.headers['transfer-encoding'] !== undefined
}

/** Body parsers inflate what they read, so that the coding is gone with the length. */
function withLength(headers: HeaderFields, length: number): HeaderFields {
  const gone = new Set(['content-length', 'content-encoding', 'transfer-encoding'])
  const kept = headers.filter(([name]) => !gone.has(name.toLowerCase()))
  return [...kept, ['content-length', String(length)]]
}

function joined(headers: HeaderFields, name: string): string | undefined {
  let found: string | undefined
  for (const [key, value] of headers) if (isName(key, name)) found = join(name, found, value)
  return found
}

/** @param name in lower case */
function isName(key: string, name: string): boolean {
  return key.length === name.length && key.toLowerCase() === name
}

function join(name: string, before: string | undefined, value: string): string {
  if (before === undefined) return value
  return before + (name === 'cookie' ? '; ' : ', ') + value
}

const connections = new WeakMap<object, ConnectionInfo>()

/** Asked for once a connection: a closed socket does not know its peer any more. */
function connectionOf(request: NodeRequest): ConnectionInfo {
  const key = 'stream' in request ? (request.stream.session ?? request.stream) : request.socket
  const known = connections.get(key)
  if (known) return known
  const { remoteAddress, remotePort, localAddress, localPort } = request.socket
  const connection = {
    // A unix socket has no addresses; who is at its other end is on this machine.
    remoteAddress: remoteAddress ?? '127.0.0.1',
    remotePort: remotePort ?? 0,
    localAddress: localAddress ?? '127.0.0.1',
    localPort: localPort ?? 0,
    encrypted: 'encrypted' in request.socket && request.socket.encrypted,
  }
  connections.set(key, connection)
  return connection
}
