// The border to the outside: bytes go in, bytes come out, and nobody here knows what they mean.

/** What a transport calls. Passed in when connecting; `close` comes exactly once and last. */
export interface TransportHandler {
  /** Bytes that arrived, valid only during the call. */
  data(chunk: Uint8Array): void
  /** The transport takes more after `write` returned false. */
  drain(): void
  /** The connection is over: without a reason when the peer closed it in good order. */
  close(reason?: Error): void
}

/** One connection to a peer. */
export interface Transport {
  /** True once a write has failed. What the peer sent before can still be read; its `close` says why. */
  readonly failed: boolean
  /**
   * Sends these pieces in order, together if the transport can, and returns whether it wants more now. False means that `drain` follows,
   * unless the transport has failed.
   * The transport keeps the pieces until they are sent; nobody may change them.
   */
  write(...pieces: Uint8Array[]): boolean
  /**
   * Calls back at the end of this turn of the event loop, when what has arrived for all transports was handed over. What is written then, by
   * one transport after the other, costs the system less: a peer that sleeps has to be woken by the first write, and is awake for the next.
   * A transport without it is written to at once.
   */
  soon?(callback: () => void): void
  /** Stops `data` soon: what was read already may still come. */
  pause(): void
  /** Starts `data` again. */
  resume(): void
  /**
   * Closes at once and drops what was not sent; `close` of the handler follows.
   * @param reset Drops what the system has taken over but not delivered as well, where it can (TCP): nobody is to read it. @default false
   */
  destroy(reset?: boolean): void
  /** Closes as soon as everything written has been sent; `close` of the handler follows. */
  end(): void
}

/**
 * Opens a connection. Rejects with whatever went wrong, or with the signal's reason; the handler is called only after it resolved.
 * @example
 * const connect: Connector = fromStreams(() => Deno.connect({ hostname: 'php', port: 9000 }))
 */
export type Connector = (handler: TransportHandler, signal: AbortSignal) => Promise<Transport>
