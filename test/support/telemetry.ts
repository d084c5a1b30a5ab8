// OpenTelemetry's own SDK with exporters into memory, registered for the time of a test.

import type { TestContext } from 'node:test'
import {
  context,
  diag,
  DiagLogLevel,
  metrics,
  propagation,
  SpanStatusCode,
  trace,
  type HrTime,
  type Tracer,
} from '@opentelemetry/api'
import { MeterProvider, MetricReader, type MetricData } from '@opentelemetry/sdk-metrics'
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  SimpleSpanProcessor,
  type NodeTracerConfig,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-node'
import { FastCGIInstrumentation, type FastCGIInstrumentationConfig } from '@fastcgi/client/otel'

class Reader extends MetricReader {
  protected override onShutdown(): Promise<void> {
    return Promise.resolve()
  }

  protected override onForceFlush(): Promise<void> {
    return Promise.resolve()
  }
}

/** What one attribute set of a metric has come to. */
export interface Point {
  readonly attributes: Readonly<Record<string, unknown>>
  readonly value: unknown
}

export class Telemetry {
  readonly instrumentation: FastCGIInstrumentation
  readonly tracer: Tracer
  /** What was told to OpenTelemetry's own log. */
  readonly complaints: string[] = []
  readonly #exporter = new InMemorySpanExporter()
  readonly #reader = new Reader()

  constructor(t: TestContext, config: FastCGIInstrumentationConfig, tracing: NodeTracerConfig) {
    const complain = (...words: unknown[]): void => {
      this.complaints.push(words.map(String).join(' '))
    }
    const silent = (): void => {}
    const logger = { error: complain, warn: silent, info: silent, debug: silent, verbose: silent }
    diag.setLogger(logger, { logLevel: DiagLogLevel.ERROR, suppressOverrideMessage: true })
    const spanProcessors = [new SimpleSpanProcessor(this.#exporter)]
    const provider = new NodeTracerProvider({ spanProcessors, ...tracing })
    provider.register()
    metrics.setGlobalMeterProvider(new MeterProvider({ readers: [this.#reader] }))
    this.tracer = provider.getTracer('test')
    this.instrumentation = new FastCGIInstrumentation(config)
    t.after(() => {
      this.instrumentation.disable()
      for (const api of [trace, metrics, propagation, context, diag]) api.disable()
    })
  }

  /** All spans that have ended. */
  get spans(): ReadableSpan[] {
    return this.#exporter.getFinishedSpans()
  }

  /** The spans of requests. */
  get requests(): ReadableSpan[] {
    return this.spans.filter(({ name }) => !name.startsWith('fastcgi.') && name !== 'parent')
  }

  reset(): void {
    this.#exporter.reset()
  }

  /** Runs it inside of a span of its own. */
  async within<T>(run: () => Promise<T>): Promise<{ result: T; traceId: string; spanId: string }> {
    return this.tracer.startActiveSpan('parent', async (span) => {
      try {
        return { result: await run(), ...span.spanContext() }
      } finally {
        span.end()
      }
    })
  }

  /** The points of a metric, as they are now. */
  async metric(name: string): Promise<{ data: MetricData | undefined; points: Point[] }> {
    const { resourceMetrics } = await this.#reader.collect()
    const all = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics)
    const data = all.find(({ descriptor }) => descriptor.name === name)
    return { data, points: data?.dataPoints ?? [] }
  }
}

export function startTelemetry(
  t: TestContext,
  config: FastCGIInstrumentationConfig = {},
  tracing: NodeTracerConfig = {},
): Telemetry {
  return new Telemetry(t, config, tracing)
}

/** A tree of spans as text: a line for each, below its parent, by start; one that failed with the type of its error. */
export function treeOf(spans: readonly ReadableSpan[]): string[] {
  const ids = new Set(spans.map((span) => span.spanContext().spanId))
  const below = (id: string | undefined, depth: number): string[] =>
    spans
      .filter(({ parentSpanContext: parent }) =>
        id === undefined ? !parent || !ids.has(parent.spanId) : parent?.spanId === id,
      )
      .toSorted((a, b) => nanoseconds(a.startTime) - nanoseconds(b.startTime))
      .flatMap((span) =>
        [' '.repeat(depth) + span.name + failureOf(span)].concat(
          below(span.spanContext().spanId, depth + 1),
        ),
      )
  return below(undefined, 0)
}

function failureOf({ status, attributes }: ReadableSpan): string {
  return status.code === SpanStatusCode.ERROR ? ` ! ${String(attributes['error.type'])}` : ''
}

/** Since the day began in which the tests run: as exact as a number can be. */
export function nanoseconds([seconds, nanos]: HrTime): number {
  return (seconds % 86_400) * 1e9 + nanos
}
