// The switch: an instrumentation in the shape that OpenTelemetry's SDK registers, over diagnostics channels. Nothing is patched.
//
// Rule: whatever a provider, a propagator or a hook throws is told to `diag`, and never to a request.

import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import {
  metrics,
  trace,
  type Meter,
  type MeterProvider,
  type Tracer,
  type TracerProvider,
} from '@opentelemetry/api'
import { channelNames, type ChannelMessages } from '../diagnostics.ts'
import { attempt, NAME } from './attempt.ts'
import type { FastCGIInstrumentationConfig } from './config.ts'
import { Metrics } from './metrics.ts'
import { Observer } from './observer.ts'

export type { FastCGIInstrumentationConfig, ObservedRequest } from './config.ts'

const VERSION = '0.0.0'

type Listener = (message: unknown) => void

/**
 * Spans and metrics for all requests of this process, whichever pool they go through, and the trace context for PHP. Has the shape of an
 * `Instrumentation` of OpenTelemetry: hand it to `NodeSDK` or `registerInstrumentations`, or make it after the providers are registered.
 * @example
 * const sdk = new NodeSDK({ instrumentations: [new FastCGIInstrumentation()] })
 * sdk.start()
 */
export class FastCGIInstrumentation {
  readonly instrumentationName: string = NAME
  readonly instrumentationVersion: string = VERSION
  readonly #observer: Observer
  readonly #listeners: ReadonlyMap<string, Listener>
  #meter: Meter
  #config: FastCGIInstrumentationConfig
  #enabled = false

  constructor(config: FastCGIInstrumentationConfig = {}) {
    this.#config = { enabled: true, ...config }
    this.#observer = new Observer(trace.getTracer(NAME, VERSION), this.#config)
    this.#meter = metrics.getMeter(NAME, VERSION)
    this.#listeners = listenersOf(this.#observer)
    if (this.#config.enabled) this.enable()
  }

  /** Begins to listen. Does nothing when it is on. */
  enable(): void {
    if (this.#enabled) return
    this.#enabled = true
    this.#measure()
    for (const [name, listen] of this.#listeners) subscribe(name, listen)
  }

  /** Listens no more, and then costs nothing. Spans of requests that are not over yet are never ended, and so never exported. */
  disable(): void {
    if (!this.#enabled) return
    this.#enabled = false
    for (const [name, listen] of this.#listeners) unsubscribe(name, listen)
    this.#observer.metrics?.dispose()
    this.#observer.metrics = undefined
  }

  /** @param provider @default the global one, whenever it is registered */
  setTracerProvider(provider: TracerProvider): void {
    const tracer: Tracer = provider.getTracer(NAME, VERSION)
    this.#observer.tracer = tracer
  }

  /** @param provider @default the global one at the time when this was made */
  setMeterProvider(provider: MeterProvider): void {
    this.#meter = provider.getMeter(NAME, VERSION)
    if (this.#enabled) this.#measure()
  }

  /** For requests that begin from now on. */
  setConfig(config: FastCGIInstrumentationConfig): void {
    this.#config = { enabled: true, ...config }
    this.#observer.config = this.#config
  }

  getConfig(): FastCGIInstrumentationConfig {
    return this.#config
  }

  #measure(): void {
    this.#observer.metrics?.dispose()
    this.#observer.metrics = new Metrics(this.#meter, this.#observer.pools)
  }
}

function listenersOf(observer: Observer): ReadonlyMap<string, Listener> {
  return new Map([
    listener('poolCreate', (message) => observer.poolCreated(message)),
    listener('poolClose', (message) => observer.poolClosed(message)),
    listener('connectionOpen', (message) => observer.connectionOpened(message)),
    listener('connectionError', (message) => observer.connectionFailed(message)),
    listener('requestCreate', (message) => observer.requestCreated(message)),
    listener('requestQueue', (message) => observer.requestQueued(message)),
    listener('requestStart', (message) => observer.requestStarted(message)),
    listener('requestSent', (message) => observer.requestSent(message)),
    listener('requestHeaders', (message) => observer.requestAnswered(message)),
    listener('requestStderr', (message) => observer.requestComplained(message)),
    listener('requestEnd', (message) => observer.requestEnded(message)),
    listener('requestError', (message) => observer.requestFailed(message)),
  ])
}

function listener<Key extends keyof ChannelMessages>(
  key: Key,
  tell: (message: ChannelMessages[Key]) => void,
): [string, Listener] {
  const name = channelNames[key]
  return [name, (message) => attempt(name, () => tell(message as ChannelMessages[Key]))]
}
