// How requests end that do not end well: the reason of an abort, the error class and code that users of undici know, and no connection
// that is left over.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { describe, test, type TestContext } from 'node:test'
import { isFastCGIError } from '@fastcgi/client'
import { FastCGIDispatcher, type FastCGIDispatcherOptions } from '@fastcgi/client/undici'
import { errors, type Dispatcher } from 'undici'
import { HandPlayed } from '../support/hand-played.ts'
import { Gate } from '../support/php.ts'
import {
  dispatcherOf,
  fetchBy,
  recordNew,
  recordOld,
  scripted,
  startPhp,
} from '../support/undici.ts'

const GET = { origin: 'http://app.example', method: 'GET' } as const
const URL_OF = `${GET.origin}/x.php`

describe('aborts', () => {
  /** php-fpm with a worker, and a script that waits in it. */
  async function waiting(
    t: TestContext,
    options: Partial<FastCGIDispatcherOptions> = {},
  ): Promise<{ php: FastCGIDispatcher; gate: Gate; path: string }> {
    const { php, fpm } = await startPhp(t, options)
    const gate = new Gate(fpm.directory)
    return { php, gate, path: `/gate.php?before=early&gate=${encodeURIComponent(gate.path)}` }
  }

  test('before it begins: the reason, and nothing is sent', async (t) => {
    const pool = new HandPlayed()
    const php = new FastCGIDispatcher(pool, { root: '/srv' })
    t.after(() => php.destroy())
    const reason = new Error('changed my mind')
    const signal = AbortSignal.abort(reason)
    await assert.rejects(php.request({ ...GET, path: '/', signal }), reason)
    await assert.rejects(fetchBy(php, URL_OF, { signal }), reason)
    for (const { handler, outcome } of [
      recordNew({ onRequestStart: (controller) => controller.abort(reason) }),
      recordOld({ onConnect: (abort) => abort(reason) }),
    ]) {
      php.dispatch({ ...GET, path: '/' }, handler)
      assert.equal((await outcome).error, reason)
    }
    assert.equal(pool.runs.length, 0)
  })

  test('while the answer is waited for: the reason, and the connection is closed', async (t) => {
    const { php, fpm } = await startPhp(t)
    const gate = new Gate(fpm.directory)
    const path = `/gate.php?gate=${encodeURIComponent(gate.path)}`
    const giving = new AbortController()
    const reason = new Error('took too long')
    const request = assert.rejects(php.request({ ...GET, path, signal: giving.signal }), reason)
    await gate.reached()
    const closed = once(php, 'disconnect')
    giving.abort(reason)
    await request
    await closed
    gate.open()
  })

  test('while the body comes: the reason, and the connection is closed', async (t) => {
    for (const by of ['request', 'fetch']) {
      const { php, gate, path } = await waiting(t)
      const giving = new AbortController()
      const { signal } = giving
      const reason = new Error('seen enough')
      const text =
        by === 'request'
          ? (await php.request({ ...GET, path, signal })).body.text()
          : (await fetchBy(php, GET.origin + path, { signal })).text()
      await gate.reached()
      const closed = once(php, 'disconnect')
      giving.abort(reason)
      await assert.rejects(text, reason)
      await closed
      gate.open()
    }
  })

  test('a body that is destroyed gives the request up', async (t) => {
    const { php, gate, path } = await waiting(t)
    const { body } = await php.request({ ...GET, path })
    const closed = once(php, 'disconnect')
    body.on('error', () => {})
    body.destroy()
    await closed
    gate.open()
  })

  test('during an upload: the reason, and its source is freed', async (t) => {
    const { php, fpm } = await startPhp(t)
    await fpm.halt()
    const giving = new AbortController()
    const reason = new Error('wrong file')
    async function* endless(): AsyncGenerator<Buffer> {
      for (;;) yield Buffer.alloc(65_536)
    }
    const body = Readable.from(endless())
    const upload = php.request({
      ...GET,
      method: 'POST',
      path: '/body.php',
      headers: { 'content-length': '1000000000' },
      body,
      signal: giving.signal,
    })
    await Promise.race([once(php, 'connect'), upload])
    giving.abort(reason)
    await assert.rejects(upload, reason)
    assert.equal(body.destroyed, true)
    fpm.proceed()
  })

  test('in the queue: the reason, and the others go on', async (t) => {
    const { php, gate, path } = await waiting(t, { pool: { connections: 1 } })
    const first = php.request({ ...GET, path })
    await gate.reached()
    const giving = new AbortController()
    const reason = new Error('not worth it')
    const second = php.request({ ...GET, path: '/hello.php', signal: giving.signal })
    giving.abort(reason)
    await assert.rejects(second, reason)
    gate.open()
    assert.equal(await (await first).body.text(), 'early')
  })

  test('paused, with the whole answer there: the reason', async (t) => {
    const { php } = await startPhp(t)
    let controller: Dispatcher.DispatchController | undefined
    const reason = new Error('no more')
    const { handler, outcome } = recordNew({
      onResponseStart(given) {
        controller = given
        given.pause()
        setImmediate(() => given.abort(reason))
      },
    })
    php.dispatch({ ...GET, path: '/hello.php' }, handler)
    const { calls, error } = await outcome
    assert.deepEqual(calls, ['start', 'head 200', 'error'])
    assert.equal(error, reason)
    assert.deepEqual([controller?.aborted, controller?.reason], [true, reason])
    await php.close()
  })

  test('without a reason it is undici’s own', async (t) => {
    const { php } = await startPhp(t)
    const { handler, outcome } = recordOld({ onConnect: (abort) => abort() })
    php.dispatch({ ...GET, path: '/hello.php' }, handler)
    assert.ok((await outcome).error instanceof errors.RequestAbortedError)
  })
})

