// Dispatcher.dispatch against php-fpm: both generations of handlers, what a request says, and what an answer holds.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MockPool } from '@fastcgi/client/testing'
import { FastCGIDispatcher } from '@fastcgi/client/undici'
import type { Dispatcher } from 'undici'
import { PHP_ROOT } from '../support/paths.ts'
import { recordNew, recordOld, scripted, startPhp, type Recorded } from '../support/undici.ts'

const GENERATIONS: readonly (readonly [string, () => Recorded])[] = [
  ['onRequestStart and its like', () => recordNew()],
  ['onConnect and its like', () => recordOld()],
]
const GET = { origin: 'http://app.example', method: 'GET' } as const

describe('handlers', () => {
  for (const [name, record] of GENERATIONS) {
    test(`${name} are told head, body and end`, async (t) => {
      const { php } = await startPhp(t)
      const { handler, outcome } = record()
      php.dispatch({ ...GET, path: '/status.php?status=404' }, handler)
      const { calls, statusCode, statusText, body, raw } = await outcome
      assert.deepEqual(calls, ['start', 'head 404', 'data', 'end'])
      assert.equal(statusCode, 404)
      assert.equal(statusText, 'Not Found')
      assert.equal(body, 'short and stout')
      // Names in the case that PHP wrote them in, and each cookie a field of its own.
      const cookies = raw.flatMap((text, at) => (text === 'Set-Cookie' ? [raw[at + 1]] : []))
      assert.deepEqual(cookies, ['a=1', 'b=2'])
    })

    test(`${name} get no body for HEAD, 204 and 304`, async (t) => {
      const { php } = await startPhp(t)
      const cases = [
        { method: 'HEAD', path: '/hello.php' },
        { method: 'GET', path: '/status.php?status=204' },
        { method: 'GET', path: '/status.php?status=304' },
      ]
      for (const request of cases) {
        const { handler, outcome } = record()
        php.dispatch({ origin: GET.origin, ...request }, handler)
        const { calls, body } = await outcome
        assert.equal(calls.at(-1), 'end', request.path)
        assert.equal(body, '', request.path)
      }
    })
  }

  test('headers are an object in lower case, several cookies an array', async (t) => {
    const { php } = await startPhp(t)
    const { handler, outcome } = recordNew()
    php.dispatch({ ...GET, path: '/status.php' }, handler)
    const { headers } = await outcome
    assert.deepEqual(headers['set-cookie'], ['a=1', 'b=2'])
    assert.match(String(headers['content-type']), /^text\/plain/)
  })

  test('a reason phrase and bytes beyond ASCII come as the application wrote them', async (t) => {
    const stdout = Buffer.from('Status: 299 All gr\xe9at\r\nX-Name: caf\xe9\r\n\r\nok', 'latin1')
    const pool = new MockPool().on('*', { stdout })
    const php = new FastCGIDispatcher(pool, { root: '/srv' })
    t.after(() => php.destroy())
    const { handler, outcome } = recordNew()
    php.dispatch({ ...GET, path: '/' }, handler)
    const { statusText, headers } = await outcome
    assert.equal(statusText, 'All gr\xe9at')
    assert.equal(headers['x-name'], 'caf\xe9')
  })

  test('interim answers come ahead, and the final one is the answer', async (t) => {
    const stdout = 'Status: 103\r\nLink: </a.css>\r\n\r\nContent-Type: text/plain\r\n\r\nok'
    const php = new FastCGIDispatcher(new MockPool().on('*', { stdout }), { root: '/srv' })
    t.after(() => php.destroy())
    const seen: number[] = []
    const { body } = await php.request({
      ...GET,
      path: '/',
      onInfo: ({ statusCode }) => seen.push(statusCode),
    })
    assert.equal(await body.text(), 'ok')
    assert.deepEqual(seen, [103])
  })

  test('nothing comes while a handler is paused, the end neither', async (t) => {
    const { php } = await startPhp(t)
    let isPaused: (controller: Dispatcher.DispatchController) => void = () => {}
    const paused = new Promise<Dispatcher.DispatchController>((resolve) => {
      isPaused = resolve
    })
    const { handler, outcome } = recordNew({
      onResponseStart(controller) {
        controller.pause()
        isPaused(controller)
      },
    })
    php.dispatch({ ...GET, path: '/hello.php' }, handler)
    const controller = await paused
    assert.equal(controller.paused, true)
    // The answer is in the same record as its head: another request shows that it must have come long ago.
    const other = recordNew()
    php.dispatch({ ...GET, path: '/hello.php' }, other.handler)
    await other.outcome
    let settled = false
    void outcome.then(() => (settled = true))
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(settled, false)
    controller.resume()
    const { calls, body } = await outcome
    assert.deepEqual(calls, ['start', 'head 200', 'data', 'end'])
    assert.equal(body, 'hello')
  })

  test('a handler that takes a chunk at a time gets all of a large answer', async (t) => {
    const { php } = await startPhp(t)
    let resume: () => void = () => {}
    let length = 0
    const { handler, outcome } = recordOld({
      onHeaders(_status, _raw, go) {
        resume = go
        return false
      },
      onData(chunk) {
        length += chunk.length
        setImmediate(resume)
        return false
      },
    })
    php.dispatch({ ...GET, path: '/big.php?bytes=3000000' }, handler)
    const poke = setInterval(() => resume(), 5)
    await outcome
    clearInterval(poke)
    assert.equal(length, 3_000_000)
  })

  test('what a handler throws is what the request fails with', async (t) => {
    const { php } = await startPhp(t)
    for (const hook of ['onRequestStart', 'onResponseStart', 'onResponseData', 'onResponseEnd']) {
      const { handler, outcome } = recordNew({
        [hook]: () => {
          throw new Error(`thrown in ${hook}`)
        },
      })
      php.dispatch({ ...GET, path: '/hello.php' }, handler)
      assert.equal((await outcome).error?.message, `thrown in ${hook}`)
    }
  })

  test('a handler that could not be told of a failure is refused', async (t) => {
    const { php } = await startPhp(t)
    const options = { ...GET, path: '/hello.php' }
    for (const handler of [{}, { onRequestStart() {} }, { onConnect() {} }]) {
      assert.throws(() => php.dispatch(options, handler), { code: 'UND_ERR_INVALID_ARG' })
    }
  })
})

