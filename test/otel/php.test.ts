// PHP itself, told which span it works for: by a pool, and by the gateway.

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { before, test, type TestContext } from 'node:test'
import { context, propagation, ROOT_CONTEXT, trace } from '@opentelemetry/api'
import { Pool } from '@fastcgi/client'
import { createFetch } from '@fastcgi/client/http'
import { createGateway } from '@fastcgi/gateway'
import { startFpm } from '../support/fpm.js'
import { PHP_ROOT } from '../support/paths.js'
import { startTelemetry, treeOf, type Telemetry } from '../support/telemetry.js'
import { fileScope } from '../support/process.ts'

let address: string

const scope = fileScope()

before(async () => {
  address = (await startFpm(scope, { workers: 4 })).address
})

const ENV = { params: { SCRIPT_FILENAME: join(PHP_ROOT, 'env.php'), SCRIPT_NAME: '/env.php' } }

/** The trace context that PHP was told, taken apart. */
function told(page: string): { traceId: string | undefined; spanId: string | undefined } {
  const body = page.slice(page.indexOf('{'))
  const { HTTP_TRACEPARENT: header } = JSON.parse(body) as Record<string, string>
  const [, traceId, spanId] = header?.split('-') ?? []
  return { traceId, spanId }
}

/** A pool with so few connections that requests wait, each in its turn. */
function poolOf(t: TestContext): Pool {
  const pool = new Pool(address, { connections: 3 })
  t.after(() => pool.destroy())
  return pool
}

test('PHP is told the span of its request, state and baggage included', async (t) => {
  const telemetry = startTelemetry(t)
  const pool = poolOf(t)
  const incoming = propagation.extract(ROOT_CONTEXT, {
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    tracestate: 'vendor=1',
    baggage: 'tenant=acme',
  })
  const answer = await context.with(incoming, () => pool.execute(ENV))
  const [span] = telemetry.requests
  const page = answer.text()
  assert.equal(span?.spanContext().traceId, '0af7651916cd43dd8448eb211c80319c')
  assert.deepEqual(told(page), {
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: span?.spanContext().spanId,
  })
  assert.match(page, /"HTTP_TRACESTATE":"vendor=1"/)
  assert.match(page, /"HTTP_BAGGAGE":"tenant=acme"/)
  assert.equal(span?.attributes['http.response.status_code'], 200)
  assert.equal(span?.attributes['server.address'], address.replace('unix:', ''))
})

test('fifty requests at a time each belong to the span that they were made in', async (t) => {
  const telemetry = startTelemetry(t)
  const pool = poolOf(t)
  const all = await Promise.all(
    Array.from({ length: 50 }, () => telemetry.within(() => pool.execute(ENV))),
  )
  const byId = new Map(telemetry.requests.map((span) => [span.spanContext().spanId, span]))
  assert.equal(byId.size, 50)
  assert.equal(new Set(all.map(({ traceId }) => traceId)).size, 50)
  for (const { result, traceId, spanId } of all) {
    const seen = told(result.text())
    assert.equal(seen.traceId, traceId)
    assert.equal(byId.get(seen.spanId ?? '')?.parentSpanContext?.spanId, spanId)
  }
  const connects = telemetry.spans.filter(({ name }) => name === 'fastcgi.connect')
  assert.ok(connects.length >= 1 && connects.length <= 3, `${connects.length} connects`)
})

test('a fetch of a PHP page is a child of the span around it, with a body, too', async (t) => {
  const telemetry = startTelemetry(t)
  const fetchPhp = createFetch(poolOf(t), { root: PHP_ROOT })
  const body = (): ReadableStream => new Blob(['a=1']).stream()
  for (const init of [{}, { method: 'POST', body: body(), duplex: 'half' as const }]) {
    const { result, spanId } = await telemetry.within(async () =>
      (await fetchPhp(new Request('http://localhost/env.php', init))).text(),
    )
    const span = telemetry.requests.at(-1)
    assert.equal(span?.parentSpanContext?.spanId, spanId)
    assert.equal(told(result).spanId, span?.spanContext().spanId)
  }
})

/** A gateway behind a server that begins a span for each request, as the instrumentation of node:http does. */
async function serve(t: TestContext, telemetry: Telemetry): Promise<string> {
  const gateway = createGateway({ root: PHP_ROOT, backend: address })
  const server = createServer((req, res) => {
    const parent = propagation.extract(context.active(), req.headers)
    const span = telemetry.tracer.startSpan('parent', {}, parent)
    res.once('close', () => span.end())
    context.with(trace.setSpan(parent, span), () => gateway.handler(req, res))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(async () => {
    server.closeAllConnections()
    server.close()
    await gateway.close()
  })
  const port = (server.address() as { port: number }).port
  return `http://127.0.0.1:${port}`
}

test('behind the gateway, PHP works for the span of the server, and a stranger cannot say otherwise', async (t) => {
  const telemetry = startTelemetry(t)
  const url = await serve(t, telemetry)
  const forged = { traceparent: 'forged', tracestate: 'forged=1' }
  const large = 'x'.repeat(3_000_000)
  for (const init of [
    { headers: forged },
    { method: 'POST', body: 'a=1' },
    { method: 'POST', body: large },
  ]) {
    telemetry.reset()
    const page = await (await fetch(`${url}/env.php`, init)).text()
    const [span] = telemetry.requests
    assert.equal(span?.name, `${init.method ?? 'GET'} /env.php`)
    assert.equal(told(page).spanId, span?.spanContext().spanId)
    assert.ok(!page.includes('forged'))
    const { spans } = telemetry
    const server = spans.find(({ name }) => name === 'parent')
    assert.ok(server, 'the span of the server ends with the answer')
    assert.equal(span?.parentSpanContext?.spanId, server.spanContext().spanId)
    assert.ok(treeOf(spans).includes('  fastcgi.wait'))
  }
})

test('a page that fails says so in its span, with what PHP complained of', async (t) => {
  const telemetry = startTelemetry(t)
  const params = { SCRIPT_FILENAME: join(PHP_ROOT, 'missing.php'), SCRIPT_NAME: '/missing.php' }
  await poolOf(t).execute({ params })
  const [span] = telemetry.requests
  assert.equal(span?.attributes['http.response.status_code'], 404)
  assert.match(String(span?.events[0]?.attributes?.['fastcgi.stderr']), /Primary script unknown/)
})
