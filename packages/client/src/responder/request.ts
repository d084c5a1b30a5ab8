// What an application is given: the request, and the way to answer it.

import type { RawPair } from '../protocol/index.ts'

/** A request, as soon as its params are complete; stdin may still be on its way. */
export interface ResponderRequest {
  /** 1 Responder, 2 Authorizer, 3 Filter. */
  readonly role: number
  /** Whether the web server keeps the connection for further requests. */
  readonly keepConn: boolean
  /** The params as UTF-8 text; of two with one name the last. */
  readonly params: ReadonlyMap<string, string>
  /** The params as bytes, in order, with duplicates. */
  readonly rawParams: readonly RawPair[]
  /**
   * The body, as it arrives. What is not read holds the web server up, and is dropped when the request ends. Reading it fails when it
   * ends before, or goes on after, CONTENT_LENGTH.
   */
  readonly stdin: ReadableStream<Uint8Array>
  /** The file that a Filter works on (FastCGI 1.0, §6.4); it comes after stdin, so read that first. */
  readonly data: ReadableStream<Uint8Array>
  /** Aborts when the web server gives the request up, or the connection is lost. */
  readonly signal: AbortSignal
}

/** The way to answer. Everything may be called until the handler has returned or `end` was called. */
export interface ResponderReply {
  /** Writes to stdout; strings as UTF-8. Resolves when the connection takes more. @throws ClosedError when the request is over */
  stdout(data: string | Uint8Array): Promise<void>
  /** Writes to stderr, which web servers put into their log. Resolves and throws as `stdout` does. */
  stderr(data: string | Uint8Array): Promise<void>
  /** Closes the connection without ending the request: what was written so far is no whole answer. */
  destroy(): void
  /** Ends the request before the handler returns, for work that the client need not wait for. @param appStatus @default 0 */
  end(appStatus?: number): void
}

/**
 * Answers a request. The request ends when the handler has returned (or its promise has resolved); a number is its appStatus.
 * A handler that throws ends the request with appStatus 1, and what it threw goes to stderr.
 */
export type ResponderHandler = (
  request: ResponderRequest,
  reply: ResponderReply,
) => void | number | Promise<void | number>

/** How an application presents itself. */
export interface ResponderOptions {
  /** The roles it plays; another one is refused with UNKNOWN_ROLE. @default [Role.Responder] */
  roles?: readonly number[] | undefined
  /** Whether one connection may carry several requests at a time; otherwise a second one is refused with CANT_MPX_CONN. @default false */
  multiplex?: boolean | undefined
  /** What FCGI_GET_VALUES is answered with, beside FCGI_MPXS_CONNS. @default none */
  values?: Readonly<Record<string, string>> | undefined
  /** The most that the params of a request may take, in bytes; more is a protocol error. @default 1_048_576 (1 MiB) */
  maxParamsSize?: number | undefined
}
