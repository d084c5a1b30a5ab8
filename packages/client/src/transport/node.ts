// node:net as a transport; serves Node, Bun and Deno. Nothing else in this package imports node:net.

import { lstat, unlink } from 'node:fs/promises'
import {
  connect,
  createServer,
  Socket,
  type OnReadOpts,
  type SocketConstructorOpts,
  type Server,
} from 'node:net'
import { parseAddress, type Address } from './address.ts'
import type { Connector, Transport, TransportHandler } from './transport.ts'
import { atEndOfTurn } from './turn.ts'

// Most answers fit into the small buffer; a connection that fills it once gets the large one, and thousands of idle ones stay cheap.
const SMALL_READ = 8 * 1024
const LARGE_READ = 64 * 1024
// How long a connection that we ended waits for the peer to close as well, in ms.
const LINGER = 2000

/** A {@link Connector} that dials an address with node:net. */
export function connectNode(address: string | Address): Connector {
  const target = parseAddress(address)
  return (handler, signal) =>
    new Promise((resolve, reject) => {
      signal.throwIfAborted()
      const reader = new Reader()
      const socket = new ReadingSocket(reader)
      socket.connect({ ...target, noDelay: true })
      const abort = (): void => void socket.destroy(signal.reason as Error)
      signal.addEventListener('abort', abort, { once: true })
      const fail = (error: Error): void => {
        signal.removeEventListener('abort', abort)
        reject(error)
      }
      socket.once('error', fail)
      socket.once('connect', () => {
        signal.removeEventListener('abort', abort)
        socket.off('error', fail)
        reader.handler = handler
        resolve(new NodeTransport(socket, handler))
      })
    })
}

/** What {@link listenNode} returns. */
export interface NodeListener {
  /** Where it listens; with the port that was chosen when 0 was asked for. */
  readonly address: Address
  /** Stops accepting; open connections stay. Resolves when the socket is released and all connections are gone. */
  close(): Promise<void>
}

/**
 * Accepts connections on an address. Each gets a handler from `accept`, before its first byte is read.
 * @throws whatever listen(2) says, with its code: EADDRINUSE, EACCES, …
 */
export function listenNode(
  address: string | Address,
  accept: (transport: Transport) => TransportHandler,
): Promise<NodeListener> {
  const target = parseAddress(address)
  const server = createServer({ noDelay: true }, (socket) => {
    const relay = new Relay()
    const transport = new NodeTransport(socket, relay)
    relay.target = accept(transport)
    socket.on('data', (chunk: Uint8Array) => relay.data(chunk))
  })
  return bind(server, target).catch(async (error: unknown) => {
    if (!('path' in target) || !(await isAbandoned(target, error))) throw error
    await unlink(target.path)
    return bind(server, target)
  })
}

function bind(server: Server, target: Address): Promise<NodeListener> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(target, () => {
      server.off('error', reject)
      resolve({ address: boundAddress(server, target), close: () => closeServer(server) })
    })
  })
}

