// The security checklist of the project, line by line, as far as a client library and the conversion between HTTP and CGI decide it.
//
// Lines that do not apply here, because they need files, a listening HTTP server or a person's configuration:
//   10 symlinked releases      the client looks at no files; `root` is sent as it is given
//   12 SSRF                    the address comes from the caller, never from a request; allow-lists are the gateway's and the CLI's
//   23 slowloris               reading slowly from HTTP clients is the gateway's; that a reader who stops frees the backend is in streaming.test.ts
//   27 permissions of sockets  of the process that listens; the client only connects
//   29 supply chain            no test: no dependencies, checked by the build; linear parsing is in cgi-response.test.ts
// Of 9 the file system half (ADS, trailing dots, 8.3 names), of 19 X-Accel-Redirect and X-Sendfile, of 21 answering `Expect`, and of 22
// the choice of trusted proxies are the gateway's; the other halves are below.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Pool } from '@fastcgi/client'
import {
  cgiParams,
  checkRoot,
  createFetch,
  decodePath,
  errorResponse,
  headerParams,
  scriptFilename,
  splitScript,
  type FetchOptions,
} from '@fastcgi/client/http'
import { MockPool, scriptedPeer, type PeerScript } from '@fastcgi/client/testing'
import { applicationFetch, peerFetch } from '../support/fetch-backends.js'
import { byName, paramsOf, parse, shown } from '../support/http.js'
import { nextTurn, until } from '../support/requests.js'

const ORIGIN = 'http://example.org'
const BAD = { code: 'FCGI_ERR_HTTP_REQUEST', status: 400 }
const NO_CGI = { code: 'FCGI_ERR_CGI_RESPONSE' }

type Headers = readonly (readonly [string, string])[]

function namesOf(headers: Headers): string[] {
  return shown(headerParams(headers).params).map(([name]) => name)
}

/** The params of a request as createFetch makes them, or the status that it is answered with instead. */
async function asked(
  path: string,
  options: Partial<FetchOptions> = {},
  init?: RequestInit,
): Promise<Record<string, string> | number> {
  const pool = new MockPool().on('*', { stdout: 'A: b\n\n' })
  const php = createFetch(pool, { root: '/srv', ...options })
  const response = await php(new Request(ORIGIN + path, init))
  const [call] = pool.calls
  return call ? Object.fromEntries(call.params) : response.status
}

