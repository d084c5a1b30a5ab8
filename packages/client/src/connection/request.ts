// What a caller says about a request, and what it is told.

import type { Role, Params, PreparedParams } from '../protocol/index.ts'

/**
 * The bytes of stdin. Strings are sent as UTF-8. The size of a string, of bytes, of an array of bytes and of a Blob is known; a stream or
 * another iterable is read once, as fast as the backend takes it. Its chunks must not be changed after they were handed over.
 */
export type StdinBody =
  | string
  | Uint8Array
  | readonly Uint8Array[]
  | Blob
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array | string>
  | Iterable<Uint8Array | string>

/** One FastCGI request. */
export interface FastCGIRequest {
  /**
   * The CGI variables. php-fpm needs SCRIPT_FILENAME and REQUEST_METHOD; the latter is GET for a Responder that is not told. They are read
   * when the request is sent or queued, and read again for a replay.
   */
  params: Params
  /** Params that were encoded before, sent ahead of `params`, in the order of a list: see `prepareParams`. */
  prepared?: PreparedParams | readonly PreparedParams[] | undefined
  /**
   * The body. CONTENT_LENGTH is added when its size is known; a stream without CONTENT_LENGTH in `params` is collected first, up to
   * `maxBufferedStdin`. A body that is shorter or longer than CONTENT_LENGTH fails the request. A stream is freed when the request ends
   * early; one that was not begun is left as it was, for another try. @default none
   */
  stdin?: StdinBody | null | undefined
  /** The file that a Filter works on, sent after stdin (FastCGI 1.0, §6.4). Only with `role: Role.Filter`. @default none */
  data?: StdinBody | null | undefined
  /** What the application is asked to be. @default Role.Responder */
  role?: Role | undefined
  /** `false` ends the connection with this request, for a script that goes on working after its answer. @default the client's `keepAlive` */
  keepAlive?: boolean | undefined
  /**
   * Whether running the request twice does no harm. Such a request is sent again, once, when a reused connection dies before the first
   * byte of the answer; any other one gets a connection that has not been used. @default true, but false for a REQUEST_METHOD that is neither GET, HEAD, OPTIONS, TRACE, PUT nor DELETE
   */
  idempotent?: boolean | undefined
}

/** How long one request may take, in ms; each is the client's own option unless given here, and `0` waits for ever. */
export interface RequestTimeouts {
  /** In the queue, until a connection takes the request; before that, between two pieces of a stdin that is collected. @default 30_000 */
  queueTimeout?: number | undefined
  /** From the last piece of the request that was sent to the first byte of stdout. @default 60_000 */
  headersTimeout?: number | undefined
  /** Between two pieces of the answer, while the reader does not hold it up. @default 60_000 */
  bodyTimeout?: number | undefined
  /** The whole request, from the call to its end. @default 0 */
  requestTimeout?: number | undefined
}

/** What can be said about one call. */
export interface RequestOptions extends RequestTimeouts {
  /** Aborts the request, in any phase; it then fails with `signal.reason`. */
  signal?: AbortSignal | undefined
}

/** How the application ended a request. */
export interface EndResult {
  /** The exit status of a CGI program; php-fpm always says 0. */
  readonly appStatus: number
  /** Always 0, REQUEST_COMPLETE: any other status is an error. */
  readonly protocolStatus: number
}

/**
 * What is told about a request, as it happens, without promises or streams in between. Exactly one of `onEnd` and `onError` is called,
 * once and last. A handler that throws in `onStdout` or `onStderr` fails the request with what it threw.
 */
export interface DispatchHandler {
  /** Bytes of stdout, valid only during the call: copy what you keep. */
  onStdout(data: Uint8Array): void
  /** Bytes of stderr, valid only during the call. @default drops them */
  onStderr?(data: Uint8Array): void
  /** The application said that the request is complete. */
  onEnd(result: EndResult): void
  /** The request failed: a FastCGIError, or the reason of the abort. */
  onError(error: unknown): void
}

/** Holds a request that was dispatched. */
export interface Dispatched {
  /** Asks for no more data: what was read already may still come, 64 KiB at most. */
  pause(): void
  /** Asks for data again. */
  resume(): void
  /** Gives the request up; `onError` is called with the reason. Does nothing when the request is over. */
  abort(reason?: unknown): void
}

/** The one thing that everything else is built on. */
export interface Dispatcher {
  /**
   * Runs a request and tells the handler what happens, as it happens. The handler is never called before `dispatch` has returned, and
   * every failure reaches its `onError`.
   * @throws TypeError on an argument of a wrong type.
   */
  dispatch(request: FastCGIRequest, handler: DispatchHandler, options?: RequestOptions): Dispatched
}
