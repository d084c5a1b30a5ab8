// Two transports that are each other's peer, without a socket. Stricter than a socket: what was handed over is overwritten after the
// call, as a reused read buffer would be, so that code which keeps a view is found out.

import { copyBytes } from '../protocol/index.ts'
import type { Connector, Transport, TransportHandler } from '../transport/transport.ts'

const HIGH_WATER = 64 * 1024
const POISON = 0xdd

/**
 * A {@link Connector} whose connections end in `accept`, as those of a listening socket would.
 * @example
 * const pool = new Pool('unix:/memory', { connect: connectMemory((transport) => new ResponderConnection(transport, handler, {}, () => {})) })
 */
export function connectMemory(accept: (transport: MemoryTransport) => TransportHandler): Connector {
  return async (handler, signal) => {
    // As with a socket, the connection is not there before the next turn.
    await Promise.resolve()
    signal.throwIfAborted()
    const near = new MemoryTransport()
    const far = new MemoryTransport()
    near.link(far, handler)
    far.link(near, accept(far))
    return near
  }
}

export class MemoryTransport implements Transport {
  #peer: MemoryTransport | undefined
  #handler: TransportHandler | undefined
  #incoming: Uint8Array[] = []
  #waiting = 0
  #scheduled = false
  #paused = false
  #ended = false
  #closed = false
  #blocked = false

  link(peer: MemoryTransport, handler: TransportHandler): void {
    this.#peer = peer
    this.#handler = handler
  }

  get failed(): boolean {
    return this.#closed
  }

  write(...pieces: Uint8Array[]): boolean {
    const peer = this.#peer
    if (this.#closed || this.#ended || !peer) return false
    for (const piece of pieces) peer.#receive(piece)
    this.#blocked = peer.#waiting >= HIGH_WATER
    return !this.#blocked
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#schedule()
  }

  destroy(): void {
    this.close()
  }

  end(): void {
    this.#ended = true
    const peer = this.#peer
    if (peer) peer.#schedule()
  }

  /** Breaks the connection: the peer loses what it has not read, and is told the reason. */
  reset(reason: Error): void {
    this.#peer?.close(reason)
    this.close()
  }

  /** Ends the connection; the peer still reads what was written before. */
  close(reason?: Error): void {
    if (this.#closed) return
    this.#closed = true
    this.#incoming = []
    const peer = this.#peer
    if (peer && !peer.#closed) {
      this.#ended = true
      peer.#schedule()
    }
    queueMicrotask(() => this.#handler?.close(reason))
  }

  #receive(piece: Uint8Array): void {
    this.#incoming.push(copyBytes(piece))
    this.#waiting += piece.length
    this.#schedule()
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      this.#deliver()
    })
  }

  #deliver(): void {
    while (!this.#paused && !this.#closed) {
      const piece = this.#incoming.shift()
      if (!piece) break
      this.#waiting -= piece.length
      this.#handler?.data(piece)
      piece.fill(POISON)
    }
    const peer = this.#peer
    if (!peer) return
    if (this.#incoming.length === 0 && peer.#ended) this.close()
    else if (peer.#blocked && this.#waiting < HIGH_WATER) {
      peer.#blocked = false
      peer.#handler?.drain()
    }
  }
}