interface Failure {
  readonly name: string
  readonly php: (t: TestContext) => FastCGIDispatcher
  readonly code: string
  readonly cause?: string
  readonly options?: object
}

const silence = (t: TestContext): FastCGIDispatcher =>
  scripted(t, async (peer) => void (await peer.request()))
const half = (t: TestContext): FastCGIDispatcher =>
  scripted(t, async (peer) => {
    const { id } = await peer.request()
    peer.stdout(id, 'A: b\r\n\r\nhalf an ans')
  })

const FAILURES: readonly Failure[] = [
  {
    name: 'headersTimeout of the request',
    php: silence,
    options: { headersTimeout: 30 },
    code: 'UND_ERR_HEADERS_TIMEOUT',
    cause: 'FCGI_ERR_TIMEOUT',
  },
  {
    name: 'bodyTimeout of the request',
    php: half,
    options: { bodyTimeout: 30 },
    code: 'UND_ERR_BODY_TIMEOUT',
    cause: 'FCGI_ERR_TIMEOUT',
  },
  {
    name: 'no such socket',
    php: (t) => dispatcherOf(t, 'fcgi+unix:/does/not/exist.sock'),
    code: 'ENOENT',
    cause: 'FCGI_ERR_CONNECT',
  },
  {
    name: 'nobody listens',
    php: (t) => dispatcherOf(t, 'fcgi://127.0.0.1:1'),
    code: 'ECONNREFUSED',
    cause: 'FCGI_ERR_CONNECT',
  },
  {
    name: 'no connection in time',
    php: (t) =>
      dispatcherOf(t, 'unix:/never', {
        pool: { connectTimeout: 30, connect: () => new Promise(() => {}) },
      }),
    code: 'UND_ERR_CONNECT_TIMEOUT',
    cause: 'FCGI_ERR_TIMEOUT',
  },
  {
    name: 'the end before the head',
    php: (t) =>
      scripted(t, async (peer) => {
        await peer.request()
        peer.close()
      }),
    options: { method: 'POST' },
    code: 'UND_ERR_SOCKET',
    cause: 'FCGI_ERR_SOCKET',
  },
  {
    name: 'the end of the connection within the body',
    php: (t) =>
      scripted(t, async (peer) => {
        const { id } = await peer.request()
        peer.stdout(id, 'A: b\r\n\r\nhalf an ans')
        peer.close()
      }),
    code: 'UND_ERR_SOCKET',
    cause: 'FCGI_ERR_SOCKET',
  },
  {
    name: 'fewer bytes than Content-Length says',
    php: (t) =>
      scripted(t, async (peer) => {
        const { id } = await peer.request()
        peer.stdout(id, 'Content-Length: 20\r\n\r\nhalf an ans')
        peer.end(id)
      }),
    code: 'FCGI_ERR_CGI_RESPONSE',
  },
  {
    name: 'no CGI response',
    php: (t) =>
      scripted(t, async (peer) => {
        const { id } = await peer.request()
        peer.stdout(id, 'Fatal error: out of luck\n\n')
        peer.end(id)
      }),
    code: 'FCGI_ERR_CGI_RESPONSE',
  },
]

