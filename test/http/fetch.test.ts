// createFetch: which script runs, what it is told, and what becomes of its answer.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  createFetch,
  errorResponse,
  type CgiHead,
  type FetchHandler,
  type FetchOptions,
} from '@fastcgi/client/http'
import { MockPool, type MockCall } from '@fastcgi/client/testing'

const ORIGIN = 'http://example.org'
const EMPTY = { stdout: 'Content-Type: text/html\r\n\r\n' }

/** A handler over a mock, and what the mock was asked. */
function mock(
  options: Partial<FetchOptions> = {},
  stdout: string | Uint8Array = EMPTY.stdout,
): { php: FetchHandler; pool: MockPool } {
  const pool = new MockPool().on('*', { stdout })
  return { pool, php: createFetch(pool, { root: '/srv', ...options }) }
}

/** The params that a request comes to. */
async function asked(
  input: string | Request,
  options?: Partial<FetchOptions>,
  info?: object,
): Promise<ReadonlyMap<string, string>> {
  const { php, pool } = mock(options)
  const request = typeof input === 'string' ? new Request(new URL(input, ORIGIN)) : input
  const response = await php(request, info)
  assert.equal(response.status, 200)
  return pool.calls[0]!.params
}

/** What a fixed stdout becomes. */
async function answered(stdout: string, init?: RequestInit): Promise<Response> {
  return mock({}, Buffer.from(stdout, 'latin1')).php(new Request(ORIGIN, init))
}

function abortedSoon(reason: Error): AbortSignal {
  const controller = new AbortController()
  setImmediate(() => controller.abort(reason))
  return controller.signal
}

