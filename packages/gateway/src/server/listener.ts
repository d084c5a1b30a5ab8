// One address that is listened on, and what goes on there: which connections there are, and which of them answer something.

import type { IncomingMessage } from 'node:http'
import type { ServerHttp2Session } from 'node:http2'
import type { Duplex } from 'node:stream'
import { continueOnRead, type NodeRequest, type NodeResponse } from '../adapters/node.ts'
import { onResponseClose } from '../adapters/node-close.ts'
import { bind } from './bind.ts'
import type { CheckedLimits } from './check-options.ts'
import { formatTarget, urlOf, type Endpoint } from './endpoint.ts'
import { createNodeServer, readTls, type NodeServer } from './node-server.ts'
import type { TlsOptions } from './options.ts'
import { Turns } from './turns.ts'

export type RequestListener = (request: NodeRequest, response: NodeResponse) => void

type Socket = IncomingMessage['socket']

// How long a connection that has no request may still begin one while the listener closes, in ms: its request may be on the way.
const GRACE = 500
// The same for a connection that is new, in ms: whoever opens one is about to ask.
const FIRST_GRACE = 2000
const NO_TUNNELS =
  'HTTP/1.1 405 Method Not Allowed\r\nAllow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n' +
  'Content-Length: 0\r\nConnection: close\r\n\r\n'

export class Listener {
  readonly #server: NodeServer
  readonly #endpoint: Endpoint
  /** Everything that was accepted. */
  readonly #accepted = new Set<Socket>()
  /** What requests come on: where there is TLS, the connection above the accepted one. */
  readonly #sockets = new Set<Socket>()
  readonly #sessions = new Set<ServerHttp2Session>()
  readonly #responses = new Set<NodeResponse>()
  readonly #turns = new Turns()
  /** How many requests each connection answers, by its key. */
  readonly #busy = new Map<number, number>()
  /** Keys of connections that have had a request. */
  readonly #used = new Set<number>()
  #draining = false

  private constructor(server: NodeServer, endpoint: Endpoint) {
    this.#server = server
    this.#endpoint = endpoint
  }

  /** @throws ListenError; Error on a certificate that cannot be used. */
  static async open(
    endpoint: Endpoint,
    limits: CheckedLimits,
    tls: TlsOptions | undefined,
    handle: RequestListener,
  ): Promise<Listener> {
    const server = createNodeServer(endpoint.scheme, limits, tls)
    const listener = new Listener(server, await bind(server, endpoint))
    listener.#attach(handle, limits.keepAliveTimeout)
    return listener
  }

