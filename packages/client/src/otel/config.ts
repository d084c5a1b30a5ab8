// What can be chosen about traces.

import type { Span } from '@opentelemetry/api'

/** A request, for the functions of a {@link FastCGIInstrumentationConfig}; it has not been sent yet. */
export interface ObservedRequest {
  /** Where it goes: `unix:/run/php/php-fpm.sock`, `tcp://php:9000`. */
  readonly address: string
  /** The name of its pool. */
  readonly pool: string
  /** A param as text, as the application will read it. */
  readonly param: (name: string) => string | undefined
}

/** Options of a {@link FastCGIInstrumentation}. */
export interface FastCGIInstrumentationConfig {
  /** Whether it is on as soon as it is made. @default true */
  enabled?: boolean
  /** Spans for queue, connect, send, wait and receive below that of the request, where the request is sampled. @default true */
  phases?: boolean
  /** What the application writes to stderr, as events of the span: the first 1,024 bytes of at most 16 pieces. @default true */
  stderr?: boolean
  /** The query string as `url.query`. It may hold what nobody should keep. @default false */
  captureQuery?: boolean
  /** The trace context as params, so that PHP reads `HTTP_TRACEPARENT` in place of what the client sent. @default true */
  propagate?: boolean
  /** No span for a request outside of one, such as a health check. Metrics count it. @default false */
  requireParentSpan?: boolean
  /** Neither a span, nor metrics, nor a trace context for requests for which it returns true. @default none */
  ignoreRequest?: (request: ObservedRequest) => boolean
  /** Called for every span of a request that is sampled, before the request is sent: names it anew, adds attributes. @default none */
  requestHook?: (span: Span, request: ObservedRequest) => void
}
