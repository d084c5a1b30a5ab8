// Any pair of web streams as a transport: Deno.Conn, connect() of Workers, a test's memory.

import type { Connector, Transport, TransportHandler } from './transport.ts'

/** The part of Deno.Conn, of Workers' Socket and of their like that is used here. */
export interface StreamPair {
  readonly readable: ReadableStream<Uint8Array>
  readonly writable: WritableStream<Uint8Array>
  /** Called, when there, to free the connection. */
  close?(): unknown
}

/**
 * A {@link Connector} over pairs of web streams.
 * @param open Makes one connection. When the signal aborts while it is still being made, it is closed as soon as it is there.
 * @example
 * new Pool('tcp://php:9000', { connect: fromStreams(() => connect({ hostname: 'php', port: 9000 })) })
 */
export function fromStreams(
  open: (signal: AbortSignal) => StreamPair | Promise<StreamPair>,
): Connector {
  return async (handler, signal) => {
    signal.throwIfAborted()
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    })
    const opening = Promise.resolve(open(signal))
    try {
      return new WebTransport(await Promise.race([opening, aborted]), handler)
    } catch (error) {
      opening.then((pair) => pair.close?.()).catch(() => {})
      throw error
    }
  }
}

class WebTransport implements Transport {
  readonly #pair: StreamPair
  readonly #handler: TransportHandler
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>
  #resume: (() => void) | undefined
  #paused: Promise<void> | undefined
  #waitsForDrain = false
  #closed = false

  constructor(pair: StreamPair, handler: TransportHandler) {
    this.#pair = pair
    this.#handler = handler
    this.#reader = pair.readable.getReader()
    this.#writer = pair.writable.getWriter()
    this.#writer.closed.catch((error: unknown) => this.#close(error))
    this.#read().then(
      () => this.#close(),
      (error: unknown) => this.#close(error),
    )
  }

  get failed(): boolean {
    return this.#closed
  }

  write(...pieces: Uint8Array[]): boolean {
    if (this.#closed) return false
    // A write that fails also rejects `closed`, which is where it is told.
    for (const piece of pieces) this.#writer.write(piece).catch(() => {})
    if ((this.#writer.desiredSize ?? 1) > 0) return true
    if (!this.#waitsForDrain) {
      this.#waitsForDrain = true
      this.#writer.ready.then(
        () => {
          this.#waitsForDrain = false
          if (!this.#closed) this.#handler.drain()
        },
        () => {},
      )
    }
    return false
  }

  pause(): void {
    this.#paused ??= new Promise((resolve) => {
      this.#resume = resolve
    })
  }

  resume(): void {
    this.#paused = undefined
    this.#resume?.()
  }

  destroy(): void {
    this.#close()
  }

  end(): void {
    this.#writer.close().catch((error: unknown) => this.#close(error))
  }

  async #read(): Promise<void> {
    // The first byte must not be handed over before the connector has resolved.
    await Promise.resolve()
    while (!this.#closed) {
      const { done, value } = await this.#reader.read()
      while (this.#paused) await this.#paused
      if (done || this.#closed) return
      this.#handler.data(value)
    }
  }

  #close(reason?: unknown): void {
    if (this.#closed) return
    this.#closed = true
    this.resume()
    this.#reader.cancel(reason).catch(() => {})
    this.#writer.abort(reason).catch(() => {})
    try {
      this.#pair.close?.()
    } catch {
      // Some runtimes throw on a connection that is closed already, which is what we want it to be.
    }
    const error =
      reason === undefined || reason instanceof Error
        ? reason
        : new Error('the stream failed', { cause: reason })
    queueMicrotask(() => this.#handler.close(error))
  }
}
