// The spans of one request, in every way that it can go, against a backend that does what a test says.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import {
  context,
  createContextKey,
  SpanKind,
  trace,
  type MeterProvider,
  type TracerProvider,
} from '@opentelemetry/api'
import { registerInstrumentations } from '@opentelemetry/instrumentation'
import { AlwaysOffSampler, type ReadableSpan } from '@opentelemetry/sdk-trace-node'
import { Pool, prepareParams, type PoolOptions } from '@fastcgi/client'
import { createFetch } from '@fastcgi/client/http'
import { FastCGIInstrumentation } from '@fastcgi/client/otel'
import { scriptedPeer, type PeerScript } from '@fastcgi/client/testing'
import { createGateway } from '@fastcgi/gateway'
import { PHP_ROOT } from '../support/paths.js'
import { GET, POST, Recorder, until } from '../support/requests.js'
import { nanoseconds, startTelemetry, treeOf } from '../support/telemetry.js'

function poolOf(t: TestContext, script: PeerScript, options: PoolOptions = {}): Pool {
  const pool = new Pool('unix:/peer', { connect: scriptedPeer(script), ...options })
  t.after(() => pool.destroy())
  return pool
}

const PAGE = 'Content-Type: text/plain\r\n\r\nhello'
const LOCAL_REDIRECT = 'Location: /env.php\r\n\r\n'

const answerAll: PeerScript = async (peer) => {
  for (;;) {
    const { id } = await peer.request()
    peer.stdout(id, PAGE)
    peer.end(id)
  }
}

/** A backend that answers each request with what it was told. */
const mirror: PeerScript = async (peer) => {
  for (;;) {
    const { id, params } = await peer.request()
    peer.stdout(id, JSON.stringify(Object.fromEntries(params)))
    peer.end(id)
  }
}

type Told = Record<string, string>

const FRESH = [
  'GET /index.php',
  ' fastcgi.queue',
  '  fastcgi.connect',
  ' fastcgi.send',
  ' fastcgi.wait',
  ' fastcgi.receive',
]
const KEPT = ['GET /index.php', ' fastcgi.send', ' fastcgi.wait', ' fastcgi.receive']

/** No phase is outside of its parent, and each begins when the one before it is over. */
function assertInOrder(spans: readonly ReadableSpan[]): void {
  const byId = new Map(spans.map((span) => [span.spanContext().spanId, span]))
  for (const span of spans) {
    assert.ok(nanoseconds(span.endTime) >= nanoseconds(span.startTime), span.name)
    const parent = byId.get(span.parentSpanContext?.spanId ?? '')
    if (!parent) continue
    assert.ok(nanoseconds(span.startTime) >= nanoseconds(parent.startTime), span.name)
    assert.ok(nanoseconds(span.endTime) <= nanoseconds(parent.endTime), span.name)
  }
  const phase = (name: string): ReadableSpan | undefined =>
    spans.find((span) => span.name === `fastcgi.${name}`)
  const phases = ['queue', 'send', 'wait', 'receive']
    .map(phase)
    .filter((each) => each !== undefined)
  for (const [index, next] of phases.slice(1).entries()) {
    assert.ok(nanoseconds(next.startTime) >= nanoseconds(phases[index]!.endTime), next.name)
  }
}

test('a request that needs a connection shows all phases, in order; one that finds one, none of waiting', async (t) => {
  const telemetry = startTelemetry(t)
  const pool = poolOf(t, answerAll)
  const { spanId } = await telemetry.within(() => pool.execute(GET))
  const first = telemetry.spans.filter(({ name }) => name !== 'parent')
  assert.deepEqual(treeOf(first), FRESH)
  assertInOrder(first)
  assert.equal(telemetry.requests[0]?.parentSpanContext?.spanId, spanId)
  telemetry.reset()
  await pool.execute(GET)
  assert.deepEqual(treeOf(telemetry.spans), KEPT)
  assertInOrder(telemetry.spans)
  assert.equal(telemetry.requests[0]?.parentSpanContext, undefined)
  assert.deepEqual(telemetry.complaints, [])
})

