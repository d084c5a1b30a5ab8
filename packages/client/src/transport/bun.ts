// A unix socket by Bun's own API, which spends less on a small answer than node:net does there. Works on Bun alone.
//
// Rule 1: `write` of Bun takes what the system takes, and keeps nothing: the rest waits here.
// Rule 2: `end` of Bun closes at once, whatever waits: it is called with nothing left to send.

import { readFile } from 'node:fs/promises'
import { parseAddress, type Address } from './address.ts'
import { connectNode } from './node.ts'
import type { Connector, Transport, TransportHandler } from './transport.ts'
import { atEndOfTurn } from './turn.ts'

/** The part of Bun.Socket that is used here. */
interface BunSocket {
  data: BunTransport
  /** @returns how many bytes were taken; -1 on a socket that is closed. */
  write(data: Uint8Array, offset: number, length: number): number
  /** Closes for both directions. */
  end(): void
  /** Closes the direction to the peer. */
  shutdown(): void
  pause(): void
  resume(): void
}

interface BunSocketHandler {
  readonly binaryType: 'uint8array'
  open(socket: BunSocket): void
  data(socket: BunSocket, chunk: Uint8Array): void
  drain(socket: BunSocket): void
  close(socket: BunSocket, error?: Error): void
}

/** The part of Bun that is used here. */
interface BunRuntime {
  connect(options: {
    readonly unix: string
    readonly data: BunTransport
    readonly socket: BunSocketHandler
  }): Promise<unknown>
}

// Pieces of up to so many bytes together are copied into one: cheaper than a system call for each.
const JOINED = 128 * 1024
// How long a connection that we ended waits for the peer to close as well, in ms.
const LINGER = 2000

/**
 * A {@link Connector} for Bun, that dials unix sockets with Bun.connect, and everything else as {@link connectNode} does: an attempt over TCP
 * that hangs could not be given up, and would keep the process alive.
 * @throws TypeError on another runtime.
 * @example
 * const pool = new Pool(address, { connect: connectBun(address) })
 */
export function connectBun(address: string | Address): Connector {
  const { Bun } = globalThis as typeof globalThis & { Bun?: BunRuntime }
  if (!Bun)
    throw new TypeError('connectBun works on Bun only; connectNode works on Node, Bun and Deno')
  const target = parseAddress(address)
  if (!('path' in target)) return connectNode(target)
  const { path } = target
  return async (handler, signal) => {
    signal.throwIfAborted()
    const transport = new BunTransport(handler)
    try {
      await Bun.connect({ unix: path, data: transport, socket: SOCKET })
    } catch (error) {
      throw (await isBusy(path, error)) ? Object.assign(new Error(BUSY), { code: 'EAGAIN' }) : error
    }
    return transport
  }
}

const BUSY = 'connect EAGAIN'

/** Bun calls it ECONNREFUSED as well when the backlog of a socket is full, so the system is asked whether anybody listens. */
async function isBusy(path: string, error: unknown): Promise<boolean> {
  if (!(error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED')) return false
  const sockets = await readFile('/proc/net/unix', 'latin1').catch(() => '')
  const name = Buffer.from(path.replace(/^\0/, '@'), 'utf8').toString('latin1')
  // The fourth field has __SO_ACCEPTCON (0x10000) for a socket that listens (proc_pid_net(5)).
  return sockets.split('\n').some((line) => / 00010000 /.test(line) && line.endsWith(` ${name}`))
}

// One object for all connections: Bun keeps callbacks by it.
const SOCKET: BunSocketHandler = {
  binaryType: 'uint8array',
  open: (socket) => socket.data.opened(socket),
  data: (socket, chunk) => socket.data.handler.data(chunk),
  drain: (socket) => socket.data.drained(),
  close: (socket, error) => socket.data.closed(error),
}

class BunTransport implements Transport {
  readonly handler: TransportHandler
  #socket: BunSocket | undefined
  /** What the system has not taken, the first of it from `#offset` on. */
  #waiting: Uint8Array[] = []
  #offset = 0
  /** Writes have been told to wait. */
  #wantsDrain = false
  #ending = false
  #failed = false
  #linger: ReturnType<typeof setTimeout> | undefined

  constructor(handler: TransportHandler) {
    this.handler = handler
  }

  get failed(): boolean {
    return this.#failed
  }

  write(...pieces: Uint8Array[]): boolean {
    const socket = this.#socket
    if (this.#failed || !socket) return false
    if (this.#waiting.length > 0) {
      this.#waiting.push(...pieces)
      this.#wantsDrain = true
      return false
    }
    if (pieces.length === 1) {
      const piece = pieces[0]!
      const sent = socket.write(piece, 0, piece.length)
      if (sent === piece.length) return true
      return this.#wait([piece], sent)
    }
    return this.#send(joined(pieces))
  }

  soon(callback: () => void): void {
    atEndOfTurn(callback)
  }

  pause(): void {
    this.#socket?.pause()
  }

  resume(): void {
    this.#socket?.resume()
  }

  destroy(): void {
    this.#failed = true
    this.#waiting = []
    // It closes within this call; whoever destroys a transport is told of it later, as by every other.
    queueMicrotask(() => this.#socket?.end())
  }

  end(): void {
    const socket = this.#socket
    if (this.#ending || !socket) return
    this.#ending = true
    socket.resume()
    if (this.#waiting.length === 0) socket.shutdown()
    this.#linger = setTimeout(() => this.destroy(), LINGER)
  }

  opened(socket: BunSocket): void {
    this.#socket = socket
  }

  drained(): void {
    if (this.#waiting.length > 0) {
      const pieces = this.#waiting
      const offset = this.#offset
      this.#waiting = []
      this.#offset = 0
      if (!this.#send(pieces, offset)) return
    }
    if (this.#ending) {
      this.#socket?.shutdown()
    } else if (this.#wantsDrain) {
      this.#wantsDrain = false
      this.handler.drain()
    }
  }

  closed(error: Error | undefined): void {
    clearTimeout(this.#linger)
    this.#socket = undefined
    this.#failed = true
    this.#waiting = []
    this.handler.close(error)
  }

  /** @param offset In bytes, into the first piece. @returns whether everything was taken */
  #send(pieces: Uint8Array[], offset = 0): boolean {
    for (let at = 0; at < pieces.length; at++) {
      const piece = pieces[at]!
      const start = at === 0 ? offset : 0
      const length = piece.length - start
      const sent = this.#socket!.write(piece, start, length)
      if (sent !== length) return this.#wait(pieces.slice(at), sent, start)
    }
    return true
  }

  #wait(pieces: Uint8Array[], sent: number, start = 0): false {
    if (sent < 0) {
      this.#failed = true
      return false
    }
    this.#waiting = pieces
    this.#offset = start + sent
    this.#wantsDrain = true
    return false
  }
}

/** Few pieces, each at least as large as what a system call costs. */
function joined(pieces: Uint8Array[]): Uint8Array[] {
  let length = 0
  for (const piece of pieces) length += piece.length
  if (length > JOINED) return pieces
  const whole = new Uint8Array(length)
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return [whole]
}
