// Metrics of requests and pools, modelled on OpenTelemetry's `db.client.connection.*`, which is what dashboards of pools are made for.

import type {
  Attributes,
  BatchObservableResult,
  Context,
  Histogram,
  Meter,
} from '@opentelemetry/api'
import { ValueType, type Counter, type Observable } from '@opentelemetry/api'
import { Attribute } from './attributes.ts'
import type { Pools } from './pools.ts'

// In s: those that OpenTelemetry recommends for HTTP …
const REQUEST_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
// … and finer ones, because a socket of the same machine is open within a tenth of a millisecond.
const CONNECTION_BUCKETS = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]

const PREFIX = 'fastcgi.client.connection'

/** Where one meter keeps what happens. All times come in ms and go out in s. */
export class Metrics {
  readonly #meter: Meter
  readonly #pools: Pools
  readonly #duration: Histogram
  readonly #createTime: Histogram
  readonly #waitTime: Histogram
  readonly #useTime: Histogram
  readonly #timeouts: Counter
  readonly #count: Observable
  readonly #max: Observable
  readonly #pending: Observable
  readonly #observed: Observable[]

  constructor(meter: Meter, pools: Pools) {
    this.#meter = meter
    this.#pools = pools
    const seconds = (name: string, description: string, buckets: number[]): Histogram =>
      meter.createHistogram(name, {
        description,
        unit: 's',
        advice: { explicitBucketBoundaries: buckets },
      })
    const gauge = (name: string, description: string, unit: string): Observable =>
      meter.createObservableUpDownCounter(`${PREFIX}.${name}`, {
        description,
        unit,
        valueType: ValueType.INT,
      })
    this.#duration = seconds(
      'fastcgi.client.request.duration',
      'From the call to the end of the answer.',
      REQUEST_BUCKETS,
    )
    this.#createTime = seconds(
      `${PREFIX}.create_time`,
      'How long it took to open a connection.',
      CONNECTION_BUCKETS,
    )
    this.#waitTime = seconds(
      `${PREFIX}.wait_time`,
      'How long a request waited for a connection.',
      CONNECTION_BUCKETS,
    )
    this.#useTime = seconds(
      `${PREFIX}.use_time`,
      'How long a request kept a connection.',
      CONNECTION_BUCKETS,
    )
    this.#timeouts = meter.createCounter(`${PREFIX}.timeouts`, {
      description: 'Requests that did not get a connection in time.',
      unit: '{timeout}',
      valueType: ValueType.INT,
    })
    this.#count = gauge('count', 'Open connections, by their state.', '{connection}')
    this.#max = gauge('max', 'The most connections that may be open.', '{connection}')
    this.#pending = gauge('pending_requests', 'Requests that wait for a connection.', '{request}')
    this.#observed = [this.#count, this.#max, this.#pending]
    meter.addBatchObservableCallback(this.#observe, this.#observed)
  }

  /** Stops looking at pools. */
  dispose(): void {
    this.#meter.removeBatchObservableCallback(this.#observe, this.#observed)
  }

  ended(duration: number, attributes: Attributes, context: Context): void {
    this.#duration.record(duration / 1000, attributes, context)
  }

  opened(duration: number, pool: string): void {
    this.#createTime.record(duration / 1000, { [Attribute.PoolName]: pool })
  }

  waited(duration: number, pool: string, context: Context): void {
    this.#waitTime.record(duration / 1000, { [Attribute.PoolName]: pool }, context)
  }

  used(duration: number, pool: string, context: Context): void {
    this.#useTime.record(duration / 1000, { [Attribute.PoolName]: pool }, context)
  }

  timedOut(pool: string, context: Context): void {
    this.#timeouts.add(1, { [Attribute.PoolName]: pool }, context)
  }

  readonly #observe = (result: BatchObservableResult): void => {
    for (const [name, { idle, used, max, pending }] of this.#pools.totals()) {
      const pool = { [Attribute.PoolName]: name }
      result.observe(this.#count, idle, { ...pool, [Attribute.PoolState]: 'idle' })
      result.observe(this.#count, used, { ...pool, [Attribute.PoolState]: 'used' })
      result.observe(this.#max, max, pool)
      result.observe(this.#pending, pending, pool)
    }
  }
}