describe('which script answers', () => {
  const php = (scriptName: string, pathInfo?: string): object => ({ scriptName, pathInfo })
  const cases: readonly (readonly [string, Partial<FetchOptions>, string, object | 404 | 400])[] = [
    ['a script', {}, '/a.php', php('/a.php')],
    ['a script with PATH_INFO', {}, '/a/b.php/c/d', php('/a/b.php', '/c/d')],
    ['the first of two scripts', {}, '/a.php/b.php', php('/a.php', '/b.php')],
    ['the front controller', {}, '/a/b', php('/index.php')],
    ['the front controller for what only looks like a script', {}, '/a.php.jpg', php('/index.php')],
    ['another extension in capitals', {}, '/a.PHP', php('/index.php')],
    ['a front controller elsewhere', { frontController: '/app/x.php' }, '/a', php('/app/x.php')],
    ['the front controller named by index', { index: 'app.php' }, '/a/', php('/app.php')],
    ['an index, without front controller', { frontController: false }, '/', php('/index.php')],
    ['an index below', { frontController: false, index: 'i.php' }, '/a/', php('/a/i.php')],
    ['nothing, without front controller', { frontController: false }, '/a', 404],
    ['a hidden file that is all extension', { frontController: false }, '/.php', 404],
    ['a script that is allowed', { scripts: ['/a.php'] }, '/a.php/x', php('/a.php', '/x')],
    ['a script that is not allowed', { scripts: ['/a.php'] }, '/b.php', 404],
    ['a front controller that is not allowed', { scripts: ['/a.php'] }, '/b', 404],
    ['nothing at all, with no script allowed', { scripts: [] }, '/', 404],
    ['a path that is refused', {}, '/a%2fb.php', 400],
    ['a script in UTF-8', {}, '/%C3%A4.php', php('/ä.php')],
    ['a front controller in UTF-8', { frontController: '/ä.php' }, '/', php('/ä.php')],
    ['an index in UTF-8', { frontController: false, index: 'ä.php' }, '/', php('/ä.php')],
    ['an allowed script in UTF-8', { scripts: ['/ä.php'] }, '/%c3%a4.php', php('/ä.php')],
  ]
  for (const [name, options, path, expected] of cases) {
    test(`${name}: ${path}`, async () => {
      if (typeof expected === 'number') {
        const { php: handler, pool } = mock(options)
        const response = await handler(new Request(ORIGIN + path))
        assert.equal(response.status, expected)
        assert.equal(pool.calls.length, 0)
        return
      }
      const params = await asked(path, options)
      const scriptName = params.get('SCRIPT_NAME')
      assert.deepEqual(php(scriptName!, params.get('PATH_INFO')), expected)
      assert.equal(params.get('SCRIPT_FILENAME'), `/srv${scriptName}`)
      assert.equal(params.get('REQUEST_URI'), path)
    })
  }

  test('resolve decides instead of index and front controller', async () => {
    const paths: string[] = []
    const options: Partial<FetchOptions> = {
      frontController: '/never.php',
      resolve(path) {
        paths.push(path)
        return path === '/none' ? undefined : { scriptName: '/r.php', pathInfo: '/info' }
      },
    }
    const params = await asked('/a/%C3%A4//../b', options)
    assert.deepEqual([params.get('SCRIPT_NAME'), params.get('PATH_INFO')], ['/r.php', '/info'])
    assert.equal((await mock(options).php(new Request(`${ORIGIN}/none`))).status, 404)
    assert.deepEqual(paths, ['/a/\xc3\xa4/b', '/none'])
  })

  test('an abort does not wait for resolve, and is none of its answers', async () => {
    const never = (): Promise<never> => new Promise(() => {})
    const reason = new Error('gone')
    for (const signal of [AbortSignal.abort(reason), abortedSoon(reason)]) {
      const waiting = mock({ resolve: never })
      await assert.rejects(waiting.php(new Request(ORIGIN, { signal })), { message: 'gone' })
      assert.equal(waiting.pool.calls.length, 0)
    }
    const strict = mock({ frontController: false })
    const signal = AbortSignal.abort(reason)
    await assert.rejects(strict.php(new Request(`${ORIGIN}/a`, { signal })), { message: 'gone' })
  })

  test('resolve cannot get past the allow-list, nor out of the root', async () => {
    const to = (scriptName: string, pathInfo = ''): Partial<FetchOptions> => ({
      resolve: () => ({ scriptName, pathInfo }),
    })
    const status = async (options: Partial<FetchOptions>): Promise<number> =>
      (await mock(options).php(new Request(ORIGIN))).status
    assert.equal(await status({ ...to('/b.php'), scripts: ['/a.php'] }), 404)
    assert.equal(await status(to('/../b.php')), 400)
    assert.equal(await status(to('b.php')), 400)
    assert.equal(await status(to('/b.php', 'info')), 400)
  })
})