test('a request says what it is, prepared params included', async (t) => {
  const telemetry = startTelemetry(t, { captureQuery: true })
  const pool = poolOf(t, answerAll)
  await pool.execute({
    prepared: prepareParams({ SCRIPT_NAME: '/app.php', SCRIPT_FILENAME: '/srv/app.php' }),
    params: [
      ['REQUEST_METHOD', 'BREW'],
      ['REQUEST_URI', '/coffee/1?secret=x'],
      ['QUERY_STRING', 'secret=x'],
    ],
  })
  const [span] = telemetry.requests
  assert.equal(span?.name, 'HTTP /app.php')
  assert.equal(span?.kind, SpanKind.CLIENT)
  assert.deepEqual(span?.attributes, {
    'fastcgi.client.connection.pool.name': 'unix:/peer',
    'network.transport': 'unix',
    'network.protocol.name': 'fastcgi',
    'server.address': '/peer',
    'http.request.method': '_OTHER',
    'http.request.method_original': 'BREW',
    'fastcgi.role': 'responder',
    'url.path': '/coffee/1',
    'fastcgi.script.filename': '/srv/app.php',
    'url.query': 'secret=x',
    'fastcgi.connection.reused': false,
    'fastcgi.app_status': 0,
    'fastcgi.protocol_status': 0,
    'http.response.status_code': 200,
  })
  assert.equal(span?.instrumentationScope.name, '@fastcgi/client/otel')
})

test('without captureQuery no query is kept; a TCP address is host and port', async (t) => {
  const telemetry = startTelemetry(t)
  const pool = new Pool('php.internal:9000', { name: 'shop', connect: scriptedPeer(answerAll) })
  t.after(() => pool.destroy())
  const params = { ...GET.params, REQUEST_URI: '/a?token=1', QUERY_STRING: 'token=1' }
  await pool.execute({ params })
  const { attributes } = telemetry.requests[0]!
  assert.ok(!JSON.stringify(attributes).includes('token'))
  assert.equal(attributes['server.address'], 'php.internal')
  assert.equal(attributes['server.port'], 9000)
  assert.equal(attributes['network.transport'], 'tcp')
  assert.equal(attributes['fastcgi.client.connection.pool.name'], 'shop')
})

test('a 500 fails the span, a 404 does not', async (t) => {
  const telemetry = startTelemetry(t)
  const statuses = ['500 Oops', '404 Not Found']
  const pool = poolOf(t, async (peer) => {
    for (;;) {
      const { id } = await peer.request()
      peer.stdout(id, `Status: ${statuses.shift()}\r\n\r\n`)
      peer.end(id)
    }
  })
  await pool.execute(GET)
  await pool.execute(GET)
  assert.deepEqual(
    telemetry.requests.map((span) => [
      treeOf([span])[0],
      span.attributes['http.response.status_code'],
    ]),
    [
      ['GET /index.php ! 500', 500],
      ['GET /index.php', 404],
    ],
  )
})

const HEADS: readonly [said: string, status: number | undefined][] = [
  ['Status: 103 Early Hints\r\nLink: </a.css>\r\n\r\nStatus: 503 Busy\r\n\r\n', 503],
  ['X-Status: 500\nContent-Type: text/plain\n\nStatus: 500', 200],
  ['Location: https://example.org/\r\n\r\n', 302],
  ['Location: /elsewhere\r\n\r\n', 200],
  ['Status: 418 I am a teapot\r\nX-Cut:', 418],
  ['Content-Type: text/html\r\nX-Cut:', undefined],
  ['no fields at all', undefined],
]

for (const [said, status] of HEADS) {
  test(`${JSON.stringify(said)} has the status ${status}`, async (t) => {
    const telemetry = startTelemetry(t)
    const pool = poolOf(t, async (peer) => {
      const { id } = await peer.request()
      peer.stdout(id, said)
      peer.end(id)
    })
    await pool.execute(GET)
    assert.equal(telemetry.requests[0]?.attributes['http.response.status_code'], status)
  })
}

test('stderr becomes events, of which there is an end; it can be left out', async (t) => {
  const script: PeerScript = async (peer) => {
    const { id } = await peer.request()
    peer.stderr(id, `PHP Warning: ${'x'.repeat(5000)}`)
    for (let more = 0; more < 40; more++) peer.stderr(id, 'again')
    peer.stdout(id, PAGE)
    peer.end(id)
  }
  const telemetry = startTelemetry(t)
  await poolOf(t, script).execute(GET)
  const { events } = telemetry.requests[0]!
  assert.equal(events.length, 16)
  assert.equal(events[0]?.name, 'fastcgi.stderr')
  const text = String(events[0]?.attributes?.['fastcgi.stderr'])
  assert.ok(text.startsWith('PHP Warning: xxx') && text.length === 1024)
  telemetry.reset()
  telemetry.instrumentation.setConfig({ stderr: false })
  await poolOf(t, script).execute(GET)
  assert.deepEqual(telemetry.requests[0]?.events, [])
})

