// What a gateway counts of its requests. Outlives the gateway: a reload goes on counting.

import { isFastCGIError } from '@fastcgi/client'
import { recordOf, type RecordedReply } from '../adapters/reply-record.ts'
import type { Exchange, Middleware } from '../exchange.ts'
import { Counter, Histogram } from '../server/counters.ts'
import type { MetricFamily } from '../server/metric-families.ts'

/** In seconds: from a static file to a report that takes a minute. */
const DURATIONS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

export class RequestMetrics {
  readonly #requests = new Counter(
    'fcgi_http_requests_total',
    'Requests that are over, by site, class of status and how they ended.',
  )
  readonly #durations = new Histogram(
    'fcgi_http_request_duration_seconds',
    'Time from the head of a request to the end of its answer.',
    DURATIONS,
  )
  readonly #received = new Counter(
    'fcgi_http_request_body_bytes_total',
    'Bytes of request bodies, as their length was announced.',
  )
  readonly #sent = new Counter(
    'fcgi_http_response_body_bytes_total',
    'Bytes of bodies that were handed to clients.',
  )
  readonly #failures = new Counter(
    'fcgi_backend_errors_total',
    'Requests that failed, by backend and code of the error.',
  )
  #active = 0

  /** To be the outermost middleware. */
  readonly middleware: Middleware = (next) => (exchange) => {
    this.#active++
    const record = recordOf(exchange)
    const received = exchange.request.body?.length
    exchange.onClose(() => this.#count(exchange, record, received))
    return next(exchange)
  }

  /** How many requests are under way. */
  get active(): number {
    return this.#active
  }

  get families(): MetricFamily[] {
    return [
      this.#requests.family,
      this.#durations.family,
      this.#received.family,
      this.#sent.family,
      this.#failures.family,
      {
        name: 'fcgi_http_requests_active',
        help: 'Requests that are under way.',
        type: 'gauge',
        samples: [{ labels: {}, value: this.#active }],
      },
    ]
  }

  #count(exchange: Exchange, record: RecordedReply, received = 0): void {
    this.#active--
    const site = exchange.site?.name ?? ''
    const { status, bytes, outcome = 'closed' } = record
    this.#requests.add({ site, status: `${Math.floor(status / 100)}xx`, outcome })
    this.#durations.observe({ site }, (performance.now() - exchange.startedAt) / 1000)
    if (received > 0) this.#received.add({ site }, received)
    if (bytes > 0) this.#sent.add({ site }, bytes)
    if (isFastCGIError(exchange.error)) {
      const backend = exchange.site?.backend?.name ?? ''
      this.#failures.add({ backend, code: exchange.error.code })
    }
  }
}