describe('what a script is told', () => {
  test('servers hand over second arguments of which nothing else becomes a param', async () => {
    const strange: unknown[] = [
      { remoteAddr: { transport: 'unix', path: '/tmp/s' }, completed: {} },
      { remoteAddr: { hostname: 5, port: '1' } },
      { remoteAddr: null },
      { hostname: 'localhost', port: 3000, requestIP: () => ({ address: '192.0.2.1' }) },
      { DB: {}, SECRET: 'x', REMOTE_ADDR: '192.0.2.1', PHP_VALUE: 'x=y' },
      { remoteAddress: { toString: () => '192.0.2.1' }, remotePort: '1', serverAddress: 5 },
      null,
      undefined,
      'text',
    ]
    const plain = await asked('/')
    for (const info of strange) {
      assert.deepEqual(await asked('/', {}, info as object), plain)
    }
    assert.equal(plain.get('REMOTE_ADDR'), '0.0.0.0')
  })

  test('FetchInfo says who is connected', async () => {
    const info = { remoteAddress: '::1', remotePort: 1, serverAddress: '::2' }
    const params = await asked('/', {}, info)
    const told = ['REMOTE_ADDR', 'REMOTE_PORT', 'SERVER_ADDR'].map((name) => params.get(name))
    assert.deepEqual(told, ['::1', '1', '::2'])
  })

  test('Deno.serve says it in its own words', async () => {
    const info = { remoteAddr: { transport: 'tcp', hostname: '192.0.2.1', port: 4711 } }
    const params = await asked('/', {}, info)
    assert.deepEqual([params.get('REMOTE_ADDR'), params.get('REMOTE_PORT')], ['192.0.2.1', '4711'])
  })

  for (const [url, name, port, host, https] of [
    ['http://example.org/', 'example.org', '80', 'example.org', undefined],
    ['https://example.org/', 'example.org', '443', 'example.org', 'on'],
    ['http://example.org:8080/', 'example.org', '8080', 'example.org:8080', undefined],
    ['https://[::1]:8443/', '[::1]', '8443', '[::1]:8443', 'on'],
  ] as const) {
    test(`SERVER_NAME, SERVER_PORT, HTTPS and HTTP_HOST of ${url}`, async () => {
      const params = await asked(new Request(url))
      const names = ['SERVER_NAME', 'SERVER_PORT', 'HTTP_HOST', 'HTTPS'] as const
      assert.deepEqual(
        names.map((key) => params.get(key)),
        [name, port, host, https],
      )
    })
  }

  test('a Host header is passed on as it came', async () => {
    const request = new Request(ORIGIN, { headers: { host: 'other.example:1' } })
    assert.equal((await asked(request)).get('HTTP_HOST'), 'other.example:1')
  })

  test('serverName is the same for whatever host a client asks for', async () => {
    const params = await asked('http://evil.example/', { serverName: 'example.org' })
    assert.equal(params.get('SERVER_NAME'), 'example.org')
  })

  test('params of the options replace what the request says', async () => {
    const request = new Request(ORIGIN, { headers: { 'x-user': 'admin', host: 'evil.example' } })
    const { php, pool } = mock({
      params: { HTTP_X_USER: 'nobody', SERVER_PORT: 443 },
      unsafeParams: [['HTTP_HOST', 'example.org']],
    })
    await php(request)
    const { params } = pool.calls[0]!
    assert.equal(params.get('HTTP_X_USER'), 'nobody')
    assert.equal(params.get('SERVER_PORT'), '443')
    assert.equal(params.get('HTTP_HOST'), 'example.org')
  })
})

describe('options', () => {
  for (const [name, options] of [
    ['a relative root', { root: 'srv' }],
    ['an empty root', { root: '' }],
    ['a front controller without a slash', { frontController: 'index.php' }],
    ['a front controller outside of the root', { frontController: '/../index.php' }],
    ['an index outside of the root', { index: '../index.php' }],
    ['an allowed script that no path can name', { scripts: ['index.php'] }],
    ['PHP_VALUE among the params', { params: { PHP_VALUE: 'a=b' } }],
    ['PHP_ADMIN_VALUE among the params', { params: [['PHP_ADMIN_VALUE', 'a=b']] }],
    ['REQUEST_BODY_FILE as bytes', { params: [[Buffer.from('REQUEST_BODY_FILE'), '/etc/passwd']] }],
  ] as readonly (readonly [string, Partial<FetchOptions>])[]) {
    test(`refuse ${name} before any request`, () => {
      assert.throws(() => createFetch(new MockPool(), { root: '/srv', ...options }), TypeError)
    })
  }

  test('take PHP_VALUE as an unsafe param', () => {
    createFetch(new MockPool(), { root: '/srv', unsafeParams: { PHP_VALUE: 'a=b' } })
  })
})

