// The span of one request, and below it a waterfall of what it was doing, told when each phase is over:
//
//   GET /index.php  ├──────────────────────────────────────────┤
//     fastcgi.queue   ├─────────┤
//       fastcgi.connect  ├──────┤         only when this request waited for it
//     fastcgi.send                ├──┤
//     fastcgi.wait                    ├─────────┤     to the first byte of the answer
//     fastcgi.receive                            ├──────┤
//
// A request that is sent again has queue, send and wait twice. An answer that begins before the upload is over leaves no wait.

import { SpanStatusCode, trace, type Context, type Span, type Tracer } from '@opentelemetry/api'
import { Attribute, errorType } from './attributes.ts'
import type { Clock } from './clock.ts'

/** When a connection was opened, or was not, on the clock of `now()`. */
export interface Dial {
  readonly from: number
  readonly to: number
}

interface Failure {
  readonly type: string
  readonly message: string
}

// PHP repeats itself: the first pieces tell what is wrong.
const MAX_STDERR_EVENTS = 16
const MAX_STDERR_BYTES = 1024
const LOST: Failure = {
  type: 'FCGI_ERR_SOCKET',
  message: 'the connection was lost; the request is sent again',
}
const utf8 = new TextDecoder()

/** All moments are on the clock of `now()`. Only for a span that is recorded. */
export class RequestTrace {
  readonly #tracer: Tracer
  readonly #span: Span
  readonly #context: Context
  readonly #clock: Clock
  readonly #phases: boolean
  #queuedAt: number | undefined
  #startedAt: number | undefined
  #sentAt: number | undefined
  #answeredAt: number | undefined
  #resends = 0
  #stderrEvents = 0

  /** @param context In which the span is the active one. */
  constructor(tracer: Tracer, span: Span, context: Context, clock: Clock, phases: boolean) {
    this.#tracer = tracer
    this.#span = span
    this.#context = context
    this.#clock = clock
    this.#phases = phases
  }

  queued(at: number): void {
    if (this.#startedAt !== undefined) {
      this.#resends++
      this.#endAttempt(at, LOST)
    }
    this.#queuedAt ??= at
  }

  /** @param dial How its connection was opened, when that was not for a request before. */
  started(at: number, reused: boolean, dial: Dial | undefined): void {
    this.#endQueue(at, dial)
    this.#startedAt = at
    this.#span.setAttribute(Attribute.ConnectionReused, reused)
  }

  sent(at: number): void {
    this.#sentAt = at
  }

  answered(at: number): void {
    this.#answeredAt = at
  }

  stderr(at: number, data: Uint8Array): void {
    if (++this.#stderrEvents > MAX_STDERR_EVENTS) return
    const text = utf8.decode(data.subarray(0, MAX_STDERR_BYTES))
    this.#span.addEvent('fastcgi.stderr', { [Attribute.Stderr]: text }, this.#clock.time(at))
  }

  ended(at: number, status: number | undefined, appStatus: number, protocolStatus: number): void {
    this.#endAttempt(at)
    this.#span.setAttributes({
      [Attribute.AppStatus]: appStatus,
      [Attribute.ProtocolStatus]: protocolStatus,
    })
    // As for a server: 4xx is what the visitor did, and no failure of the application.
    if (status !== undefined && status >= 500) {
      this.#span.setAttribute(Attribute.ErrorType, String(status))
      this.#span.setStatus({ code: SpanStatusCode.ERROR })
    }
    this.#end(at, status)
  }

  /** @param dial The attempt to connect that failed it. */
  failed(at: number, status: number | undefined, error: unknown, dial: Dial | undefined): void {
    const failure = failureOf(error)
    this.#endQueue(at, dial, failure)
    this.#endAttempt(at, failure)
    const exception = error instanceof Error ? error : failure.message
    this.#span.recordException(exception, this.#clock.time(at))
    fail(this.#span, failure)
    this.#end(at, status)
  }

  #end(at: number, status: number | undefined): void {
    if (status !== undefined) this.#span.setAttribute(Attribute.StatusCode, status)
    if (this.#resends > 0) this.#span.setAttribute(Attribute.ResendCount, this.#resends)
    this.#span.end(this.#clock.time(at))
  }

  #endQueue(at: number, dial: Dial | undefined, failure?: Failure): void {
    const from = this.#queuedAt
    if (from === undefined) return
    this.#queuedAt = undefined
    if (!this.#phases) return
    const queue = this.#begin('fastcgi.queue', from, this.#context)
    // One that was open before had been opened for another request.
    if (dial && dial.to >= from) {
      const within = trace.setSpan(this.#context, queue)
      const connect = this.#begin('fastcgi.connect', Math.max(dial.from, from), within)
      this.#finish(connect, dial.to, failure)
    }
    this.#finish(queue, at, failure)
  }

  /** Everything that it did on one connection. */
  #endAttempt(at: number, failure?: Failure): void {
    const startedAt = this.#startedAt
    if (startedAt === undefined) return
    const sentAt = this.#sentAt
    const answeredAt = this.#answeredAt
    this.#startedAt = this.#sentAt = this.#answeredAt = undefined
    if (!this.#phases) return
    const failsHere = answeredAt === undefined ? failure : undefined
    this.#phase(
      'fastcgi.send',
      startedAt,
      sentAt ?? at,
      sentAt === undefined ? failsHere : undefined,
    )
    if (sentAt !== undefined && (answeredAt === undefined || answeredAt >= sentAt)) {
      this.#phase('fastcgi.wait', sentAt, answeredAt ?? at, failsHere)
    }
    if (answeredAt !== undefined) this.#phase('fastcgi.receive', answeredAt, at, failure)
  }

  #phase(name: string, from: number, to: number, failure: Failure | undefined): void {
    this.#finish(this.#begin(name, from, this.#context), to, failure)
  }

  #begin(name: string, at: number, context: Context): Span {
    return this.#tracer.startSpan(name, { startTime: this.#clock.time(at) }, context)
  }

  #finish(span: Span, at: number, failure: Failure | undefined): void {
    if (failure) fail(span, failure)
    span.end(this.#clock.time(at))
  }
}

function fail(span: Span, { type, message }: Failure): void {
  span.setAttribute(Attribute.ErrorType, type)
  span.setStatus({ code: SpanStatusCode.ERROR, message })
}

function failureOf(error: unknown): Failure {
  return { type: errorType(error), message: error instanceof Error ? error.message : wordOf(error) }
}

/** An abort may have been given anything for a reason, also what has no text. */
function wordOf(reason: unknown): string {
  return typeof reason === 'string' ? reason : Object.prototype.toString.call(reason)
}
