// What is built on a dispatcher: the runtime's fetch, and undici's fetch, request, stream, pipeline, interceptors and mocks.

import assert from 'node:assert/strict'
import { PassThrough, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { describe, test } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import { MockPool } from '@fastcgi/client/testing'
import { FastCGIDispatcher } from '@fastcgi/client/undici'
import {
  fetch as undiciFetch,
  interceptors,
  MockAgent,
  pipeline as undiciPipeline,
  request,
  stream,
} from 'undici'
import { HandPlayed } from '../support/hand-played.ts'
import { noise, sha256 } from '../support/php.ts'
import { until } from '../support/process.ts'
import { fetchBy, scripted, startPhp } from '../support/undici.ts'

const ORIGIN = 'http://app.example'

describe('fetch', () => {
  const FETCHES = [
    ['of the runtime', fetchBy],
    [
      'of undici',
      async (dispatcher: FastCGIDispatcher, url: string, init: RequestInit = {}) =>
        (await Reflect.apply(undiciFetch, undefined, [url, { ...init, dispatcher }])) as Response,
    ],
  ] as const
  for (const [name, fetch] of FETCHES) {
    test(`${name}: status, headers, cookies and body`, async (t) => {
      const { php } = await startPhp(t)
      const response = await fetch(php, `${ORIGIN}/status.php?status=404`)
      assert.equal(response.status, 404)
      assert.equal(response.statusText, 'Not Found')
      assert.deepEqual(response.headers.getSetCookie(), ['a=1', 'b=2'])
      assert.equal(await response.text(), 'short and stout')
      assert.equal(response.url, `${ORIGIN}/status.php?status=404`)
    })

    test(`${name}: all kinds of bodies`, async (t) => {
      const { php } = await startPhp(t)
      const bytes = noise(300_000)
      const form = new FormData()
      form.set('name', 'é')
      form.set('file', new Blob([bytes]), 'a "b".bin')
      const bodies: readonly (readonly [RequestInit['body'], number])[] = [
        [Buffer.from(bytes), bytes.length],
        ['grüße', 7],
        [new Blob([bytes]), bytes.length],
        [new URLSearchParams({ a: 'b' }), 3],
        [new Blob([bytes]).stream(), bytes.length],
      ]
      for (const [body, length] of bodies) {
        const init = { method: 'POST', body: body!, duplex: 'half' } as const
        const response = await fetch(php, `${ORIGIN}/body.php`, init)
        assert.equal(((await response.json()) as { length: number }).length, length)
      }
      if (fetch !== fetchBy) return
      const response = await fetch(php, `${ORIGIN}/env.php`, { method: 'POST', body: form })
      const env = (await response.json()) as Record<string, string>
      assert.match(env['CONTENT_TYPE']!, /^multipart\/form-data; boundary=/)
      assert.ok(Number(env['CONTENT_LENGTH']) > bytes.length)
    })

    test(`${name}: redirects are followed, HEAD and 204 have no body`, async (t) => {
      const pool = new MockPool()
        .on('/old.php', { stdout: 'Status: 302\r\nLocation: /new.php?x\r\n\r\n' })
        .on('/new.php', { stdout: 'Content-Length: 2\r\n\r\nok' })
        .on('/none.php', { stdout: 'Status: 204\r\nContent-Length: 5\r\n\r\n' })
      const php = new FastCGIDispatcher(pool, { root: '/srv' })
      t.after(() => php.destroy())
      const response = await fetch(php, `${ORIGIN}/old.php`)
      assert.equal(await response.text(), 'ok')
      assert.equal(response.redirected, true)
      assert.equal(response.url, `${ORIGIN}/new.php?x`)
      const head = await fetch(php, `${ORIGIN}/new.php`, { method: 'HEAD' })
      assert.equal(head.headers.get('content-length'), '2')
      assert.equal(await head.text(), '')
      assert.equal((await fetch(php, `${ORIGIN}/none.php`)).status, 204)
    })

    test(`${name}: a compressed answer is unpacked`, async (t) => {
      const packed = gzipSync('hello '.repeat(1000))
      const stdout = Buffer.concat([Buffer.from('Content-Encoding: gzip\r\n\r\n'), packed])
      const php = new FastCGIDispatcher(new MockPool().on('*', { stdout }), { root: '/srv' })
      t.after(() => php.destroy())
      assert.equal((await (await fetch(php, ORIGIN)).text()).length, 6000)
    })

    test(`${name}: a large answer arrives whole`, async (t) => {
      const { php } = await startPhp(t)
      const response = await fetch(php, `${ORIGIN}/big.php?bytes=8000000`)
      const body = Buffer.from(await response.arrayBuffer())
      assert.equal(sha256(body), response.headers.get('x-sha256'))
    })

    test(`${name}: an answer that nobody reads holds the backend up`, async (t) => {
      const pool = new HandPlayed((run) => {
        run.stdout('A: b\r\n\r\n')
        for (let sent = 0; sent < 10 && !run.paused; sent++) run.stdout('x'.repeat(60_000))
      })
      const php = new FastCGIDispatcher(pool, { root: '/srv' })
      t.after(() => php.destroy())
      const response = await fetch(php, ORIGIN)
      const run = pool.runs[0]!
      await until('the backend is held up', () => run.paused)
      const text = response.text()
      await until('the backend goes on', () => !run.paused)
      run.end()
      assert.ok((await text).length < 600_000)
    })
  }
})

describe('undici', () => {
  test('request: status, headers and body', async (t) => {
    const { php } = await startPhp(t)
    const answer = await request(`${ORIGIN}/status.php?status=200`, { dispatcher: php })
    assert.equal(answer.statusCode, 200)
    assert.deepEqual(answer.headers['set-cookie'], ['a=1', 'b=2'])
    assert.equal(await answer.body.text(), 'short and stout')
  })

  test('request: raw headers, when they are asked for', async (t) => {
    const { php } = await startPhp(t)
    const { headers, body } = await php.request({
      origin: ORIGIN,
      path: '/status.php',
      method: 'GET',
      responseHeaders: 'raw',
    })
    await body.dump()
    assert.ok(Array.isArray(headers) && headers.map(String).includes('Set-Cookie'))
  })

  test('stream: into a Writable', async (t) => {
    const { php } = await startPhp(t)
    const sink = new PassThrough()
    let checksum: unknown
    const chunks: Buffer[] = []
    sink.on('data', (chunk: Buffer) => chunks.push(chunk))
    await stream(`${ORIGIN}/big.php?bytes=2000000`, { dispatcher: php, method: 'GET' }, (head) => {
      checksum = head.headers['x-sha256']
      return sink
    })
    assert.equal(sha256(Buffer.concat(chunks)), checksum)
  })

  test('pipeline: a body in, an answer out', async (t) => {
    const { php } = await startPhp(t)
    const bytes = noise(2_000_000)
    const chunks: Buffer[] = []
    await pipeline(
      Readable.from([bytes.subarray(0, 1_000_000), bytes.subarray(1_000_000)]),
      undiciPipeline(
        `${ORIGIN}/echo.php`,
        { dispatcher: php, method: 'POST', headers: { 'content-length': String(bytes.length) } },
        ({ body }) => body,
      ),
      async (source) => {
        for await (const chunk of source) chunks.push(chunk as Buffer)
      },
    )
    assert.equal(sha256(Buffer.concat(chunks)), sha256(bytes))
  })

  test('upgrade and connect say that there is no such thing', async (t) => {
    const { php } = await startPhp(t)
    await assert.rejects(php.upgrade({ path: '/hello.php' }), { code: 'UND_ERR_NOT_SUPPORTED' })
    await assert.rejects(php.connect({ path: '/', origin: ORIGIN }), {
      code: 'UND_ERR_NOT_SUPPORTED',
    })
  })

  test('MockAgent goes on as it does, beside', async (t) => {
    const mock = new MockAgent()
    t.after(() => mock.close())
    mock.disableNetConnect()
    mock.get(ORIGIN).intercept({ path: '/hello.php' }).reply(200, 'mocked')
    const { php } = await startPhp(t)
    const mocked = await request(`${ORIGIN}/hello.php`, { dispatcher: mock })
    assert.equal(await mocked.body.text(), 'mocked')
    const real = await request(`${ORIGIN}/hello.php`, { dispatcher: php })
    assert.equal(await real.body.text(), 'hello')
  })
})

describe('interceptors', () => {
  test('redirect', async (t) => {
    const pool = new MockPool()
      .on('/old.php', { stdout: 'Status: 302\r\nLocation: /new.php\r\n\r\nmoved' })
      .on('/new.php', { stdout: 'A: b\r\n\r\nok' })
    const php = new FastCGIDispatcher(pool, { root: '/srv' })
    t.after(() => php.destroy())
    const dispatcher = php.compose(interceptors.redirect({ maxRedirections: 2 }))
    const { statusCode, body } = await request(`${ORIGIN}/old.php`, { dispatcher })
    assert.equal(statusCode, 200)
    assert.equal(await body.text(), 'ok')
  })

  test('retry: a status that says later, and a connection that breaks', async (t) => {
    let count = 0
    const php = scripted(t, async (peer) => {
      const { id } = await peer.request()
      count++
      if (count === 1) {
        peer.stdout(id, 'Status: 503\r\n\r\nlater')
        peer.end(id)
      } else if (count === 2) {
        peer.stderr(id, 'a complaint, so that it has begun')
        peer.close()
        return
      } else {
        peer.stdout(id, 'A: b\r\n\r\nok')
        peer.end(id)
      }
      if (count === 1) {
        const again = await peer.request()
        count++
        peer.stderr(again.id, 'a complaint, so that it has begun')
        peer.close()
      }
    })
    const retry = interceptors.retry({ minTimeout: 1, maxTimeout: 2 })
    const dispatcher = php.compose(retry)
    const { statusCode, body } = await request(`${ORIGIN}/x.php`, { dispatcher })
    assert.equal(statusCode, 200)
    assert.equal(await body.text(), 'ok')
    assert.equal(count, 3)
  })

  test('retry leaves alone what is not to be sent twice, and what no repetition heals', async (t) => {
    let count = 0
    const php = scripted(t, async (peer) => {
      const { id, params } = await peer.request()
      count++
      if (params.get('REQUEST_METHOD') === 'GET') {
        peer.stdout(id, 'this is no CGI response\n\n')
        peer.end(id)
      } else {
        peer.close()
      }
    })
    const dispatcher = php.compose(interceptors.retry({ minTimeout: 1, maxTimeout: 2 }))
    const post = request(`${ORIGIN}/x.php`, { dispatcher, method: 'POST' })
    await assert.rejects(post, { code: 'UND_ERR_SOCKET' })
    assert.equal(count, 1)
    await assert.rejects(request(`${ORIGIN}/x.php`, { dispatcher }), {
      code: 'FCGI_ERR_CGI_RESPONSE',
    })
    assert.equal(count, 2)
  })

  test('dump', async (t) => {
    const { php } = await startPhp(t)
    const dispatcher = php.compose(interceptors.dump({ maxSize: 1_000_000 }))
    const { body } = await request(`${ORIGIN}/big.php?bytes=100000`, { dispatcher })
    assert.equal(await body.text(), '')
  })

  test('decompress', async (t) => {
    const packed = gzipSync('hello')
    assert.equal(gunzipSync(packed).toString(), 'hello')
    const stdout = Buffer.concat([Buffer.from('Content-Encoding: gzip\r\n\r\n'), packed])
    const php = new FastCGIDispatcher(new MockPool().on('*', { stdout }), { root: '/srv' })
    t.after(() => php.destroy())
    const dispatcher = php.compose(interceptors.decompress())
    const { body } = await request(`${ORIGIN}/x.php`, { dispatcher })
    assert.equal(await body.text(), 'hello')
  })

  test('responseError', async (t) => {
    const { php } = await startPhp(t)
    const dispatcher = php.compose(interceptors.responseError())
    await assert.rejects(request(`${ORIGIN}/status.php?status=500`, { dispatcher }), {
      code: 'UND_ERR_RESPONSE',
      statusCode: 500,
    })
  })
})