describe('heads', () => {
  test('status, reason and headers are those of the script', async () => {
    const response = await answered(
      'Status: 404 Nicht da\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-A: 1\r\nX-A: 2\r\n\r\nbody',
    )
    assert.deepEqual([response.status, response.statusText], [404, 'Nicht da'])
    assert.deepEqual(response.headers.getSetCookie(), ['a=1', 'b=2'])
    assert.equal(response.headers.get('x-a'), '1, 2')
    assert.equal(response.headers.has('status'), false)
    assert.equal(await response.text(), 'body')
  })

  test('headers of one hop, and what Connection names, stay on this hop', async () => {
    const response = await answered(
      'Connection: close, X-Hop\nX-Hop: 1\nKeep-Alive: a\nTransfer-Encoding: chunked\nUpgrade: h2c\n' +
        'Trailer: a\nTE: b\nProxy-Authenticate: c\nX-Stays: 2\n\n',
    )
    assert.deepEqual([...response.headers], [['x-stays', '2']])
  })

  for (const status of [204, 205]) {
    test(`${status} has no body and no length, whatever the script wrote`, async () => {
      const response = await answered(`Status: ${status}\nContent-Length: 5\nX-A: b\n\nhello`)
      assert.deepEqual([response.status, response.body], [status, null])
      assert.deepEqual([...response.headers], [['x-a', 'b']])
    })
  }

  test('304 and the answer to HEAD keep the length of the body that they do not have', async () => {
    const notModified = await answered('Status: 304\nContent-Length: 5\n\n')
    assert.deepEqual([notModified.body, notModified.headers.get('content-length')], [null, '5'])
    const head = await answered('Content-Length: 5\n\n', { method: 'HEAD' })
    assert.deepEqual([head.status, head.body], [200, null])
    assert.equal(head.headers.get('content-length'), '5')
  })

  test('a body that HEAD is answered with is dropped', async () => {
    assert.equal((await answered('A: b\n\nbody', { method: 'HEAD' })).body, null)
  })

  test('interim responses are told, with their request, and do not end up in the answer', async () => {
    const told: [number, string][] = []
    const onInformational = (head: CgiHead, { url }: Request): void => {
      told.push([head.status, url])
    }
    const stdout = 'Status: 103\nLink: </a.css>\n\nStatus: 201\nX-A: b\n\nbody'
    const response = await mock({ onInformational }, stdout).php(new Request(ORIGIN))
    assert.deepEqual(told, [[103, `${ORIGIN}/`]])
    assert.deepEqual([response.status, [...response.headers]], [201, [['x-a', 'b']]])
    assert.equal(await response.text(), 'body')
  })
})