test('a replay shows both attempts, and that there were two', async (t) => {
  const telemetry = startTelemetry(t)
  const pool = poolOf(t, async (peer, index) => {
    if (index > 0) return answerAll(peer, index)
    const { id } = await peer.request()
    peer.end(id)
    await peer.request()
    peer.reset()
  })
  await pool.execute(GET)
  telemetry.reset()
  await pool.execute(GET)
  assert.deepEqual(treeOf(telemetry.spans), [
    'GET /index.php',
    ' fastcgi.send',
    ' fastcgi.wait ! FCGI_ERR_SOCKET',
    ' fastcgi.queue',
    '  fastcgi.connect',
    ' fastcgi.send',
    ' fastcgi.wait',
    ' fastcgi.receive',
  ])
  const { attributes } = telemetry.requests[0]!
  assert.equal(attributes['http.request.resend_count'], 1)
  assert.equal(attributes['fastcgi.connection.reused'], false)
})

test('a refused connection is told where it failed', async (t) => {
  const telemetry = startTelemetry(t)
  const refused = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })
  const pool = poolOf(t, answerAll, { connect: () => Promise.reject(refused) })
  await assert.rejects(pool.execute(GET), { code: 'FCGI_ERR_CONNECT' })
  assert.deepEqual(treeOf(telemetry.spans), [
    'GET /index.php ! FCGI_ERR_CONNECT',
    ' fastcgi.queue ! FCGI_ERR_CONNECT',
    '  fastcgi.connect ! FCGI_ERR_CONNECT',
  ])
  const [span] = telemetry.requests
  assert.match(span?.status.message ?? '', /nothing listens there/)
  assert.equal(span?.events[0]?.name, 'exception')
})

test('time that is up in the queue leaves no connect; a request behind a busy connection has none either', async (t) => {
  const telemetry = startTelemetry(t)
  const answers: (() => void)[] = []
  const pool = poolOf(
    t,
    async (peer) => {
      for (;;) {
        const { id } = await peer.request()
        answers.push(() => peer.end(id))
      }
    },
    { connections: 1 },
  )
  const busy = pool.execute(GET)
  await until(() => answers.length === 1)
  telemetry.reset()
  const late = new Recorder()
  pool.dispatch(GET, late, { queueTimeout: 1 })
  await late.over
  assert.deepEqual(treeOf(telemetry.spans), [
    'GET /index.php ! FCGI_ERR_TIMEOUT',
    ' fastcgi.queue ! FCGI_ERR_TIMEOUT',
  ])
  telemetry.reset()
  const next = pool.execute(GET)
  answers.shift()!()
  await busy
  await until(() => answers.length === 1)
  answers.shift()!()
  await next
  const { traceId } = telemetry.requests.at(-1)!.spanContext()
  const last = telemetry.spans.filter((span) => span.spanContext().traceId === traceId)
  assert.deepEqual(treeOf(last), [
    'GET /index.php',
    ' fastcgi.queue',
    ' fastcgi.send',
    ' fastcgi.wait',
  ])
})

test('a connection that was opened for another request is no part of this one', async (t) => {
  const telemetry = startTelemetry(t)
  const pool = poolOf(t, answerAll, { keepAliveTimeout: 0 })
  const given = new Recorder()
  pool.dispatch(GET, given).abort()
  await until(() => pool.stats.idle === 1)
  telemetry.reset()
  const stdin = new Blob(['collected first']).stream()
  await pool.execute({ params: GET.params, stdin })
  assert.deepEqual(treeOf(telemetry.spans), [
    'GET /index.php',
    ' fastcgi.queue',
    ' fastcgi.send',
    ' fastcgi.wait',
    ' fastcgi.receive',
  ])
  assert.equal(telemetry.requests[0]?.attributes['fastcgi.connection.reused'], false)
})

test('an abort ends the phase in which it came, with the name of its reason', async (t) => {
  const telemetry = startTelemetry(t)
  const controller = new AbortController()
  const pool = poolOf(t, async (peer) => {
    await peer.request()
    controller.abort()
  })
  await assert.rejects(pool.execute(GET, { signal: controller.signal }), { name: 'AbortError' })
  assert.deepEqual(treeOf(telemetry.spans), [
    'GET /index.php ! AbortError',
    ' fastcgi.queue',
    '  fastcgi.connect',
    ' fastcgi.send',
    ' fastcgi.wait ! AbortError',
  ])
  telemetry.reset()
  await assert.rejects(pool.execute(GET, { signal: AbortSignal.abort(7) }), (e) => e === 7)
  assert.deepEqual(treeOf(telemetry.spans), ['GET /index.php ! _OTHER'])
})

