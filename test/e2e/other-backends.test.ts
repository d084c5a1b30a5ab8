// The same requests against php-cgi, a C program with libfcgi and a Go program; and the roles that only libfcgi plays.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { executeOnce, Role, type FastCGIRequest, type StdinBody } from '@fastcgi/client'
import { go, startGo, startLibfcgi, startPhpCgi, type BackendOptions } from '../support/backends.ts'
import { answerOf, bodyOf, noise, openPool, php, pieces, readAll, sha256 } from '../support/php.ts'
import { TRANSPORTS, type Backend, type Scope } from '../support/process.ts'

interface Kind {
  name: string
  start(scope: Scope, options: BackendOptions): Promise<Backend>
  request(what: string, query?: string, stdin?: StdinBody): FastCGIRequest
  skip?: string | false
}

const cgi = (what: string, query = '', stdin?: StdinBody): FastCGIRequest => ({
  params: {
    REQUEST_METHOD: stdin === undefined ? 'GET' : 'PUT',
    SCRIPT_NAME: `/${what}`,
    REQUEST_URI: `/${what}?${query}`,
    QUERY_STRING: query,
    SERVER_PROTOCOL: 'HTTP/1.1',
    HTTP_HOST: 'localhost',
  },
  stdin,
})

const SCRIPTS: Readonly<Record<string, string>> = { echo: 'echo-while-reading.php' }
const KINDS: Kind[] = [
  {
    name: 'php-cgi',
    start: startPhpCgi,
    request: (what, query = '', stdin) => {
      const script = SCRIPTS[what] ?? `${what}.php`
      const more = query === '' ? {} : { query: { bytes: query } }
      return php(script, stdin === undefined ? more : { ...more, stdin })
    },
  },
  { name: 'libfcgi', start: startLibfcgi, request: cgi },
  { name: 'Go', start: startGo, request: cgi, skip: go === undefined && 'go is not installed' },
]

for (const kind of KINDS) {
  for (const listen of TRANSPORTS) {
    const check = (name: string, body: (scope: Scope, backend: Backend) => Promise<void>): void => {
      test(`${kind.name}: ${name} (${listen})`, { skip: kind.skip ?? false }, async (t) => {
        await body(t, await kind.start(t, { listen }))
      })
    }

    check('one request on a connection of its own', async (_t, { address }) => {
      const response = await executeOnce(address, kind.request('hello'))
      assert.equal(answerOf(response).text, 'hello')
      assert.equal(response.appStatus, 0)
    })

    check('requests one after the other share a connection', async (t, { address }) => {
      const pool = openPool(t, address)
      const pids = new Set<string>()
      for (let index = 0; index < 10; index++) {
        pids.add(await bodyOf(pool.execute(kind.request('pid'))))
        assert.equal(pool.stats.connected, 1)
      }
      assert.equal(pids.size, 1)
    })

    check('an upload is echoed while it is sent', async (t, { address }) => {
      const pool = openPool(t, address)
      const body = noise(4 * 1024 * 1024)
      for (const stdin of [body, pieces(body)]) {
        const answer = answerOf(await pool.execute(kind.request('echo', '', stdin)))
        assert.equal(sha256(answer.body), sha256(body))
      }
    })

    check('a big answer arrives whole', async (t, { address }) => {
      const pool = openPool(t, address)
      for (const bytes of [1, 65_535, 65_536, 3_000_000]) {
        const { body } = answerOf(await pool.execute(kind.request('big', String(bytes))))
        assert.equal(body.length, bytes)
      }
      assert.equal(pool.stats.connected, 1)
    })

    check('a hundred requests at once', async (t, { address }) => {
      const pool = openPool(t, address, { connections: 2 })
      const answers = await Promise.all(
        Array.from({ length: 100 }, () => bodyOf(pool.execute(kind.request('hello')))),
      )
      assert.deepEqual(new Set(answers), new Set(['hello']))
    })
  }
}

