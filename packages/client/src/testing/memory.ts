// Two transports that are each other's peer, without a socket. Stricter than a socket: what was handed over is overwritten after the
// call, as a reused read buffer would be, so that code which keeps a view is found out.

import { copyBytes } from '../protocol/index.ts'
import type { Connector, Transport, TransportHandler } from '../transport/transport.ts'

const HIGH_WATER = 64 * 1024
const POISON = 0xdd
// How many promises a transport passes on its way to whoever asked for it, at most.
const STEPS = 10

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
    near.link(far)
    far.link(near)
    far.listen(accept(far))
    void listenLater(near, handler)
    return near
  }
}

/** What the other side does while it accepts, or right after, must wait until whoever connects has got the transport. */
async function listenLater(near: MemoryTransport, handler: TransportHandler): Promise<void> {
  for (let step = 0; step < STEPS; step++) await Promise.resolve()
  near.listen(handler)
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
  #told = false
  #reason: Error | undefined
  #blocked = false

  link(peer: MemoryTransport): void {
    this.#peer = peer
  }

  /** Begins to hand over what has arrived. */
  listen(handler: TransportHandler): void {
    this.#handler = handler
    this.#schedule()
    const peer = this.#peer
    if (peer) peer.#schedule()
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
    this.#reason = reason
    if (this.#handler) queueMicrotask(() => this.#tellClosed())
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
    const handler = this.#handler
    if (!handler) return
    while (!this.#paused && !this.#closed) {
      const piece = this.#incoming.shift()
      if (!piece) break
      this.#waiting -= piece.length
      handler.data(piece)
      piece.fill(POISON)
    }
    if (this.#closed) return this.#tellClosed()
    const peer = this.#peer
    if (!peer) return
    if (this.#incoming.length === 0 && peer.#ended) this.close()
    else if (peer.#blocked && peer.#handler && this.#waiting < HIGH_WATER) {
      peer.#blocked = false
      peer.#handler.drain()
    }
  }

  #tellClosed(): void {
    if (this.#told) return
    this.#told = true
    this.#handler?.close(this.#reason)
  }
}