test('a closed pool and a broken answer are told as what they are', async (t) => {
  const telemetry = startTelemetry(t)
  const pool = poolOf(t, async (peer) => {
    const { id } = await peer.request()
    peer.stdout(id, 'Content-Type: text/plain\r\n\r\nhalf an ans')
    peer.close()
  })
  await assert.rejects(pool.execute(GET), { code: 'FCGI_ERR_SOCKET' })
  assert.equal(treeOf(telemetry.spans).at(-1), ' fastcgi.receive ! FCGI_ERR_SOCKET')
  telemetry.reset()
  await pool.close()
  await assert.rejects(pool.execute(GET), { code: 'FCGI_ERR_CLOSED' })
  assert.deepEqual(treeOf(telemetry.spans), ['GET /index.php ! FCGI_ERR_CLOSED'])
})

test('an answer that begins during the upload leaves no wait, and the upload ends where it ends', async (t) => {
  const telemetry = startTelemetry(t)
  let upload: ReadableStreamDefaultController<Uint8Array> | undefined
  const stdin = new ReadableStream<Uint8Array>({
    start: (controller) => {
      upload = controller
      controller.enqueue(new Uint8Array(20_000))
    },
  })
  const pool = poolOf(t, async (peer) => {
    const { id } = await peer.params()
    peer.stdout(id, PAGE)
    await peer.until(() => peer.stdinReceived === 40_000)
    peer.end(id)
  })
  const params = { ...POST.params, CONTENT_LENGTH: '40000' }
  for await (const _ of pool.stream({ params, stdin })) {
    upload?.enqueue(new Uint8Array(20_000))
    upload?.close()
    upload = undefined
  }
  assert.deepEqual(treeOf(telemetry.spans), [
    'POST /index.php',
    ' fastcgi.queue',
    '  fastcgi.connect',
    ' fastcgi.send',
    ' fastcgi.receive',
  ])
})

test('only the span of the request without phases; none for what is ignored, or has no parent', async (t) => {
  const telemetry = startTelemetry(t, {
    phases: false,
    requireParentSpan: true,
    ignoreRequest: ({ param }) => param('SCRIPT_NAME') === '/ping',
    requestHook: (span, { pool }) => span.updateName(`to ${pool}`),
  })
  const pool = poolOf(t, answerAll)
  await pool.execute(GET)
  assert.deepEqual(telemetry.spans, [])
  await telemetry.within(() => pool.execute({ params: { SCRIPT_NAME: '/ping' } }))
  await telemetry.within(() => pool.execute(GET))
  assert.deepEqual(treeOf(telemetry.spans), ['parent', 'parent', ' to unix:/peer'])
})

test('what is not sampled has no spans, and PHP is told so; what is suppressed is told nothing', async (t) => {
  const telemetry = startTelemetry(t, {}, { sampler: new AlwaysOffSampler() })
  const pool = poolOf(t, mirror)
  const { result, traceId } = await telemetry.within(() => pool.execute(GET))
  const told = JSON.parse(result.text()) as Told
  assert.match(told['HTTP_TRACEPARENT'] ?? '', new RegExp(`^00-${traceId}-[0-9a-f]{16}-00$`))
  assert.deepEqual(telemetry.spans, [])
  // As suppressTracing() of @opentelemetry/core does it.
  const key = createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING')
  const quiet = context.active().setValue(key, true)
  const answer = await context.with(quiet, () => pool.execute(GET))
  assert.ok(!('HTTP_TRACEPARENT' in (JSON.parse(answer.text()) as Told)))
})

test('the context takes the place of what a client said about its own, whole', async (t) => {
  const telemetry = startTelemetry(t)
  const pool = poolOf(t, mirror)
  const claimed = {
    HTTP_TRACEPARENT: '00-11111111111111111111111111111111-2222222222222222-01',
    HTTP_TRACESTATE: 'other=1',
    HTTP_BAGGAGE: 'role=admin',
  }
  for (const params of [
    { ...GET.params, ...claimed },
    Object.entries({ ...GET.params, ...claimed }),
  ]) {
    telemetry.reset()
    const told = JSON.parse((await pool.execute({ params })).text()) as Told
    const { traceId, spanId } = telemetry.requests[0]!.spanContext()
    assert.equal(told['HTTP_TRACEPARENT'], `00-${traceId}-${spanId}-01`)
    assert.ok(!('HTTP_TRACESTATE' in told) && !('HTTP_BAGGAGE' in told))
    assert.equal(told['SCRIPT_NAME'], '/index.php')
  }
  telemetry.instrumentation.setConfig({ propagate: false })
  const params = { ...GET.params, ...claimed }
  const told = JSON.parse((await pool.execute({ params })).text()) as Told
  assert.equal(told['HTTP_TRACEPARENT'], claimed.HTTP_TRACEPARENT)
})