describe('requests', () => {
  test('checklist 1: httpoxy: a Proxy header never becomes HTTP_PROXY', async () => {
    for (const name of ['Proxy', 'proxy', 'PROXY']) {
      assert.deepEqual(namesOf([[name, 'http://evil.example']]), [])
    }
    for (const name of ['_Proxy', 'Proxy_', 'Proxy ', ' Proxy', 'Pr.oxy']) {
      assert.ok(!namesOf([[name, 'x']]).includes('HTTP_PROXY'), name)
    }
    const policy = { unsafeHeaderNames: ['proxy'] }
    assert.deepEqual(headerParams([['proxy', 'x']], policy).params, [])
    const params = await asked('/', {}, { headers: { proxy: 'http://evil.example' } })
    assert.ok(typeof params === 'object' && !('HTTP_PROXY' in params))
  })

  test('checklist 2: aliases: only letters, digits and dashes pass in a header name', () => {
    const names = ['X_User', 'X.User', 'X User', 'X[User', 'X~User', 'X\0User', 'X\u2010User', '_']
    assert.deepEqual(namesOf(names.map((name) => [name, 'admin'])), [])
    assert.deepEqual(namesOf([['X-User', 'nobody']]), ['HTTP_X_USER'])
  })

  test('checklist 2: aliases: two names that fold to one param are refused, in both orders', () => {
    const policy = { unsafeHeaderNames: ['x_user'] }
    const list: Headers = [
      ['x-user', 'a'],
      ['x_user', 'b'],
    ]
    for (const headers of [list, list.toReversed()]) {
      assert.throws(() => headerParams(headers, policy), BAD)
    }
  })

  test('checklist 3: no header becomes, or replaces, a CGI variable', () => {
    const variables = [
      'Remote-User',
      'Remote-Addr',
      'HTTPS',
      'Auth-Type',
      'Redirect-Status',
      'Script-Filename',
      'Document-Root',
      'PHP-VALUE',
      'Content-Type',
      'Content-Length',
      'Server-Name',
      'Request-Method',
      'Query-String',
    ]
    const headers = variables.map((name): [string, string] => [name, '7'])
    const params = paramsOf({ headers })
    const without = paramsOf()
    for (const [name, value] of Object.entries(params)) {
      if (name.startsWith('HTTP_')) continue
      const own = name === 'CONTENT_TYPE' || name === 'CONTENT_LENGTH'
      assert.equal(value, own ? '7' : without[name], name)
    }
    assert.ok(!('HTTP_CONTENT_TYPE' in params) && !('HTTP_CONTENT_LENGTH' in params))
  })

  for (const [name, char] of [
    ['CR', '\r'],
    ['LF', '\n'],
    ['NUL', '\0'],
  ] as const) {
    test(`checklist 4: ${name} is refused in the method, the target, a header and the path`, () => {
      assert.throws(() => paramsOf({ method: `GET${char}` }), BAD)
      assert.throws(() => paramsOf({ target: `/${char}` }), BAD)
      assert.throws(() => paramsOf({ target: `/?${char}` }), BAD)
      assert.throws(() => headerParams([['X-A', `a${char}b`]]), BAD)
      assert.throws(() => headerParams([['Content-Type', `a${char}b`]]), BAD)
      assert.throws(() => decodePath(`/a${char}.php`), BAD)
      assert.throws(() => decodePath(`/a${encodeURIComponent(char)}.php`), BAD)
      assert.throws(() => scriptFilename('/srv', `/a${char}.php`), BAD)
    })

    test(`checklist 4: ${name} is refused in whatever else becomes a param`, async () => {
      let begun = 0
      const connect = scriptedPeer(async (peer) => {
        for (; ; begun++) await peer.params()
      })
      const pool = new Pool('unix:/peer', { connect })
      const evil = `a${char}b`
      for (const context of [
        { serverName: evil },
        { remoteAddress: evil },
        { serverAddress: evil },
        { script: { scriptName: '/a.php', pathInfo: `/${evil}` } },
        { root: `/${evil}` },
      ]) {
        const params = cgiParams(
          { method: 'GET', target: '/', headers: [] },
          {
            root: '/srv',
            script: { scriptName: '/a.php', pathInfo: '' },
            serverName: 'a',
            serverPort: 80,
            ...context,
          },
        )
        await assert.rejects(pool.execute({ params }), { code: 'FCGI_ERR_PARAM_INVALID' })
      }
      await nextTurn()
      assert.equal(begun, 0)
      pool.destroy()
    })
  }

  test('checklist 5: CVE-2019-11043: SCRIPT_FILENAME never has the tail, a line break never splits', async () => {
    for (const path of [
      '/a.php%0a/b',
      '/a.php/%0d%0ab',
      '/a.php/PHP%0Ais_the_shittiest_lang.php',
    ]) {
      assert.equal(await asked(path), 400, path)
    }
    const params = await asked('/a.php/b/c')
    assert.ok(typeof params === 'object')
    assert.deepEqual([params.SCRIPT_FILENAME, params.PATH_INFO], ['/srv/a.php', '/b/c'])
    // An empty PATH_INFO is what the attack needs: it is not sent at all.
    const plain = await asked('/a.php')
    assert.ok(typeof plain === 'object' && !('PATH_INFO' in plain))
  })

  test('checklist 6: fix_pathinfo: a split is at .php before a slash or the end; an allow-list holds', async () => {
    for (const path of [
      '/a.php.jpg',
      '/a.phpx',
      '/a.jpg',
      '/aphp',
      '/.php',
      '/a.php%20',
      '/a.php;x',
    ]) {
      assert.equal(await asked(path, { frontController: false }), 404, path)
    }
    const params = await asked('/avatar.jpg/x.php')
    assert.ok(typeof params === 'object' && params.SCRIPT_NAME === '/avatar.jpg/x.php')
    const scripts = ['/index.php']
    assert.equal(await asked('/avatar.jpg/x.php', { scripts }), 404)
    assert.equal(await asked('/uploads/shell.php', { scripts }), 404)
  })

  test('checklist 7: Unicode: case is not folded, and no letter beyond ASCII matches the extension', () => {
    for (const path of [
      '/a.PHP',
      '/a.Php',
      '/a.\u{1d429}hp',
      '/a.p\u02b0p',
      '/a.ph\uff50',
      '/a.p\u212ap',
    ]) {
      assert.equal(splitScript(decodePath(path)), undefined, path)
    }
    // Letters whose lower case is longer than they are must not move the split.
    const path = decodePath('/\u0130\u0130\u0130.php/info')
    assert.deepEqual(splitScript(path), {
      scriptName: '/\xc4\xb0\xc4\xb0\xc4\xb0.php',
      pathInfo: '/info',
    })
  })

  test('checklist 8: CVE-2025-64500: PATH_INFO is empty or begins with a slash, SCRIPT_NAME begins with one', () => {
    for (const script of [
      { scriptName: '/a.php', pathInfo: 'info' },
      { scriptName: '/a.php', pathInfo: '%2finfo' },
      { scriptName: 'a.php', pathInfo: '/info' },
      { scriptName: '', pathInfo: '/a.php' },
    ]) {
      assert.throws(() => paramsOf({}, { script }), BAD)
    }
  })

  const traversals: readonly (readonly [string, string | undefined])[] = [
    ['/../etc/passwd', undefined],
    ['/a/../../etc/passwd', undefined],
    ['/%2e%2e/etc/passwd', undefined],
    ['/.%2e/%2E./etc/passwd', undefined],
    ['/a/%2e%2e/%2e%2e/b', undefined],
    ['/..%2fetc/passwd', undefined],
    ['/..%5cetc', undefined],
    ['/..\\etc', undefined],
    ['/a%00.jpg', undefined],
    ['/a%7f', undefined],
    ['/a%', undefined],
    ['/a%2', undefined],
    ['/a%zz', undefined],
    ['/%u002e', undefined],
    ['', undefined],
    ['a', undefined],
    ['http://evil.example/', undefined],
    // Decoded once: what is encoded twice stays text.
    ['/%252e%252e/a', '/%2e%2e/a'],
    ['/%252f..%252f', '/%2f..%2f'],
    // Overlong UTF-8 is bytes, and no dot or slash.
    ['/%c0%ae%c0%ae/a', '/\xc0\xae\xc0\xae/a'],
    ['/%c0%af', '/\xc0\xaf'],
    ['/..;/a', '/..;/a'],
    ['/.../a', '/.../a'],
    ['/.. /a', '/.. /a'],
    ['//a///b//', '/a/b/'],
    ['/a/./b/.', '/a/b/'],
    ['/a/b/..', '/a/'],
    ['/a/..', '/'],
    ['/a/b/%2e%2e/c', '/a/c'],
    ['/\uff0e\uff0e/a', '/\xef\xbc\x8e\xef\xbc\x8e/a'],
    ['/\u2025/a', '/\xe2\x80\xa5/a'],
  ]
  for (const [path, decoded] of traversals) {
    const outcome = decoded === undefined ? 'refused' : JSON.stringify(decoded)
    test(`checklist 9: traversal: ${JSON.stringify(path)} is ${outcome}`, () => {
      if (decoded === undefined) assert.throws(() => decodePath(path), BAD)
      else assert.equal(decodePath(path), decoded)
    })
  }

  test('checklist 9: traversal: a script name with dot segments or another slash has no file', () => {
    for (const name of [
      '/../a.php',
      '/a/../b.php',
      '/./a.php',
      '/..',
      '/a/..\\b.php',
      '\\a.php',
      'a.php',
    ]) {
      assert.throws(() => scriptFilename('/srv', name), BAD, name)
    }
    assert.equal(scriptFilename('/srv', '/a..b/..c.php'), '/srv/a..b/..c.php')
    for (const root of ['srv', '', './srv', '~', 'file:///srv']) {
      assert.throws(() => checkRoot(root), TypeError, root)
    }
    for (const [root, checked] of [
      ['/srv//', '/srv'],
      ['/', ''],
      ['C:\\www\\', 'C:\\www'],
    ] as const) {
      assert.equal(checkRoot(root), checked)
    }
  })

  test('checklist 9: traversal: streams and trailing dots of Windows make no script', async () => {
    for (const path of ['/a.php::$DATA', '/a.php.', '/a.php%20', '/a.php..', '/A~1.PHP']) {
      assert.equal(await asked(path, { frontController: false }), 404, path)
    }
  })

  test('checklist 11: injection: privileged params come from unsafeParams only', async () => {
    for (const name of ['PHP_VALUE', 'PHP_ADMIN_VALUE', 'REQUEST_BODY_FILE']) {
      const options = { root: '/srv', params: { [name]: 'x' } }
      assert.throws(() => createFetch(new MockPool(), options), TypeError, name)
      const bytes = { root: '/srv', params: [[Buffer.from(name), 'x']] as const }
      assert.throws(() => createFetch(new MockPool(), bytes), TypeError, name)
    }
    const query = '?PHP_VALUE=auto_prepend_file=/etc/passwd&SCRIPT_FILENAME=/etc/passwd'
    const params = await asked(`/a.php${query}`, {}, { headers: { 'php-value': 'x' } })
    assert.ok(typeof params === 'object')
    assert.ok(!('PHP_VALUE' in params))
    assert.equal(params.SCRIPT_FILENAME, '/srv/a.php')
  })

  test('checklist 11: injection: a client cannot replace a param that the site has fixed', async () => {
    const options = { params: { HTTP_X_ROLE: 'guest' } }
    const params = await asked('/', options, { headers: { 'x-role': 'admin' } })
    assert.ok(typeof params === 'object')
    assert.equal(params.HTTP_X_ROLE, 'guest')
  })

  for (const [name, length, chunks, most] of [
    ['longer in its only chunk', '4', ['hello'], 4],
    ['longer by a second chunk', '5', ['hello', 'GET / HTTP/1.1'], 5],
    ['shorter', '10', ['hello'], 5],
  ] as const) {
    test(`checklist 13: FastCGI smuggling: a body ${name} is never complete, never more, and its connection is over`, async (t) => {
      let received = -1
      let complete = false
      const { php, pool } = peerFetch(t, async (peer) => {
        await peer.params()
        await peer.request().then(
          () => (complete = true),
          () => {},
        )
        received = peer.stdinReceived
      })
      const body = new Blob([...chunks]).stream()
      const init = { method: 'POST', body, duplex: 'half', headers: { 'content-length': length } }
      const request = new Request(ORIGIN, init as RequestInit)
      await assert.rejects(php(request), { code: 'FCGI_ERR_CONTENT_LENGTH' })
      await until(() => received >= 0)
      assert.ok(!complete && received <= most, `${received} bytes`)
      assert.equal(pool.stats.connected, 0)
    })
  }

  test('checklist 14: HTTP smuggling: a length that can be read in two ways is refused', () => {
    for (const value of [
      '+5',
      '5abc',
      '-1',
      '5, 5',
      '5,6',
      '',
      ' 5',
      '0x5',
      '5.0',
      '1e1',
      '\u0665',
      '9'.repeat(20),
    ]) {
      assert.throws(() => headerParams([['Content-Length', value]]), BAD, JSON.stringify(value))
    }
    const twice: Headers = [
      ['Content-Length', '5'],
      ['content-length', '5'],
    ]
    assert.throws(() => headerParams(twice), BAD)
    for (const coding of ['chunked', 'identity', '', 'x']) {
      const both: Headers = [
        ['Content-Length', '5'],
        ['Transfer-Encoding', coding],
      ]
      assert.throws(() => headerParams(both), BAD)
      assert.throws(() => headerParams(both.toReversed()), BAD)
    }
  })

  test('checklist 14: HTTP smuggling: headers of one hop, and those that Connection names, are not passed on', () => {
    const hop = ['Connection', 'Keep-Alive', 'TE', 'Trailer', 'Transfer-Encoding', 'Upgrade']
    const proxy = ['Proxy-Connection', 'Proxy-Authenticate', 'Proxy-Authorization', 'Expect']
    const headers: Headers = [...hop, ...proxy].map((name) => [name, 'x-named'] as const)
    assert.deepEqual(namesOf([...headers, ['X-Named', '1'], ['X-Other', '2']]), ['HTTP_X_OTHER'])
  })

  test('checklist 15: unknown length: the body is collected for its CONTENT_LENGTH, within a limit', async (t) => {
    const script: PeerScript = async (peer) => {
      const { id, params, stdin } = await peer.request()
      peer.stdout(id, `A: b\n\n${params.get('CONTENT_LENGTH')} ${stdin.length}`)
      peer.end(id)
    }
    const { php } = peerFetch(t, script, { onError: errorResponse }, { maxBufferedStdin: 10 })
    const post = (text: string): Request => {
      const body = new Blob([text]).stream()
      return new Request(ORIGIN, { method: 'POST', body, duplex: 'half' })
    }
    assert.equal(await (await php(post('hello'))).text(), '5 5')
    assert.equal((await php(post('hello world'))).status, 413)
  })

  test('checklist 16: partial upload: a source that fails ends the connection, never the body', async (t) => {
    let outcome = ''
    const { php } = peerFetch(t, async (peer) => {
      await peer.params()
      outcome = await peer.request().then(
        () => 'a whole request',
        () => 'the connection ended',
      )
    })
    let sent = false
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sent) controller.error(new Error('the client went away'))
        else controller.enqueue(Buffer.from('hello'))
        sent = true
      },
    })
    const headers = { 'content-length': '10' }
    const init = { method: 'POST', body, duplex: 'half', headers } as RequestInit
    await assert.rejects(php(new Request(ORIGIN, init)), { code: 'FCGI_ERR_STDIN' })
    await until(() => outcome !== '')
    assert.equal(outcome, 'the connection ended')
  })

  test('checklist 18: limits: params and headers that no record can hold are 431', async (t) => {
    const { php } = peerFetch(t, () => {}, { onError: errorResponse })
    const headers = { cookie: 'a'.repeat(66_000) }
    assert.equal((await php(new Request(ORIGIN, { headers }))).status, 431)
    assert.equal((await php(new Request(`${ORIGIN}/${'a'.repeat(66_000)}`))).status, 431)
  })

  test('checklist 21: trailers and expectations: Trailer, TE and Expect never become params', () => {
    const headers: Headers = [
      ['Trailer', 'X-User'],
      ['TE', 'trailers'],
      ['Expect', '100-continue'],
    ]
    assert.deepEqual(namesOf(headers), [])
  })

  test('checklist 22: who is connected: only FetchInfo and the URL say, forwarded headers do not', async () => {
    const headers = {
      'x-forwarded-for': '10.0.0.1',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'evil.example',
      'x-forwarded-port': '443',
      'x-real-ip': '10.0.0.1',
      forwarded: 'for=10.0.0.1;proto=https',
      'front-end-https': 'on',
      'x-original-url': '/admin.php',
      'x-rewrite-url': '/admin.php',
      'ssl-client-verify': 'SUCCESS',
    }
    const [plain, forwarded] = [await asked('/a.php'), await asked('/a.php', {}, { headers })]
    assert.ok(typeof plain === 'object' && typeof forwarded === 'object')
    const rest = Object.entries(forwarded).filter(([name]) => !name.startsWith('HTTP_'))
    assert.deepEqual(
      rest,
      Object.entries(plain).filter(([name]) => !name.startsWith('HTTP_')),
    )
    assert.equal(plain.REMOTE_ADDR, '0.0.0.0')
  })

  test('checklist 24: endpoints: no path but one of a script becomes SCRIPT_NAME', async () => {
    for (const path of [
      '/status',
      '/ping',
      '/fpm-status?full',
      '/.user.ini',
      '/.env',
      '/.htaccess',
    ]) {
      const params = await asked(path)
      assert.ok(typeof params === 'object' && params.SCRIPT_NAME === '/index.php', path)
      assert.equal(await asked(path, { frontController: false }), 404)
    }
  })

  test('checklist 28: prototypes: names like __proto__ are params like others, or none', async () => {
    assert.deepEqual(
      namesOf([
        ['__proto__', 'x'],
        ['constructor', 'y'],
      ]),
      ['HTTP_CONSTRUCTOR'],
    )
    const params = byName(
      headerParams([
        ['toString', 'a'],
        ['tostring', 'b'],
      ]).params,
    )
    assert.deepEqual(params, { HTTP_TOSTRING: 'a, b' })
    const info = JSON.parse('{"__proto__":{"remoteAddress":"10.0.0.1"}}') as object
    const pool = new MockPool().on('*', { stdout: 'A: b\n\n' })
    await createFetch(pool, { root: '/srv' })(new Request(ORIGIN), info)
    assert.equal(pool.calls[0]!.params.get('REMOTE_ADDR'), '0.0.0.0')
  })

  test('checklist 30: Authorization passes unless refused, Proxy-Authorization never', () => {
    const headers: Headers = [
      ['Authorization', 'Basic dTpw'],
      ['Proxy-Authorization', 'Basic dTpw'],
    ]
    assert.deepEqual(namesOf(headers), ['HTTP_AUTHORIZATION'])
    assert.deepEqual(headerParams(headers, { authorization: false }).params, [])
  })
})