/** The chain of causes, as codes. */
function codesOf(error: unknown): unknown[] {
  const codes: unknown[] = []
  for (let each = error; each instanceof Error; each = each.cause) {
    if ('code' in each) codes.push(each.code)
  }
  return codes
}

describe('failures, with the codes of undici and the FastCGIError as cause', () => {
  for (const { name, php, options = {}, code, cause } of FAILURES) {
    const expected = cause === undefined ? [code] : [code, cause]

    test(`${name}: request`, async (t) => {
      const request = Object.assign({}, { ...GET, path: '/x.php' }, options)
      const error: unknown = await php(t)
        .request(request)
        .then(({ body }) => body.text())
        .then(
          () => undefined,
          (failure: unknown) => failure,
        )
      assert.deepEqual(codesOf(error).slice(0, expected.length), expected)
    })

    test(`${name}: both generations of handlers`, async (t) => {
      for (const { handler, outcome } of [recordNew(), recordOld()]) {
        php(t).dispatch(Object.assign({}, { ...GET, path: '/x.php' }, options), handler)
        const { error, calls } = await outcome
        assert.equal(calls.filter((call) => call === 'error' || call === 'end').length, 1)
        assert.deepEqual(codesOf(error).slice(0, expected.length), expected)
        assert.ok(isFastCGIError(error) || isFastCGIError(error?.cause))
      }
    })
  }

  test('fetch: a TypeError, with all of that below', async (t) => {
    const php = dispatcherOf(t, 'fcgi://127.0.0.1:1')
    await assert.rejects(fetchBy(php, URL_OF), (error) => {
      assert.ok(error instanceof TypeError)
      assert.deepEqual(codesOf(error).slice(0, 2), ['ECONNREFUSED', 'FCGI_ERR_CONNECT'])
      return true
    })
    const response = await fetchBy(half(t), URL_OF)
    assert.equal(response.status, 200)
    await response.body?.cancel()
  })

  test('fetch: a body that breaks off never looks complete', async (t) => {
    const php = scripted(t, async (peer) => {
      const { id } = await peer.request()
      peer.stdout(id, 'A: b\r\n\r\nhalf an ans')
      peer.close()
    })
    const response = await fetchBy(php, URL_OF)
    await assert.rejects(response.text(), (error) => {
      assert.ok(error instanceof TypeError)
      assert.deepEqual(codesOf(error), ['UND_ERR_SOCKET', 'FCGI_ERR_SOCKET'])
      return true
    })
  })

  test('a timeout of 0 waits', async (t) => {
    const php = scripted(
      t,
      async (peer) => {
        const { id } = await peer.request()
        await new Promise((resolve) => setTimeout(resolve, 60))
        peer.stdout(id, 'A: b\r\n\r\nok')
        peer.end(id)
      },
      { headersTimeout: 20 },
    )
    const answer = await php.request({ ...GET, path: '/x.php', headersTimeout: 0 })
    assert.equal(await answer.body.text(), 'ok')
  })

  test('a worker that dies within its answer', async (t) => {
    const { php, fpm } = await startPhp(t)
    const gate = new Gate(fpm.directory)
    const path = `/gate.php?before=early&gate=${encodeURIComponent(gate.path)}`
    const { body } = await php.request({ ...GET, path })
    process.kill(await gate.reached(), 'SIGKILL')
    await assert.rejects(body.text(), { code: 'UND_ERR_SOCKET' })
  })
})