test('a provider, a hook or a propagator that throws costs a span, and no request', async (t) => {
  const telemetry = startTelemetry(t, {
    ignoreRequest: () => {
      throw new Error('ignore')
    },
    requestHook: () => {
      throw new Error('hook')
    },
  })
  const pool = poolOf(t, answerAll)
  assert.equal((await pool.execute(GET)).text(), PAGE)
  assert.equal(telemetry.requests.length, 1)
  assert.match(
    telemetry.complaints.join('\n'),
    /ignoreRequest has failed Error: ignore\n.*requestHook/,
  )
  const broken = {
    getTracer: () => ({
      startSpan: () => {
        throw new Error('no spans today')
      },
    }),
  } as unknown as TracerProvider
  telemetry.instrumentation.setTracerProvider(broken)
  assert.equal((await pool.execute(GET)).text(), PAGE)
  assert.match(telemetry.complaints.at(-1) ?? '', /no spans today/)
})

test('meters that throw cost no span, and neither does a reason without text', async (t) => {
  const telemetry = startTelemetry(t)
  const pool = poolOf(t, answerAll)
  const record = (): never => {
    throw new Error('no metrics today')
  }
  const instrument = { record, add: record }
  telemetry.instrumentation.setMeterProvider({
    getMeter: () => ({
      createHistogram: () => instrument,
      createCounter: () => instrument,
      createObservableUpDownCounter: () => instrument,
      addBatchObservableCallback() {},
      removeBatchObservableCallback() {},
    }),
  } as unknown as MeterProvider)
  await pool.execute(GET)
  const signal = AbortSignal.abort(Object.create(null))
  await assert.rejects(pool.execute(GET, { signal }))
  assert.equal(telemetry.requests.length, 2)
  assert.match(telemetry.complaints.at(-1) ?? '', /no metrics today/)
})

test('a local redirect stays in the trace of its request, whoever opened the connection', async (t) => {
  const telemetry = startTelemetry(t)
  const pool = poolOf(
    t,
    async (peer) => {
      for (;;) {
        const { id, params } = await peer.request()
        peer.stdout(id, params.get('SCRIPT_NAME') === '/redirect.php' ? LOCAL_REDIRECT : PAGE)
        peer.end(id)
      }
    },
    { connections: 1 },
  )
  const gateway = createGateway({ root: PHP_ROOT, backend: pool })
  t.after(() => gateway.close())
  const ways = { createFetch: createFetch(pool, { root: PHP_ROOT }), gateway: gateway.fetch }
  for (const [name, ask] of Object.entries(ways)) {
    const get = async (path: string): Promise<string> =>
      (await ask(new Request(`http://localhost${path}`))).text()
    await telemetry.within(() => get('/hello.php'))
    telemetry.reset()
    const { result, traceId, spanId } = await telemetry.within(() => get('/redirect.php'))
    assert.equal(result, 'hello', name)
    assert.deepEqual(
      telemetry.requests.map((span) => [
        span.name,
        span.spanContext().traceId,
        span.parentSpanContext?.spanId,
      ]),
      ['GET /redirect.php', 'GET /env.php'].map((each) => [each, traceId, spanId]),
      name,
    )
  }
})

test('is registered, switched off and on as instrumentations are', async (t) => {
  const telemetry = startTelemetry(t, { enabled: false })
  const pool = poolOf(t, answerAll)
  await pool.execute(GET)
  assert.equal(telemetry.requests.length, 0)
  const unregister = registerInstrumentations({
    instrumentations: [telemetry.instrumentation],
    tracerProvider: trace.getTracerProvider(),
  })
  await pool.execute(GET)
  assert.equal(telemetry.requests.length, 1)
  unregister()
  await pool.execute(GET)
  assert.equal(telemetry.requests.length, 1)
})

test('is called by the version of its package', async () => {
  const manifest = await import('@fastcgi/client/package.json', { with: { type: 'json' } })
  const { instrumentationVersion } = new FastCGIInstrumentation({ enabled: false })
  assert.equal(instrumentationVersion, manifest.default.version)
})