describe('answers', () => {
  test('checklist 17: response splitting: CR, NUL and their like in a header are refused', () => {
    for (const value of ['a\rSet-Cookie: b', 'a\0b', 'a\x0bb', 'a\x1bb', 'a\x7f']) {
      assert.throws(() => parse(`X-A: ${value}\r\n\r\n`), NO_CGI, JSON.stringify(value))
    }
    for (const name of ['X A', 'X\0A', 'X\rA', '', 'X(A)', 'X\xe4']) {
      assert.throws(() => parse(`${name}: a\r\n\r\n`), NO_CGI, JSON.stringify(name))
    }
  })

  test('checklist 17: response splitting: one Status, one Content-Length, one Location', () => {
    for (const name of ['Status', 'Content-Length', 'Location']) {
      assert.throws(() => parse(`${name}: 200\n${name.toLowerCase()}: 200\n\n`), NO_CGI)
    }
  })

  test('checklist 17: response splitting: headers of one hop stay on this hop', async (t) => {
    const { php } = applicationFetch(t, (_, reply) =>
      reply.stdout(
        'Connection: x-a\nTE: a\nKeep-Alive: a\nUpgrade: a\nTrailer: a\nX-A: b\nX-B: c\n\n',
      ),
    )
    assert.deepEqual([...(await php(new Request(ORIGIN))).headers], [['x-b', 'c']])
  })

  for (const [name, length] of [
    ['shorter', '6'],
    ['longer', '4'],
  ] as const) {
    test(`checklist 17: response splitting: a body ${name} than its Content-Length is an error`, async (t) => {
      const { php } = applicationFetch(t, (_, reply) =>
        reply.stdout(`Content-Length: ${length}\n\nhello`),
      )
      const answer = php(new Request(ORIGIN)).then((response) => response.text())
      await assert.rejects(answer, NO_CGI)
    })
  }

  test('checklist 18: limits: a header block without end, and stderr without end, fill no memory', async (t) => {
    let told = 0
    const { php } = applicationFetch(
      t,
      async (_, reply) => {
        for (let count = 0; count < 100; count++) await reply.stderr('e'.repeat(10_000))
        for (;;) await reply.stdout('X-A: b\n')
      },
      { maxHeaderSize: 1000, onStderr: (data) => (told += data.length) },
    )
    await assert.rejects(php(new Request(ORIGIN)), NO_CGI)
    assert.equal(told, 1_000_000)
  })

  test('checklist 19: local redirects: at most ten, by GET, and through the same rules', async () => {
    const pool = new MockPool().on('*', { stdout: 'Location: /b.php\n\n' })
    const php = createFetch(pool, { root: '/srv' })
    const request = new Request(ORIGIN, { method: 'POST', body: 'x' })
    await assert.rejects(php(request), NO_CGI)
    assert.equal(pool.calls.length, 11)
    const methods = pool.calls.map(({ params }) => params.get('REQUEST_METHOD'))
    assert.deepEqual(new Set(methods.slice(1)), new Set(['GET']))
    const scripts = ['/index.php']
    const limited = createFetch(pool, { root: '/srv', scripts })
    assert.equal((await limited(new Request(ORIGIN))).status, 404)
  })

  test('checklist 20: 1xx: never the status of an answer', async (t) => {
    for (const [stdout, status] of [
      ['Status: 103\nLink: </a>\n\nStatus: 200\nA: b\n\nbody', 200],
      ['Status: 103\nContent-Type: text/html\n\n<html>', 502],
      ['Status: 103\nContent-Type: text/html\n\n', 502],
      ['Status: 100\n\n', 502],
      ['Status: 101\nUpgrade: websocket\n\n', 502],
    ] as const) {
      const options = { onError: errorResponse }
      const { php } = applicationFetch(t, (_, reply) => reply.stdout(stdout), options)
      assert.equal((await php(new Request(ORIGIN))).status, status)
    }
  })

  test('checklist 25: logs: what a request or a backend says is quoted in messages', () => {
    const evil = 'a\x1b[2K\nb'
    const messages = [
      () => decodePath(`/${evil}`),
      () => paramsOf({ method: evil }),
      () => headerParams([['X\x1b', 'a\nb']]),
      () => headerParams([['Content-Length', '5\x1b[2K']]),
      () => scriptFilename('/srv', `${evil}.php`),
      () => parse(`${evil}\n\n`),
      () => parse('Status: 2\x1b\n\n'),
      () => parse('Content-Length: 5x\n\n'),
      () => checkRoot(evil),
    ]
    for (const act of messages) {
      assert.throws(act, (error: Error) => {
        // eslint-disable-next-line no-control-regex -- control characters are what must not be there
        assert.doesNotMatch(error.message, /[\x00-\x1f\x7f]/)
        return true
      })
    }
  })

  test('checklist 26: stderr and causes never reach the client', async (t) => {
    const secret = "Access to the script '/srv/secret.php' denied"
    for (const [stdout, status] of [
      ['A: b\n\nbody', 200],
      ['no header at all', 502],
    ] as const) {
      const { php } = applicationFetch(
        t,
        async (_, reply) => {
          await reply.stderr(secret)
          await reply.stdout(stdout)
          await reply.stderr(secret)
        },
        { onError: errorResponse },
      )
      const response = await php(new Request(ORIGIN))
      const all = `${response.statusText} ${JSON.stringify([...response.headers])} ${await response.text()}`
      assert.equal(response.status, status)
      assert.ok(!all.includes('secret') && !all.includes('srv') && !all.includes('unix:'), all)
    }
  })
})

