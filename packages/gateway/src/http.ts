// What a server in front gives, and takes. Implemented by the adapters and by replies that wrap another one.

/** Header fields in their order, names in any case, repeated where they are repeated. */
export type HeaderFields = readonly (readonly [name: string, value: string])[]

/** A request as it came. */
export interface Incoming {
  readonly method: string
  /** Path and query as they came, in origin form: `/a%20b?c=d`. Not decoded, not checked. */
  readonly target: string
  /** `HTTP/1.0`, `HTTP/1.1`, `HTTP/2.0`: as SERVER_PROTOCOL has it. */
  readonly protocol: string
  readonly headers: HeaderFields
  /** One field by its name in lower case; several of one name are joined as HTTP joins them. */
  header(name: string): string | undefined
  readonly connection: ConnectionInfo
  /** Undefined when there is none: no Content-Length, no transfer coding, or a length of 0. */
  readonly body: IncomingBody | undefined
}

/** The connection that a request came on. */
export interface ConnectionInfo {
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string
  readonly localPort: number
  readonly encrypted: boolean
}

/** Who asks, and for which site: from the connection, or from what a trusted proxy says. */
export interface ClientInfo {
  /** The address of the client, as REMOTE_ADDR has it. */
  readonly address: string
  /** 0 when only a proxy knows it. */
  readonly port: number
  readonly https: boolean
  /** The host that was asked for, in lower case and without its port. */
  readonly host: string
  /** The port that was asked at. */
  readonly hostPort: number
}

/** A request body. */
export interface IncomingBody {
  /** Content-Length in bytes; undefined when only its end will tell, as with chunked coding. */
  readonly length: number | undefined
  /**
   * The bytes, once. Reading begins with the first `next()`, which is also when a client that sent `Expect: 100-continue` is told to go on.
   * Ending the iteration early gives the rest of the body up. Throws when the client goes away before the end.
   */
  [Symbol.asyncIterator](): AsyncIterator<Uint8Array>
}

/** Where an answer goes. Calls after `end` or `abort`, or when the client is gone, do nothing. */
export interface Reply {
  /** Whether the final head is out: after that, an error can only abort. */
  readonly headSent: boolean
  /** An interim response, such as 103; dropped where the protocol or the server has none. */
  informational(status: number, headers: HeaderFields): void
  /** The final head, once. @param statusText empty for the usual one */
  head(status: number, statusText: string, headers: HeaderFields): void
  /**
   * The next bytes of the body; the reply may keep them, so nobody may write into them again.
   * @param free Called at most once, when nobody reads the bytes any more: then they may be written to after all. Not every reply knows.
   * @returns false when the client is slower: more is taken, but `onDrain` tells when it is wanted.
   */
  write(chunk: Uint8Array, free?: () => void): boolean
  /** The end of a whole answer, with its last bytes. @param free As of `write`. */
  end(chunk?: Uint8Array, free?: () => void): void
  /** The answer cannot be completed: the connection (or the stream of HTTP/2) is reset, so that nobody takes it for whole. */
  abort(reason?: unknown): void
  /** Called each time that more is wanted after `write` returned false. One callback: the last one that was set. */
  onDrain(callback: () => void): void
  /** Called once when all is over: sent, aborted, or the client is gone. Every callback that was set is called. */
  onClose(callback: () => void): void
}
