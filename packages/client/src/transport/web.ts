// Any pair of web streams as a transport: Deno.Conn, connect() of Workers, a test's memory.

import type { Connector, Transport, TransportHandler } from './transport.ts'

const HIGH_WATER = 64 * 1024

/** The part of Deno.Conn, of Workers' Socket and of their like that is used here. */
export interface StreamPair {
  readonly readable: ReadableStream<Uint8Array>
  readonly writable: WritableStream<Uint8Array>
  /** Awaited, when there, before anything is written: a Worker's Socket is there before its connection, and rejects this without one. */
  readonly opened?: PromiseLike<unknown>
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
    const made = Promise.resolve(open(signal))
    try {
      return new WebTransport(await Promise.race([opened(made), aborted]), handler)
    } catch (error) {
      made.then(free, () => {})
      throw error
    }
  }
}

async function free(pair: StreamPair): Promise<void> {
  try {
    await pair.close?.()
  } catch {
    // Some runtimes refuse to close a connection that is closed already, which is what we want it to be.
  }
}

async function opened(made: Promise<StreamPair>): Promise<StreamPair> {
  const pair = await made
  await pair.opened
  return pair
}

class WebTransport implements Transport {
  readonly #pair: StreamPair
  readonly #handler: TransportHandler
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>
  #resume: (() => void) | undefined
  #paused: Promise<void> | undefined
  /** Bytes that the writer has been given and not yet taken: what a stream counts, and when, differs between runtimes. */
  #pending = 0
  #waitsForDrain = false
  #failed = false
  #closed = false

  constructor(pair: StreamPair, handler: TransportHandler) {
    this.#pair = pair
    this.#handler = handler
    this.#reader = pair.readable.getReader()
    this.#writer = pair.writable.getWriter()
    // As with a socket, what the peer sent before it stopped reading can still be read: only the reader ends the connection.
    this.#writer.closed.catch(() => {
      this.#failed = true
    })
    this.#read().then(
      () => this.#close(),
      (error: unknown) => this.#close(error),
    )
  }

  get failed(): boolean {
    return this.#failed || this.#closed
  }

  write(...pieces: Uint8Array[]): boolean {
    if (this.failed) return false
    for (const piece of pieces) this.#send(piece)
    this.#waitsForDrain = this.#pending >= HIGH_WATER
    return !this.#waitsForDrain
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
    this.#writer.close().catch(() => {})
  }

  #send(piece: Uint8Array): void {
    this.#pending += piece.length
    this.#writer.write(piece).then(
      () => {
        this.#pending -= piece.length
        if (!this.#waitsForDrain || this.#pending >= HIGH_WATER || this.failed) return
        this.#waitsForDrain = false
        this.#handler.drain()
      },
      // A write that fails also rejects `closed`, which is where it is dealt with.
      () => {},
    )
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
    void free(this.#pair)
    const error =
      reason === undefined || reason instanceof Error
        ? reason
        : new Error('the stream failed', { cause: reason })
    queueMicrotask(() => this.#handler.close(error))
  }
}