  /** `http://127.0.0.1:8080`, `unix:/run/gateway.sock`. */
  get url(): string {
    return urlOf(this.#endpoint)
  }

  /** How many requests are under way. */
  get active(): number {
    return this.#responses.size
  }

  /** Uses another certificate for connections to come. */
  setTls(tls: TlsOptions): void {
    if ('setSecureContext' in this.#server) this.#server.setSecureContext(readTls(tls))
  }

  /** Stops accepting, tells clients to go elsewhere, and resolves when the last connection is closed. */
  drain(): Promise<void> {
    this.#draining = true
    // node:http would close connections at once on which the next request may be waiting to be read.
    if ('closeIdleConnections' in this.#server) this.#server.closeIdleConnections = () => {}
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    for (const response of this.#responses) lastOfConnection(response)
    for (const session of this.#sessions) session.close()
    for (const socket of this.#sockets) this.#closeUnlessUsed(socket)
    return closed
  }

  /** Closes every connection. @returns how many requests are cut off by it. */
  destroy(): number {
    const cut = this.active
    this.#draining = true
    this.#server.close()
    for (const socket of this.#accepted) socket.destroy()
    return cut
  }

  #attach(handle: RequestListener, keepAliveTimeout: number): void {
    const server: NodeServer = this.#server
    const take = (request: NodeRequest, response: NodeResponse): void => {
      const begin = (): void => {
        this.#take(request, response)
        handle(request, response)
      }
      if ('stream' in response) begin()
      else this.#turns.take(request.socket, response, begin)
    }
    // The types of the three servers differ in what their listeners take; requests and responses are those that they say.
    const emitter: { on(event: string, listener: (...args: never[]) => void): unknown } = server
    emitter.on('connection', (socket: Socket) => {
      this.#accepted.add(socket)
      socket.once('close', () => this.#accepted.delete(socket))
    })
    const secure = 'setSecureContext' in server
    emitter.on(secure ? 'secureConnection' : 'connection', (socket: Socket) => {
      this.#connected(socket)
    })
    emitter.on('session', (session: ServerHttp2Session) => {
      this.#opened(session, keepAliveTimeout)
    })
    emitter.on('request', take)
    emitter.on('checkContinue', (request: NodeRequest, response: NodeResponse) => {
      continueOnRead(request)
      take(request, response)
    })
    emitter.on('connect', (_request: NodeRequest, other: Duplex | NodeResponse) => {
      if ('stream' in other) other.writeHead(405).end()
      else if (this.#turns.isBusy(other)) (other as Duplex).destroy()
      else refuseTunnel(other as Duplex)
    })
    // Of single connections, which are gone then; nothing else is told this way once the address is taken.
    emitter.on('error', () => {})
  }

  #connected(socket: Socket): void {
    this.#sockets.add(socket)
    const key = keyOf(socket)
    socket.once('close', () => {
      this.#sockets.delete(socket)
      this.#used.delete(key)
    })
    // A handshake that was under way when the listener began to close.
    if (this.#draining) this.#closeUnlessUsed(socket)
  }

  #opened(session: ServerHttp2Session, keepAliveTimeout: number): void {
    this.#sessions.add(session)
    session.once('close', () => this.#sessions.delete(session))
    session.on('error', () => {})
    if (this.#draining) session.close()
    if (keepAliveTimeout === 0) return
    const key = keyOf(session.socket)
    session.setTimeout(keepAliveTimeout, () => {
      // A stream may be silent for as long as PHP thinks.
      if (!this.#busy.has(key)) session.close()
    })
  }

  #take(request: NodeRequest, response: NodeResponse): void {
    const key = keyOf(request.socket)
    this.#responses.add(response)
    this.#busy.set(key, (this.#busy.get(key) ?? 0) + 1)
    if (this.#draining) lastOfConnection(response)
    this.#used.add(key)
    // Neither is known any more once the connection is closed.
    const { socket } = request
    onResponseClose(request, response, () => this.#answered(key, socket, response))
  }

  #answered(key: number, socket: Socket, response: NodeResponse): void {
    this.#responses.delete(response)
    const left = (this.#busy.get(key) ?? 1) - 1
    if (left > 0) this.#busy.set(key, left)
    else this.#busy.delete(key)
    // One whose head had gone out already could not say that it is the last.
    if (this.#draining && !('stream' in response)) this.#closeUnlessUsed(socket)
  }

  /** Closes a connection that begins no request in time; one that does says that it is the last. */
  #closeUnlessUsed(socket: Socket): void {
    if (socket.destroyed) return
    const key = keyOf(socket)
    const close = (): void => {
      if (!this.#busy.has(key)) socket.destroy()
    }
    // This process may have been late itself: what has come in the meantime is read first.
    const timer = setTimeout(() => setImmediate(close), this.#used.has(key) ? GRACE : FIRST_GRACE)
    socket.once('close', () => clearTimeout(timer))
  }
}

/** Names the listener in messages. */
export function nameOf(endpoint: Endpoint): string {
  return formatTarget(endpoint.target)
}

function lastOfConnection(response: NodeResponse): void {
  if ('shouldKeepAlive' in response && !response.headersSent) response.shouldKeepAlive = false
}

const KEY = Symbol('key of the connection')
let lastKey = 0

/** Node has let go of the connection: nobody else would hear of its errors, or close it. */
function refuseTunnel(connection: Duplex): void {
  connection.on('error', () => {})
  connection.end(NO_TUNNELS, () => connection.destroy())
}

/** The same for a connection and for what node:http2 hands out in its place: that has all properties of the connection. */
function keyOf(socket: Socket & { [KEY]?: number }): number {
  return (socket[KEY] ??= ++lastKey)
}