describe('where other servers differ', () => {
  /** Answers with this, then ends as told. */
  const says =
    (stdout: string, end: (peer: Parameters<PeerScript>[0], id: number) => void): PeerScript =>
    async (peer) => {
      const { id } = await peer.request()
      peer.stdout(id, stdout)
      end(peer, id)
    }
  const whole = (peer: Parameters<PeerScript>[0], id: number): void => peer.end(id)

  for (const [name, script, code] of [
    [
      'EOF without END_REQUEST and Content-Length',
      says('A: b\n\nx', (peer) => peer.close()),
      'FCGI_ERR_SOCKET',
    ],
    [
      'EOF after 1,000 of 5,000 bytes',
      says(`Content-Length: 5000\n\n${'x'.repeat(1000)}`, (peer) => peer.close()),
      'FCGI_ERR_SOCKET',
    ],
    [
      'OVERLOADED after output',
      says('A: b\n\nx', (peer, id) => peer.end(id, 0, 2)),
      'FCGI_ERR_REQUEST_REJECTED',
    ],
  ] as const) {
    test(`differential: ${name} aborts the body with an error`, async (t) => {
      const { php } = peerFetch(t, script)
      const answer = php(new Request(ORIGIN)).then((response) => response.text())
      await assert.rejects(answer, { code })
    })
  }

  test('differential: OVERLOADED without output is 503 with Retry-After', async (t) => {
    const options = { onError: errorResponse }
    const { php } = peerFetch(
      t,
      says('', (peer, id) => peer.end(id, 0, 2)),
      options,
    )
    const { status, headers } = await php(new Request(ORIGIN))
    assert.deepEqual([status, headers.get('retry-after')], [503, '1'])
  })

  for (const [name, stdout, status, location] of [
    ['201 with Location stays 201', 'Status: 201\nLocation: /new\n\n', 201, '/new'],
    [
      'a lone Location with a scheme is 302',
      'Location: http://a.example/\n\n',
      302,
      'http://a.example/',
    ],
    ['headers may end in LF alone', 'Status: 404\nA: b\n\n', 404, null],
    ['103, then 200, is 200', 'Status: 103\nLink: a\n\nStatus: 200\nA: b\n\n', 200, null],
  ] as const) {
    test(`differential: ${name}`, async (t) => {
      const { php } = peerFetch(t, says(stdout, whole))
      const response = await php(new Request(ORIGIN))
      assert.deepEqual([response.status, response.headers.get('location')], [status, location])
      assert.equal(await response.text(), '')
    })
  }

  test('differential: X_Under, X.Dot and Proxy are not forwarded', async () => {
    const headers = { x_under: '1', 'x.dot': '2', proxy: '3', 'x-dash': '4' }
    const params = await asked('/', {}, { headers })
    const names = Object.keys(params).filter((name) => name.startsWith('HTTP_'))
    assert.deepEqual(names, ['HTTP_X_DASH', 'HTTP_HOST'])
  })
})
