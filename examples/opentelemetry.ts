// One trace from a server through the pool to PHP, printed as a tree of spans.
//
//   node build/examples/opentelemetry.js [ADDRESS] [SCRIPT]

import { trace } from '@opentelemetry/api'
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-node'
import { Pool } from '@fastcgi/client'
import { FastCGIInstrumentation } from '@fastcgi/client/otel'

const [address = 'unix:/run/php/php-fpm.sock', script = '/srv/env.php'] = process.argv.slice(2)

// In an application, NodeSDK with an exporter to a collector does this.
const exporter = new InMemorySpanExporter()
new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register()
const instrumentation = new FastCGIInstrumentation()

const pool = new Pool(address, { name: 'shop' })
await trace.getTracer('shop').startActiveSpan('checkout', async (span) => {
  const { stdout } = await pool.execute({
    params: { REQUEST_METHOD: 'GET', SCRIPT_FILENAME: script, SCRIPT_NAME: '/env.php' },
  })
  const told = /"HTTP_TRACEPARENT":"([^"]+)"/.exec(Buffer.from(stdout).toString())?.[1]
  console.log(`PHP works for ${told}`)
  span.end()
})
await pool.close()
instrumentation.disable()

print(undefined, '')

function print(parent: string | undefined, indent: string): void {
  for (const span of exporter.getFinishedSpans()) {
    if (span.parentSpanContext?.spanId !== parent) continue
    const [seconds, nanoseconds] = span.duration
    console.log(`${indent}${span.name}  ${(seconds * 1e3 + nanoseconds / 1e6).toFixed(2)} ms`)
    print(span.spanContext().spanId, `${indent}  `)
  }
}