/** True for a socket file that a process left behind when it died: it is in the way, and nobody listens on it. */
async function isAbandoned(target: { path: string }, error: unknown): Promise<boolean> {
  if (codeOf(error) !== 'EADDRINUSE') return false
  // connect(2) refuses any other file as it refuses an abandoned socket.
  const isSocket = await lstat(target.path).then(
    (stats) => stats.isSocket(),
    () => false,
  )
  if (!isSocket) return false
  return new Promise((resolve) => {
    const probe = connect(target)
    probe.once('connect', () => {
      probe.destroy()
      resolve(false)
    })
    probe.once('error', (refused) => resolve(codeOf(refused) === 'ECONNREFUSED'))
  })
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

/** One reused buffer for each connection, read into by the socket itself (`onread`): no allocation and no stream on the way in. */
class Reader {
  handler: TransportHandler | undefined
  #buffer: Uint8Array = new Uint8Array(SMALL_READ)

  readonly onread: OnReadOpts = {
    buffer: () => this.#buffer,
    callback: (length) => {
      const buffer = this.#buffer
      const full = length === buffer.length
      if (full && length < LARGE_READ) this.#buffer = new Uint8Array(LARGE_READ)
      this.handler?.data(full ? buffer : buffer.subarray(0, length))
      return true
    },
  }
}

type WriteCallback = (error?: Error | null) => void

/**
 * A socket that goes on reading when it can no longer write. An application that answers early closes with some of the request unread;
 * a plain Socket destroys itself at the failed write, and with it the answer that has already arrived.
 */
class ReadingSocket extends Socket {
  /** The first write that failed; nothing written later has been sent either. */
  writeError: Error | undefined
  /** Of the write that is under way: a Writable begins the next one when it is over. */
  #written: WriteCallback | undefined

  constructor(reader: Reader) {
    // The constructor takes onread, as net.connect shows, which only passes its options on; the types know it there alone.
    const options: SocketConstructorOpts & { onread: OnReadOpts } = { onread: reader.onread }
    super(options)
  }

  override _write(chunk: unknown, encoding: BufferEncoding, callback: WriteCallback): void {
    // Bun's `_writev` joins its chunks and calls `_write`.
    if (callback !== this.#onWritten) this.#written = callback
    super._write(chunk, encoding, this.#onWritten)
  }

  override _writev(
    chunks: { chunk: unknown; encoding: BufferEncoding }[],
    callback: WriteCallback,
  ): void {
    this.#written = callback
    super._writev!(chunks, this.#onWritten)
  }

  readonly #onWritten: WriteCallback = (error) => {
    if (error) this.writeError ??= error
    this.#written!()
  }
}

/** Stands between a socket and a handler that is made only once the transport exists. */
class Relay implements TransportHandler {
  target: TransportHandler | undefined

  data(chunk: Uint8Array): void {
    this.target?.data(chunk)
  }

  drain(): void {
    this.target?.drain()
  }

  close(reason?: Error): void {
    this.target?.close(reason)
  }
}

class NodeTransport implements Transport {
  readonly #socket: Socket

  constructor(socket: Socket, handler: TransportHandler) {
    this.#socket = socket
    let reason: Error | undefined
    socket.on('drain', () => handler.drain())
    socket.on('error', (error) => {
      reason = error
    })
    // Whoever closes one direction of a FastCGI connection has ended it; what we still have to write has no reader.
    socket.on('end', () => socket.destroy())
    socket.once('close', () => {
      handler.close((socket instanceof ReadingSocket && socket.writeError) || reason)
    })
  }

  get failed(): boolean {
    return this.#socket instanceof ReadingSocket && this.#socket.writeError !== undefined
  }

  write(...pieces: Uint8Array[]): boolean {
    if (this.failed) return false
    if (pieces.length === 1) return this.#socket.write(pieces[0]!)
    let more = true
    this.#socket.cork()
    for (const piece of pieces) more = this.#socket.write(piece)
    this.#socket.uncork()
    return more
  }

  soon(callback: () => void): void {
    atEndOfTurn(callback)
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  destroy(reset = false): void {
    // Otherwise the system goes on feeding an upload that was given up to a worker, which stays busy with it.
    if (reset && this.#socket.remoteFamily !== undefined) this.#socket.resetAndDestroy()
    else this.#socket.destroy()
  }

  end(): void {
    const socket = this.#socket
    socket.end()
    // Closing with unread bytes would reset a TCP connection and throw away what the peer has not read yet.
    socket.resume()
    const linger = setTimeout(() => socket.destroy(), LINGER)
    socket.once('close', () => clearTimeout(linger))
  }
}

function boundAddress(server: Server, asked: Address): Address {
  const bound = server.address()
  if ('path' in asked || bound === null || typeof bound === 'string') return asked
  return { host: asked.host, port: bound.port }
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => (error ? reject(error) : resolve()))
  })
}