test('options that are none are refused, as undici refuses them', async (t) => {
  const { php } = await startPhp(t)
  for (const options of [null, undefined, 5]) {
    const { handler, outcome } = recordNew()
    // @ts-expect-error -- what a program without types may do
    assert.equal(php.dispatch(options, handler), false)
    const { error } = await outcome
    assert.equal(error && 'code' in error && error.code, 'UND_ERR_INVALID_ARG')
  }
})

describe('what a request says', () => {
  /** What env.php was told. */
  async function told(
    t: Parameters<typeof startPhp>[0],
    request: Partial<Dispatcher.RequestOptions>,
    options: Parameters<typeof startPhp>[1] = {},
  ): Promise<Record<string, string>> {
    const { php } = await startPhp(t, options)
    const { body, statusCode } = await php.request({ ...GET, path: '/env.php', ...request })
    assert.equal(statusCode, 200)
    return (await body.json()) as Record<string, string>
  }

  test('origin, path and query, as they were written', async (t) => {
    const env = await told(t, {
      origin: 'https://shop.example:8443',
      path: '/x/.././env.php/p%20q?a=%C3%A9&b',
    })
    assert.equal(env['REQUEST_URI'], '/x/.././env.php/p%20q?a=%C3%A9&b')
    assert.equal(env['QUERY_STRING'], 'a=%C3%A9&b')
    assert.equal(env['SCRIPT_NAME'], '/env.php')
    assert.equal(env['PATH_INFO'], '/p q')
    assert.equal(env['HTTP_HOST'], 'shop.example:8443')
    assert.equal(env['SERVER_NAME'], 'shop.example')
    assert.equal(env['SERVER_PORT'], '8443')
    assert.equal(env['HTTPS'], 'on')
    assert.equal(env['DOCUMENT_ROOT'], PHP_ROOT)
  })

  test('query as an option', async (t) => {
    const env = await told(t, { query: { a: [1, 2], b: 'x y' } })
    assert.equal(env['QUERY_STRING'], 'a=1&a=2&b=x%20y')
  })

  test('no origin, and a backend as origin: the application is told another', async (t) => {
    const { php, fpm } = await startPhp(t, { origin: 'https://app.example' })
    const request = { method: 'GET', path: '/env.php' } as const
    for (const asked of [request, { ...request, origin: `fcgi+${fpm.address}` }]) {
      const { body } = await php.request(asked)
      const env = (await body.json()) as Record<string, string>
      assert.equal(env['HTTP_HOST'], 'app.example')
      assert.equal(env['HTTPS'], 'on')
    }
  })

  const HEADERS: readonly (readonly [string, Dispatcher.DispatchOptions['headers']])[] = [
    ['an object', { 'X-One': '1', 'x-many': ['a', 'b'], cookie: ['c=1', 'd=2'] }],
    [
      'a flat array',
      ['X-One', '1', 'x-many', 'a', 'X-Many', 'b', 'cookie', 'c=1', 'cookie', 'd=2'],
    ],
    [
      'pairs',
      new Map<string, string | string[]>([
        ['X-One', '1'],
        ['x-many', ['a', 'b']],
        ['Cookie', 'c=1; d=2'],
      ]),
    ],
  ]
  for (const [name, headers] of HEADERS) {
    test(`headers as ${name}`, async (t) => {
      const env = await told(t, { headers: headers! })
      assert.equal(env['HTTP_X_ONE'], '1')
      assert.equal(env['HTTP_X_MANY'], 'a, b')
      assert.equal(env['HTTP_COOKIE'], 'c=1; d=2')
    })
  }

  test('headers that would be taken for something else are left out, as by createFetch', async (t) => {
    const headers = { proxy: 'http://evil.example', x_user: 'root', host: 'named.example' }
    const env = await told(t, { headers })
    assert.equal(env['HTTP_PROXY'], undefined)
    assert.equal(env['HTTP_X_USER'], undefined)
    assert.equal(env['HTTP_HOST'], 'named.example')
  })

  test('a path that must not reach PHP is answered with 400, one without script with 404', async (t) => {
    const { php } = await startPhp(t, { frontController: false })
    for (const [path, status] of [
      ['/../etc/passwd.php', 400],
      ['/a%00.php', 400],
      ['/a%2Fb.php', 400],
      ['/nothing', 404],
    ] as const) {
      const { statusCode, body } = await php.request({ ...GET, path })
      assert.equal(statusCode, status, path)
      assert.match(await body.text(), /^(?:Bad Request|Not Found)\n$/)
      const head = await php.request({ ...GET, method: 'HEAD', path })
      assert.equal(await head.body.text(), '')
    }
  })

  test('only the scripts that were allowed run', async (t) => {
    const { php } = await startPhp(t, { scripts: ['/hello.php'] })
    assert.equal((await php.request({ ...GET, path: '/env.php' })).statusCode, 404)
    assert.equal((await php.request({ ...GET, path: '/hello.php' })).statusCode, 200)
  })

  test('local redirects of the application are followed', async (t) => {
    const php = scripted(t, async (peer) => {
      const first = await peer.request()
      peer.stdout(first.id, 'Location: /other.php?x=1\r\n\r\n')
      peer.end(first.id)
      const second = await peer.request()
      peer.stdout(second.id, `\r\n${second.params.get('SCRIPT_NAME')}`.replace(/^/, 'A: b\r\n'))
      peer.end(second.id)
    })
    const { body } = await php.request({ ...GET, path: '/one.php' })
    assert.equal(await body.text(), '/other.php')
  })

  const REFUSED: readonly (readonly [string, object, string])[] = [
    ['a path without a slash', { path: 'env.php' }, 'UND_ERR_INVALID_ARG'],
    ['a path with a blank', { path: '/a b' }, 'UND_ERR_INVALID_ARG'],
    ['a method that is none', { method: 'GE T' }, 'UND_ERR_INVALID_ARG'],
    ['a header with a line break', { headers: { a: 'b\r\nc: d' } }, 'UND_ERR_INVALID_ARG'],
    ['a header name with a blank', { headers: { 'a b': 'c' } }, 'UND_ERR_INVALID_ARG'],
    ['a timeout below 0', { headersTimeout: -1 }, 'UND_ERR_INVALID_ARG'],
    ['an odd array of headers', { headers: ['a'] }, 'UND_ERR_INVALID_ARG'],
    ['a body that is none', { body: 5, method: 'PUT' }, 'UND_ERR_INVALID_ARG'],
    ['an upgrade', { upgrade: 'websocket' }, 'UND_ERR_NOT_SUPPORTED'],
    ['a tunnel', { method: 'CONNECT' }, 'UND_ERR_NOT_SUPPORTED'],
  ]
  for (const [name, request, code] of REFUSED) {
    test(`${name} is refused`, async () => {
      const php = new FastCGIDispatcher(new MockPool(), { root: '/srv' })
      for (const { handler, outcome } of [recordNew(), recordOld()]) {
        php.dispatch(Object.assign({ ...GET, path: '/' }, request), handler)
        const { error, calls } = await outcome
        assert.deepEqual(calls, ['error'])
        assert.equal(error && 'code' in error && error.code, code)
      }
    })
  }

  test('stderr goes to onStderr, with the request that it belongs to', async (t) => {
    const seen: string[] = []
    const { php } = await startPhp(t, {
      onStderr: (data, { path }) => seen.push(`${path} ${Buffer.from(data).toString()}`),
    })
    const { body } = await php.request({ ...GET, path: '/stderr.php' })
    assert.equal(await body.text(), 'one two three')
    assert.match(seen.join(''), /^\/stderr\.php .*first complaint: ünïcode/)
  })
})
