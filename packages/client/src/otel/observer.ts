// What diagnostics channels tell, put together for each request: its span, its metrics, and the context that PHP is told.

import {
  context as contexts,
  INVALID_SPAN_CONTEXT,
  SpanKind,
  trace,
  type Attributes,
  type Context,
  type Tracer,
} from '@opentelemetry/api'
import { now } from '../connection/alarm.ts'
import type {
  ConnectionErrorMessage,
  ConnectionOpenMessage,
  PoolMessage,
  PoolState,
  RequestCreateMessage,
  RequestEndMessage,
  RequestErrorMessage,
  RequestHeadersMessage,
  RequestQueueMessage,
  RequestSentMessage,
  RequestStartMessage,
  RequestStderrMessage,
} from '../diagnostics.ts'
import { TimeoutError } from '../errors.ts'
import {
  addRequest,
  Attribute,
  errorType,
  knownMethod,
  poolAttributes,
  spanName,
} from './attributes.ts'
import { attempt } from './attempt.ts'
import { Clock } from './clock.ts'
import type { FastCGIInstrumentationConfig, ObservedRequest } from './config.ts'
import type { Metrics } from './metrics.ts'
import { Pools } from './pools.ts'
import { injectParams } from './propagation.ts'
import { RequestTrace, type Dial } from './request-trace.ts'
import { statusOf } from './status.ts'

/** What is known of a request that is under way. */
interface Observed {
  readonly clock: Clock
  readonly pool: string
  /** In which its span is the active one. */
  readonly context: Context
  /** Of its metrics; completed at the end. */
  readonly attributes: Attributes
  /** Only of a request that is sampled. */
  readonly trace: RequestTrace | undefined
  /** Since when it has waited for a connection, on the clock of `now()`. */
  waitsSince: number
  /** Since when it has had one; undefined while it has none. */
  startedAt: number | undefined
  status: number | undefined
}

export class Observer {
  readonly pools: Pools = new Pools()
  tracer: Tracer
  metrics: Metrics | undefined
  config: FastCGIInstrumentationConfig
  readonly #requests = new WeakMap<object, Observed>()
  /** By the connection that was opened, or by the error that there was instead. */
  readonly #dials = new WeakMap<object, Dial>()
  readonly #poolAttributes = new WeakMap<PoolState, Attributes>()

  constructor(tracer: Tracer, config: FastCGIInstrumentationConfig) {
    this.tracer = tracer
    this.config = config
  }

  poolCreated({ pool }: PoolMessage): void {
    this.pools.add(pool)
  }

  poolClosed({ pool }: PoolMessage): void {
    this.pools.delete(pool)
  }

  connectionOpened({ pool, connection, duration }: ConnectionOpenMessage): void {
    const to = now()
    this.#dials.set(connection, { from: to - duration, to })
    this.metrics?.opened(duration, pool)
  }

  connectionFailed({ error, duration }: ConnectionErrorMessage): void {
    const to = now()
    // An abort may have been given anything for a reason.
    if (isObject(error)) this.#dials.set(error, { from: to - duration, to })
  }