describe('local redirects', () => {
  /** Answers with a redirect to each of these, one after the other, then with what it was asked. */
  function redirecting(
    locations: readonly string[],
    options: Partial<FetchOptions> = {},
  ): { php: FetchHandler; calls: MockCall[] } {
    const rest = [...locations]
    const pool = new MockPool().on('*', ({ params }) => {
      const location = rest.shift()
      if (location !== undefined) {
        return { stdout: Buffer.from(`Location: ${location}\n\nignored`, 'latin1') }
      }
      return { stdout: `X-Method: ${params.get('REQUEST_METHOD')}\n\n${params.get('REQUEST_URI')}` }
    })
    return { php: createFetch(pool, { root: '/srv', ...options }), calls: pool.calls }
  }

  test('are answered as a GET of that path, without the body and its headers', async () => {
    const { php, calls } = redirecting(['/next.php/info?a=b#c'])
    const response = await php(
      new Request(`${ORIGIN}/first.php?x`, {
        method: 'POST',
        body: 'hello',
        headers: { 'content-type': 'a/b', 'content-length': '5', 'x-kept': '1' },
      }),
    )
    assert.equal(await response.text(), '/next.php/info?a=b')
    const { params, stdin } = calls[1]!
    assert.deepEqual(
      ['REQUEST_METHOD', 'SCRIPT_NAME', 'PATH_INFO', 'QUERY_STRING', 'CONTENT_TYPE'].map((name) =>
        params.get(name),
      ),
      ['GET', '/next.php', '/info', 'a=b', undefined],
    )
    assert.deepEqual([params.get('CONTENT_LENGTH'), params.get('HTTP_X_KEPT')], [undefined, '1'])
    assert.equal(stdin.length, 0)
    assert.equal(Buffer.from(calls[0]!.stdin).toString(), 'hello')
  })

  test('forget the headers of a body also when it was empty', async () => {
    const { php, calls } = redirecting(['/next.php'])
    const headers = { 'content-type': 'a/b', 'content-length': '0' }
    await php(new Request(ORIGIN, { method: 'POST', headers }))
    assert.equal(calls[0]!.params.get('CONTENT_LENGTH'), '0')
    assert.ok(!calls[1]!.params.has('CONTENT_LENGTH'))
    assert.ok(!calls[1]!.params.has('CONTENT_TYPE'))
  })

  test('keep HEAD a HEAD', async () => {
    const response = await redirecting(['/a.php']).php(new Request(ORIGIN, { method: 'HEAD' }))
    assert.deepEqual([response.headers.get('x-method'), response.body], ['HEAD', null])
  })

  test('keep the bytes of the path', async () => {
    const response = await redirecting(['/\xc3\xbc?\xe4']).php(new Request(ORIGIN))
    assert.equal(await response.text(), '/%C3%BC?%E4')
  })

  test('end after ten', async () => {
    const ten = Array.from({ length: 10 }, (_, index) => `/${index}.php`)
    assert.equal(await (await redirecting(ten).php(new Request(ORIGIN))).text(), '/9.php')
    const { php, calls } = redirecting([...ten, '/10.php'])
    await assert.rejects(php(new Request(ORIGIN)), { code: 'FCGI_ERR_CGI_RESPONSE' })
    assert.equal(calls.length, 11)
  })

  test('obey the allow-list and the rules for paths', async () => {
    const options = { scripts: ['/first.php'] }
    for (const [location, status] of [
      ['/second.php', 404],
      ['/a%00.php', 400],
      ['/%2e%2e/%2e%2e/second.php', 404],
    ] as const) {
      const { php, calls } = redirecting([location], options)
      assert.equal((await php(new Request(`${ORIGIN}/first.php`))).status, status, location)
      assert.equal(calls.length, 1)
    }
  })

  for (const location of ['//evil.example/x', '/\\evil.example/x', '/\t/evil.example/x']) {
    test(`${JSON.stringify(location)} is none, and changes no host: the client gets it`, async () => {
      const { php, calls } = redirecting([location])
      const response = await php(new Request(ORIGIN))
      assert.deepEqual([response.status, response.headers.get('location')], [302, location])
      assert.equal(calls.length, 1)
    })
  }
})

describe('failures before the answer', () => {
  test('reject, unless onError makes a response of them', async () => {
    const { php } = mock({}, 'no header')
    await assert.rejects(php(new Request(ORIGIN)), { code: 'FCGI_ERR_CGI_RESPONSE' })
    const seen: unknown[] = []
    const onError = (error: unknown, request: Request): Response => {
      seen.push(request.url)
      return errorResponse(error)
    }
    assert.equal((await mock({ onError }, 'no header').php(new Request(ORIGIN))).status, 502)
    assert.deepEqual(seen, [`${ORIGIN}/`])
  })

  for (const [name, stdout] of [
    ['no output', ''],
    ['no blank line', 'Content-Type: text/html'],
    ['a warning before the headers', '\nWarning: x in /srv/a.php\n\nbody'],
    ['an interim response only', 'Status: 103\n\n'],
    ['101', 'Status: 101\nUpgrade: websocket\n\n'],
    ['two Status lines', 'Status: 200\nStatus: 500\n\n'],
    ['a head that is too large', `X-A: ${'a'.repeat(300_000)}\n\n`],
  ] as const) {
    test(`${name} is an error`, async () => {
      await assert.rejects(answered(stdout), { code: 'FCGI_ERR_CGI_RESPONSE' })
    })
  }

  test('a request that is refused is answered at once, also with onError', async () => {
    const onError = (): Response => assert.fail('it is no failure of the backend')
    for (const [path, status] of [
      ['/%00', 400],
      ['/none', 404],
    ] as const) {
      const { php } = mock({ onError, frontController: false })
      const response = await php(new Request(ORIGIN + path))
      assert.equal(response.status, status)
      assert.equal(response.headers.get('content-type'), 'text/plain; charset=utf-8')
      assert.ok(!(await response.text()).includes('/'))
    }
  })
})
