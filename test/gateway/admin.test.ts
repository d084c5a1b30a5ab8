// The listener for those who run the server.

import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { Pool } from '@fastcgi/client'
import { scriptedPeer } from '@fastcgi/client/testing'
import type { GatewayServer, ServeOptions } from '@fastcgi/gateway'
import { answerBy, sendText } from '../support/exchanges.ts'
import { startFpm } from '../support/fpm.ts'
import { startProcess } from '../support/gateway-process.ts'
import { PHP_ROOT } from '../support/paths.ts'
import { temporaryDirectory, until } from '../support/process.ts'
import { get, startServer } from '../support/serving.ts'

interface Health {
  readonly ready: boolean
  readonly draining: boolean
  readonly backends: { readonly name: string; readonly state: string; readonly reason?: string }[]
}

async function startAdmin(t: TestContext, options: ServeOptions): Promise<GatewayServer> {
  return startServer(t, { admin: 0, ...options })
}

/** The value of a sample, by its whole name. */
function valueOf(metrics: string, sample: string): number | undefined {
  const line = metrics.split('\n').find((text) => text.startsWith(`${sample} `))
  return line === undefined ? undefined : Number(line.slice(sample.length + 1))
}

test('it listens on its own, on this machine, and answers nothing but its pages', async (t) => {
  const server = await startAdmin(t, {
    use: [answerBy((exchange) => sendText(exchange, 'public'))],
  })
  const { admin = '' } = server
  assert.match(admin, /^http:\/\/127\.0\.0\.1:/)
  assert.equal((await get(`${admin}/livez`)).body, 'ok\n')
  assert.equal((await get(`${admin}/`)).status, 404)
  assert.equal((await get(`${admin}/__proto__`)).status, 404)
  assert.equal((await fetch(`${admin}/livez`, { method: 'POST' })).status, 405)
  const head = await fetch(`${admin}/metrics`, { method: 'HEAD' })
  assert.equal(head.status, 200)
  assert.equal(head.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
  assert.equal(await head.text(), '')
  for (const path of ['/livez', '/readyz', '/metrics', '/status']) {
    assert.equal((await get(server.addresses[0]! + path)).body, 'public')
  }
})

test('requests are counted by status and by how they ended, and measured', async (t) => {
  const { addresses, admin } = await startAdmin(t, {
    use: [
      answerBy((exchange) => {
        const { reply, request } = exchange
        if (request.target === '/aborted') {
          reply.head(200, '', [])
          reply.write(Buffer.from('half'))
          setImmediate(() => reply.abort())
        } else sendText(exchange, 'hello', Number(request.target.slice(1)))
      }),
    ],
  })
  for (const target of ['200', '204', '404', '503', 'aborted'])
    await get(`${addresses[0]}/${target}`)
  await fetch(`${addresses[0]}/200`, { method: 'POST', body: '1234567' })
  const sample = (status: string, outcome: string): string =>
    `fcgi_http_requests_total{site="",status="${status}",outcome="${outcome}"}`
  let metrics = ''
  await until('all are counted', async () => {
    metrics = (await get(`${admin}/metrics`)).body
    return valueOf(metrics, 'fcgi_http_request_duration_seconds_count{site=""}') === 6
  })
  assert.equal(valueOf(metrics, sample('2xx', 'complete')), 3)
  assert.equal(valueOf(metrics, sample('2xx', 'aborted')), 1)
  assert.equal(valueOf(metrics, sample('4xx', 'complete')), 1)
  assert.equal(valueOf(metrics, sample('5xx', 'complete')), 1)
  assert.equal(valueOf(metrics, 'fcgi_http_request_duration_seconds_bucket{site="",le="+Inf"}'), 6)
  assert.equal(valueOf(metrics, 'fcgi_http_request_body_bytes_total{site=""}'), 7)
  assert.equal(valueOf(metrics, 'fcgi_http_requests_active'), 0)
  assert.match(metrics, /^# TYPE fcgi_http_requests_total counter$/m)
  // Every line is a comment or a sample.
  for (const line of metrics.split('\n').filter(Boolean)) {
    assert.match(line, /^(# (HELP|TYPE) \S+ .+|[a-z_]+(\{([a-z_]+="[^"\n]*",?)+\})? [-+\d.e]+)$/)
  }
})

test('failures of backends are counted by their codes; an answer that ends as overloaded is one', async (t) => {
  const connect = scriptedPeer(async (peer) => {
    const { id } = await peer.request()
    peer.stdout(id, 'Content-Type: text/plain\r\n\r\nhello')
    peer.end(id, 0, 2)
  })
  const pool = new Pool('unix:/peer', { connect })
  t.after(() => pool.destroy())
  const { addresses, admin } = await startAdmin(t, { backend: pool, frontController: '/index.php' })
  await get(`${addresses[0]}/index.php`)
  const metrics = (await get(`${admin}/metrics`)).body
  assert.equal(
    valueOf(
      metrics,
      'fcgi_backend_errors_total{backend="executor",code="FCGI_ERR_REQUEST_REJECTED"}',
    ),
    1,
  )
})

test('ready means that the backend is there', async (t) => {
  const fpm = await startFpm(t, { workers: 1 })
  const { admin, addresses } = await startAdmin(t, {
    root: PHP_ROOT,
    backend: fpm.address,
  })
  const health = async (): Promise<Health> => {
    return JSON.parse((await get(`${admin}/readyz`)).body) as Health
  }
  assert.deepEqual(await health(), {
    ready: true,
    draining: false,
    backends: [{ name: fpm.address, state: 'up' }],
  })
  assert.equal((await get(`${addresses[0]}/hello.php`)).status, 200)
  const metrics = (await get(`${admin}/metrics`)).body
  assert.notEqual(
    valueOf(metrics, `fcgi_backend_connections{backend="${fpm.address}",state="idle"}`),
    undefined,
  )
  await fpm.stop()
  await until('it is down', async () => !(await health()).ready)
  const { backends } = await health()
  assert.equal(backends[0]?.state, 'down')
  assert.match(backends[0]?.reason ?? '', /ENOENT|ECONNREFUSED/)
  assert.equal((await get(`${admin}/readyz`)).status, 503)
  assert.equal((await get(`${admin}/livez`)).status, 200)
})

test('while it closes, it is alive and not ready', async (t) => {
  let finish: (() => void) | undefined
  const server = await startAdmin(t, {
    use: [
      answerBy((exchange) => {
        finish = () => sendText(exchange, 'late')
      }),
    ],
  })
  const running = get(server.addresses[0]!)
  await until('it runs', () => finish)
  const closed = server.close()
  const ready = await get(`${server.admin}/readyz`)
  assert.equal(ready.status, 503)
  assert.equal((JSON.parse(ready.body) as Health).draining, true)
  assert.equal((await get(`${server.admin}/livez`)).status, 200)
  finish!()
  assert.equal((await running).body, 'late')
  await closed
  assert.equal((await get(`${server.admin}/livez`)).failure, 'ECONNREFUSED')
})

test('the status tells what there is to know, as JSON', async (t) => {
  const fpm = await startFpm(t)
  const { admin, addresses } = await startAdmin(t, { root: PHP_ROOT, backend: fpm.address })
  const status = JSON.parse((await get(`${admin}/status`)).body) as Record<string, unknown>
  assert.equal(status['pid'], process.pid)
  assert.deepEqual(status['addresses'], addresses)
  assert.equal(status['active'], 0)
  const [backend] = status['backends'] as Record<string, unknown>[]
  assert.equal(backend!['address'], fpm.address)
  assert.deepEqual(Object.keys(backend!['pool'] as object).toSorted(), [
    'connected',
    'connecting',
    'idle',
    'queued',
    'running',
  ])
})

test('with workers, it tells about all of them together', { timeout: 60_000 }, async (t) => {
  const server = await startProcess(t, { workers: 2, admin: 0 })
  const { url, admin } = await server.ready()
  for (let count = 0; count < 20; count++) await get(url)
  const total = 'fcgi_http_requests_total{site="",status="2xx",outcome="complete"}'
  let metrics = ''
  await until('all are counted', async () => {
    metrics = (await get(`${admin}/metrics`)).body
    return valueOf(metrics, total) === 20
  })
  assert.equal(valueOf(metrics, 'fcgi_workers'), 2)
  for (const worker of ['1', '2', 'primary']) {
    assert.ok(valueOf(metrics, `process_resident_memory_bytes{worker="${worker}"}`)! > 0)
  }
  // What a worker has counted stays counted when it is replaced.
  server.program.signal('SIGHUP')
  await server.program.until('has reloaded', () => server.log.includes('SIGHUP: reloaded'))
  await get(url)
  await until('nothing is forgotten', async () => {
    return valueOf((await get(`${admin}/metrics`)).body, total) === 21
  })
  const status = JSON.parse((await get(`${admin}/status`)).body) as { workers: object[] }
  assert.equal(status.workers.length, 2)
  assert.equal((JSON.parse((await get(`${admin}/readyz`)).body) as Health).ready, true)
})

test('PHP that the server has started is told about, and asked for no more than it has', async (t) => {
  const server = await startAdmin(t, { root: PHP_ROOT, php: { backend: 'php-fpm', workers: 3 } })
  const { admin, addresses } = server
  const answers = await Promise.all(
    Array.from({ length: 12 }, () => get(`${addresses[0]}/hello.php`)),
  )
  assert.ok(answers.every(({ status }) => status === 200))
  const metrics = (await get(`${admin}/metrics`)).body
  assert.equal(valueOf(metrics, 'fcgi_php_restarts_total{kind="php-fpm"}'), 0)
  assert.equal(valueOf(metrics, 'fcgi_php_running{kind="php-fpm"}'), 1)
  const { php } = JSON.parse((await get(`${admin}/status`)).body) as {
    php: { kind: string; workers: number; status: Record<string, unknown> }
  }
  assert.equal(php.kind, 'php-fpm')
  assert.equal(php.workers, 3)
  assert.equal(typeof php.status['accepted conn'], 'number')
  assert.match(server.php ?? '', /php-fpm/)
})

test('a backend whose workers are all busy is busy, and the server stays ready', async (t) => {
  const gate = join(await temporaryDirectory(t), 'gate')
  const server = await startAdmin(t, { root: PHP_ROOT, php: { backend: 'php-fpm', workers: 1 } })
  const query = `gate=${encodeURIComponent(gate)}&after=done`
  const running = get(`${server.addresses[0]}/gate.php?${query}`)
  await until('the only worker is busy', () => existsSync(`${gate}.reached`))
  const health = JSON.parse((await get(`${server.admin}/readyz`)).body) as Health
  assert.equal(health.ready, true)
  assert.equal(health.backends[0]?.state, 'busy')
  writeFileSync(gate, '')
  assert.equal((await running).body, 'done')
})