for (const listen of TRANSPORTS) {
  test(`php-cgi: stdout and stderr apart (${listen})`, async (t) => {
    const { address } = await startPhpCgi(t, { listen })
    const { stdout, stderr } = await readAll(openPool(t, address).stream(php('stderr.php')))
    assert.equal(answerOf({ stdout }).text, 'one two three')
    assert.match(stderr.toString(), /first complaint: ünïcode/)
  })

  test(`libfcgi: stdout and stderr apart (${listen})`, async (t) => {
    const { address } = await startLibfcgi(t, { listen })
    const { stdout, stderr } = await readAll(openPool(t, address).stream(cgi('stderr')))
    assert.equal(answerOf({ stdout }).text, 'an answer')
    assert.equal(stderr.toString(), 'a complaint\nanother complaint\n')
  })

  test(`libfcgi: the exit status is passed on (${listen})`, async (t) => {
    const { address } = await startLibfcgi(t, { listen })
    const pool = openPool(t, address)
    for (const status of [1, 255, 65_536]) {
      const response = await pool.execute(cgi('exit', String(status)))
      assert.equal(answerOf(response).text, 'leaving')
      assert.equal(response.appStatus, status)
    }
    assert.equal(pool.stats.connected, 1)
  })

  test(`libfcgi: an answer of no bytes (${listen})`, async (t) => {
    const { address } = await startLibfcgi(t, { listen })
    const response = await openPool(t, address).execute(cgi('silent'))
    assert.equal(response.stdout.length, 0)
  })

  test(`libfcgi: an Authorizer lets in, or not (${listen})`, async (t) => {
    const { address } = await startLibfcgi(t, { listen })
    const pool = openPool(t, address)
    const ask = async (authorization: string): Promise<ReturnType<typeof answerOf>> => {
      const params = { REQUEST_METHOD: 'GET', HTTP_AUTHORIZATION: authorization }
      return answerOf(await pool.execute({ params, role: Role.Authorizer }))
    }
    const granted = await ask('open sesame')
    assert.equal(granted.status, 200)
    assert.equal(granted.headers.get('variable-auth_user'), 'ali baba')
    assert.equal(granted.headers.get('variable-auth_group'), 'thieves')
    const refused = await ask('open barley')
    assert.equal(refused.status, 403)
    assert.equal(refused.text, 'no entry')
  })

  test(`libfcgi: a Filter gets the file after the body (${listen})`, async (t) => {
    const { address } = await startLibfcgi(t, { listen })
    const pool = openPool(t, address)
    const file = 'a line of the file\n'.repeat(20_000)
    for (const [stdin, expected] of [
      ['upper', file.toUpperCase()],
      ['as is', file],
    ] as const) {
      const params = {
        REQUEST_METHOD: 'POST',
        FCGI_DATA_LAST_MOD: 1_700_000_000,
        FCGI_DATA_LENGTH: file.length,
      }
      const response = await pool.execute({ params, stdin, data: file, role: Role.Filter })
      assert.equal(answerOf(response).headers.get('x-length'), String(file.length))
      assert.equal(answerOf(response).text, expected)
    }
    assert.equal(pool.stats.connected, 1)
  })

  test(`libfcgi: a crash is no end of an answer (${listen})`, async (t) => {
    const { address } = await startLibfcgi(t, { listen })
    const pool = openPool(t, address)
    await assert.rejects(pool.execute(cgi('crash')), { code: 'FCGI_ERR_SOCKET' })
    assert.equal(await bodyOf(pool.execute(cgi('hello'))), 'hello')
  })

  test(`libfcgi: params of more than a record, and a pair that spans two (${listen})`, async (t) => {
    const { address } = await startLibfcgi(t, { listen })
    const pool = openPool(t, address, { spanParams: true })
    const { params } = cgi('hello')
    const large = { ...(params as Record<string, string>), LARGE: 'x'.repeat(200_000) }
    assert.equal(await bodyOf(pool.execute({ params: large })), 'hello')
  })
}

test('Go: FCGI_GET_VALUES says that it multiplexes', { skip: go === undefined }, async (t) => {
  const pool = openPool(t, (await startGo(t)).address)
  assert.deepEqual([...(await pool.getValues())], [['FCGI_MPXS_CONNS', '1']])
})

test('Go: other roles are refused by name', { skip: go === undefined }, async (t) => {
  const pool = openPool(t, (await startGo(t)).address)
  await assert.rejects(pool.execute({ ...cgi('hello'), role: Role.Authorizer }), {
    code: 'FCGI_ERR_REQUEST_REJECTED',
    protocolStatus: 3,
  })
})

test(
  'Go: a process that dies in the middle of an answer',
  { skip: go === undefined },
  async (t) => {
    const { address } = await startGo(t)
    await assert.rejects(openPool(t, address).execute(cgi('panic')), { code: 'FCGI_ERR_SOCKET' })
  },
)

test('libfcgi never answers FCGI_GET_VALUES, which costs a time-out and no more', async (t) => {
  const pool = openPool(t, (await startLibfcgi(t)).address)
  await assert.rejects(pool.getValues(undefined, { headersTimeout: 50 }), {
    code: 'FCGI_ERR_TIMEOUT',
    phase: 'headers',
  })
  assert.equal(await bodyOf(pool.execute(cgi('hello'))), 'hello')
})
