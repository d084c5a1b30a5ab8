// A request of Bun.serve as the gateway sees it. Crossing into Bun costs more than what it brings, so it is asked once for each thing.

import type { ConnectionInfo, HeaderFields, Incoming, IncomingBody } from '../http.ts'
import type { BunRequest, BunServer } from './bun-types.ts'
import { bodyOf } from './web-request.ts'

// Behind `http://` and `https://`, whichever it is, and the first character of a host.
const PATH_FROM = 8

export class BunIncoming implements Incoming {
  readonly method: string
  readonly target: string
  readonly protocol: string
  readonly connection: ConnectionInfo
  readonly #request: BunRequest
  readonly #fields: Record<string, string | string[]>
  #headers: HeaderFields | undefined
  #body: IncomingBody | undefined

  constructor(request: BunRequest, server: BunServer) {
    this.#request = request
    this.#fields = request.headers.toJSON()
    this.method = request.method
    const { url } = request
    // Without a Host that can be read, there is nothing in front of the path.
    this.target = url.startsWith('/') ? url : url.slice(url.indexOf('/', PATH_FROM))
    // Bun refuses a request of HTTP/1.1 without a Host, and of another one it does not tell.
    this.protocol = this.#fields['host'] === undefined ? 'HTTP/1.0' : 'HTTP/1.1'
    this.connection = connectionOf(request, server)
  }

  get headers(): HeaderFields {
    return (this.#headers ??= this.#readHeaders())
  }

  header(name: string): string | undefined {
    const value = this.#fields[name]
    return typeof value === 'object' ? value.join(', ') : value
  }

  /** @throws HttpRequestError 400 on a Content-Length that is no number. */
  get body(): IncomingBody | undefined {
    const { 'content-length': length, 'transfer-encoding': coding } = this.#fields
    if (length === undefined && coding === undefined) return undefined
    return (this.#body ??= bodyOf(this.#request))
  }

  #readHeaders(): HeaderFields {
    const headers: [string, string][] = []
    const fields = this.#fields
    for (const name in fields) headers.push([name, this.header(name)!])
    return headers
  }
}

/** What is the same for all connections of a server. */
interface ServerSide {
  readonly localAddress: string
  readonly localPort: number
  readonly encrypted: boolean
}

const servers = new WeakMap<BunServer, ServerSide>()

function connectionOf(request: BunRequest, server: BunServer): ConnectionInfo {
  const { localAddress, localPort, encrypted } = serverSide(server)
  const peer = server.requestIP(request)
  return {
    // A unix socket has no addresses; who is at its other end is on this machine.
    remoteAddress: peer?.address ?? '127.0.0.1',
    remotePort: peer?.port ?? 0,
    localAddress,
    localPort,
    encrypted,
  }
}

function serverSide(server: BunServer): ServerSide {
  const known = servers.get(server)
  if (known) return known
  const side = {
    localAddress: server.hostname ?? '127.0.0.1',
    localPort: server.port ?? 0,
    encrypted: server.url.protocol === 'https:',
  }
  servers.set(server, side)
  return side
}
