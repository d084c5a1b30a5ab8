// Everything that can run a request is this one interface: a Client, a Pool, a MockPool, and what others build on them.

import type { Dispatcher, FastCGIRequest, RequestOptions } from '../connection/request.ts'
import type { FastCGIResponse, FastCGIStream } from './response.ts'

export interface Executor extends Dispatcher {
  /** Runs a request and collects the whole answer. Rejects with a FastCGIError, or with the signal's reason. */
  execute(request: FastCGIRequest, options?: RequestOptions): Promise<FastCGIResponse>
  /** Runs a request when it is iterated, and hands on stdout and stderr as they come. */
  stream(request: FastCGIRequest, options?: RequestOptions): FastCGIStream
  /** Takes no new requests, finishes those that there are, then closes all connections. */
  close(): Promise<void>
  /** Closes all connections now; every request that is not over fails with the reason. @default a ClosedError */
  destroy(reason?: Error): void
}