  requestCreated(message: RequestCreateMessage): void {
    const { pool } = message
    // One that is older than this observer has not been heard of before.
    this.pools.add(pool)
    const info: ObservedRequest = {
      address: message.address,
      pool: pool.name,
      param: message.param,
    }
    if (attempt('ignoreRequest', () => this.config.ignoreRequest?.(info))) return
    const clock = new Clock()
    const { trace: traced, context } = this.#begin(message, info, clock)
    const attributes = { ...this.#attributesOf(pool) }
    const method = message.param('REQUEST_METHOD')
    if (method !== undefined) attributes[Attribute.Method] = knownMethod(method)
    this.#requests.set(message.request, {
      clock,
      pool: pool.name,
      context,
      attributes,
      trace: traced,
      waitsSince: clock.start,
      startedAt: undefined,
      status: undefined,
    })
    if (this.config.propagate ?? true) attempt('propagation', () => injectParams(message, context))
  }

  requestQueued({ request }: RequestQueueMessage): void {
    const observed = this.#requests.get(request)
    if (!observed) return
    const at = now()
    this.#released(observed, at)
    observed.trace?.queued(at)
  }

  requestStarted({ request, connection, reused }: RequestStartMessage): void {
    const observed = this.#requests.get(request)
    if (!observed) return
    const at = now()
    observed.startedAt = at
    observed.trace?.started(at, reused, reused ? undefined : this.#dials.get(connection))
    this.metrics?.waited(at - observed.waitsSince, observed.pool, observed.context)
  }

  requestSent({ request }: RequestSentMessage): void {
    this.#requests.get(request)?.trace?.sent(now())
  }

  requestAnswered({ request, data }: RequestHeadersMessage): void {
    const observed = this.#requests.get(request)
    if (!observed) return
    observed.trace?.answered(now())
    observed.status = statusOf(data)
  }

  requestComplained({ request, data }: RequestStderrMessage): void {
    if (this.config.stderr ?? true) this.#requests.get(request)?.trace?.stderr(now(), data)
  }

  requestEnded({ request, appStatus, protocolStatus }: RequestEndMessage): void {
    const observed = this.#take(request)
    if (!observed) return
    const { status } = observed
    const at = now()
    const failure = status !== undefined && status >= 500 ? String(status) : undefined
    try {
      this.#measured(observed, at, failure)
    } finally {
      // A span that is never ended is never exported.
      observed.trace?.ended(at, status, appStatus, protocolStatus)
    }
  }

  requestFailed({ request, error }: RequestErrorMessage): void {
    const observed = this.#take(request)
    if (!observed) return
    const at = now()
    const dial = isObject(error) ? this.#dials.get(error) : undefined
    try {
      this.#measured(observed, at, errorType(error))
      if (error instanceof TimeoutError && (error.phase === 'queue' || error.phase === 'connect')) {
        this.metrics?.timedOut(observed.pool, observed.context)
      }
    } finally {
      observed.trace?.failed(at, observed.status, error, dial)
    }
  }

  /** Its span, as far as it gets one. Whoever called `dispatch` is still there, so the active span is the parent. */
  #begin(
    message: RequestCreateMessage,
    info: ObservedRequest,
    clock: Clock,
  ): { trace: RequestTrace | undefined; context: Context } {
    const parent = contexts.active()
    if (this.config.requireParentSpan && !hasSpan(parent)) {
      return { trace: undefined, context: parent }
    }
    const attributes = { ...this.#attributesOf(message.pool) }
    addRequest(attributes, message, this.config.captureQuery ?? false)
    const options = { kind: SpanKind.CLIENT, startTime: clock.time(clock.start), attributes }
    const span = this.tracer.startSpan(spanName(message), options, parent)
    const context = trace.setSpan(parent, span)
    if (!span.isRecording()) return { trace: undefined, context }
    attempt('requestHook', () => this.config.requestHook?.(span, info))
    const phases = this.config.phases ?? true
    return { trace: new RequestTrace(this.tracer, span, context, clock, phases), context }
  }

  #attributesOf(pool: PoolState): Attributes {
    const known = this.#poolAttributes.get(pool)
    if (known) return known
    const attributes = poolAttributes(pool)
    this.#poolAttributes.set(pool, attributes)
    return attributes
  }

  #take(request: object): Observed | undefined {
    const observed = this.#requests.get(request)
    this.#requests.delete(request)
    return observed
  }

  /** It has a connection no more. */
  #released(observed: Observed, at: number): void {
    if (observed.startedAt === undefined) return
    this.metrics?.used(at - observed.startedAt, observed.pool, observed.context)
    observed.startedAt = undefined
    observed.waitsSince = at
  }

  #measured(observed: Observed, at: number, failure: string | undefined): void {
    this.#released(observed, at)
    const { attributes } = observed
    if (observed.status !== undefined) attributes[Attribute.StatusCode] = observed.status
    if (failure !== undefined) attributes[Attribute.ErrorType] = failure
    this.metrics?.ended(at - observed.clock.start, attributes, observed.context)
  }
}

function hasSpan(context: Context): boolean {
  const id = trace.getSpanContext(context)?.traceId
  return id !== undefined && id !== INVALID_SPAN_CONTEXT.traceId
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
