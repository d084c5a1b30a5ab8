// One dispatcher for many origins, as the global one too, and the fetch that takes fcgi: URLs.

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { describe, test, type TestContext } from 'node:test'
import { MockPool } from '@fastcgi/client/testing'
import {
  FastCGIAgent,
  FastCGIDispatcher,
  parseFcgiUrl,
  type FastCGIAgentOptions,
} from '@fastcgi/client/undici'
import {
  Agent,
  fetch as undiciFetch,
  getGlobalDispatcher,
  interceptors,
  request,
  setGlobalDispatcher,
} from 'undici'
import { startFpm } from '../support/fpm.ts'
import { PHP_ROOT } from '../support/paths.ts'
import { fetchBy, recordNew, recordOld } from '../support/undici.ts'

const SITE = { root: PHP_ROOT, frontController: '/hello.php' }

function agentOf(t: TestContext, options: FastCGIAgentOptions): FastCGIAgent {
  const agent = new FastCGIAgent(options)
  t.after(() => agent.destroy())
  return agent
}

/** An HTTP server that is none of ours. */
async function webServer(t: TestContext): Promise<string> {
  const server = createServer((_request, response) => response.end('over HTTP'))
  t.after(() => server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  return `http://127.0.0.1:${address.port}`
}

describe('an agent', () => {
  test('sends the origins that it knows to their backends, and all others on', async (t) => {
    const fpm = await startFpm(t)
    const web = await webServer(t)
    const otherwise = new Agent()
    t.after(() => otherwise.destroy())
    const agent = agentOf(t, {
      otherwise,
      origins: {
        'http://app.internal': { backend: fpm.address, ...SITE },
        'https://mock.example:8443/': new FastCGIDispatcher(
          new MockPool().on('*', { stdout: 'A: b\r\n\r\nmocked' }),
          { root: '/srv' },
        ),
      },
    })
    const texts: string[] = []
    for (const url of [
      'http://app.internal/hello.php',
      'http://app.internal:80/hello.php',
      'https://mock.example:8443/',
      web,
    ]) {
      const { body } = await request(url, { dispatcher: agent })
      texts.push(await body.text())
    }
    assert.deepEqual(texts, ['hello', 'hello', 'mocked', 'over HTTP'])
    await agent.close()
    // What it was given is not its own to close.
    assert.equal(otherwise.closed, false)
    await assert.rejects(request(web, { dispatcher: agent }), { code: 'UND_ERR_DESTROYED' })
  })

  test('can be the global dispatcher, for the fetch of the runtime and for undici', async (t) => {
    const fpm = await startFpm(t)
    const web = await webServer(t)
    const before = getGlobalDispatcher()
    t.after(() => setGlobalDispatcher(before))
    setGlobalDispatcher(
      agentOf(t, { origins: { 'http://app.internal': { backend: fpm.address, ...SITE } } }),
    )
    assert.equal(await (await fetch('http://app.internal/hello.php')).text(), 'hello')
    assert.equal(await (await fetch(web)).text(), 'over HTTP')
    assert.equal(await (await request('http://app.internal/hello.php')).body.text(), 'hello')
    assert.equal(await (await request(web)).body.text(), 'over HTTP')
  })

  test('takes fcgi: origins, each its own backend', async (t) => {
    const [unix, tcp] = [await startFpm(t), await startFpm(t, { listen: 'tcp' })]
    const agent = agentOf(t, { fcgi: SITE })
    for (const origin of [
      `fcgi+${unix.address}`,
      `fcgi+unix://${encodeURIComponent(unix.address.slice('unix:'.length))}`,
      tcp.address.replace(/^tcp:/, 'fcgi:'),
      new URL(tcp.address.replace(/^tcp:/, 'fcgi:')),
    ]) {
      const answer = await agent.request({ origin, path: '/hello.php', method: 'GET' })
      assert.equal(await answer.body.text(), 'hello')
      const chunks: Buffer[] = []
      const piped = agent.pipeline({ origin, path: '/echo.php', method: 'PUT' }, ({ body }) => body)
      piped.end('there and back')
      for await (const chunk of piped) chunks.push(chunk as Buffer)
      assert.equal(Buffer.concat(chunks).toString(), 'there and back')
    }
  })

  test('does not follow a redirect of an application to a socket', async (t) => {
    const fpm = await startFpm(t)
    const agent = agentOf(t, {
      fcgi: SITE,
      origins: { 'http://app.internal': { backend: fpm.address, ...SITE } },
    })
    for (const to of [`fcgi+unix://${encodeURIComponent(fpm.address.slice(5))}`, 'fcgi://[::1]']) {
      const url = `http://app.internal/redirect.php?to=${encodeURIComponent(`${to}/hello.php`)}`
      await assert.rejects(fetchBy(agent, url), TypeError)
      await assert.rejects(undiciFetch(url, { dispatcher: agent }), TypeError)
      const dispatcher = agent.compose(interceptors.redirect({ maxRedirections: 2 }))
      await assert.rejects(request(url, { dispatcher }), { code: 'UND_ERR_INVALID_ARG' })
    }
  })

  test('refuses fcgi: origins unless it was told of a root, and a missing origin', async (t) => {
    const agent = agentOf(t, {})
    for (const origin of ['fcgi://127.0.0.1:9000', 'fcgi:nonsense', undefined]) {
      for (const { handler, outcome } of [recordNew(), recordOld()]) {
        const options = { path: '/', method: 'GET' } as const
        agent.dispatch(origin === undefined ? options : { ...options, origin }, handler)
        assert.deepEqual((await outcome).calls, ['error'])
      }
    }
  })

  test('refuses an origin that is none', () => {
    for (const origin of ['app.internal', 'http://app.internal/path', 'ftp://app.internal']) {
      const origins = { [origin]: { backend: '127.0.0.1:9000', ...SITE } }
      assert.throws(() => new FastCGIAgent({ origins }), TypeError)
    }
  })
})

describe('fetch of an agent', () => {
  test('takes fcgi: URLs, and answers with a Response of the runtime', async (t) => {
    const fpm = await startFpm(t)
    const socket = fpm.address.slice('unix:'.length)
    const { fetch } = agentOf(t, { fcgi: { ...SITE, origin: 'https://app.example' } })
    const encoded = `fcgi+unix://${encodeURIComponent(socket)}/env.php?a=b`
    for (const input of [
      `fcgi+unix:${socket}:/env.php?a=b#part`,
      encoded,
      new URL(encoded),
      new Request(encoded),
    ]) {
      const response = await fetch(input, { headers: { 'x-one': '1' } })
      assert.ok(response instanceof Response)
      assert.equal(response.url, 'https://app.example/env.php?a=b')
      const env = (await response.json()) as Record<string, string>
      assert.equal(env['QUERY_STRING'], 'a=b')
      assert.equal(env['HTTP_HOST'], 'app.example')
      assert.equal(env['HTTP_X_ONE'], '1')
    }
    const posted = await fetch(new Request(encoded, { method: 'POST', body: 'x=1' }))
    assert.equal(((await posted.json()) as Record<string, string>)['CONTENT_LENGTH'], '3')
  })

  test('sends http: URLs through the agent', async (t) => {
    const web = await webServer(t)
    const fpm = await startFpm(t)
    const agent = agentOf(t, {
      otherwise: new Agent(),
      origins: { 'http://app.internal': { backend: fpm.address, ...SITE } },
    })
    assert.equal(await (await agent.fetch(web)).text(), 'over HTTP')
    assert.equal(await (await agent.fetch('http://app.internal/hello.php')).text(), 'hello')
    assert.equal(await (await agent.fetch(new Request(web))).text(), 'over HTTP')
  })

  test('follows redirects, within the application and out of it', async (t) => {
    const web = await webServer(t)
    const fpm = await startFpm(t)
    const { fetch } = agentOf(t, { fcgi: SITE, otherwise: new Agent() })
    const redirect = async (to: string): Promise<Response> =>
      fetch(`fcgi+${fpm.address}:/redirect.php?to=${encodeURIComponent(to)}`)
    const inside = await redirect('/hello.php')
    assert.equal(await inside.text(), 'hello')
    assert.equal(inside.redirected, true)
    assert.equal(await (await redirect(web)).text(), 'over HTTP')
    // An answer cannot send anybody to a socket.
    await assert.rejects(redirect(`fcgi+${fpm.address}:/hello.php`), TypeError)
  })

  for (const end of ['close', 'destroy'] as const) {
    test(`after ${end} opens nothing`, async (t) => {
      const fpm = await startFpm(t)
      const agent = agentOf(t, { fcgi: SITE })
      await agent[end]()
      await assert.rejects(agent.fetch(`fcgi+${fpm.address}:/hello.php`), (error) => {
        assert.ok(error instanceof TypeError && error.cause instanceof Error)
        assert.equal('code' in error.cause && error.cause.code, 'UND_ERR_DESTROYED')
        return true
      })
    })
  }

  test('rejects as fetch does', async (t) => {
    const { fetch } = agentOf(t, { fcgi: SITE })
    await assert.rejects(fetch('fcgi+unix:/no/such.sock:/x.php'), (error) => {
      assert.ok(error instanceof TypeError && error.cause instanceof Error)
      assert.equal('code' in error.cause && error.cause.code, 'ENOENT')
      return true
    })
    const signal = AbortSignal.abort(new Error('no'))
    await assert.rejects(fetch('fcgi+unix:/no/such.sock:/x.php', { signal }), { message: 'no' })
    await assert.rejects(fetch('fcgi+unix:no/slash:/x.php'), TypeError)
  })
})

describe('fcgi: URLs', () => {
  const tcp = (host: string, port: number): object => ({ host, port })
  const READ: readonly (readonly [string | URL, object, string])[] = [
    ['fcgi://127.0.0.1', tcp('127.0.0.1', 9000), '/'],
    ['fcgi://php:9001/a.php?b#c', tcp('php', 9001), '/a.php?b'],
    ['fcgi://[::1]:9000/a', tcp('::1', 9000), '/a'],
    ['FCGI://php?b', tcp('php', 9000), '/?b'],
    [new URL('fcgi://php/a'), tcp('php', 9000), '/a'],
    ['fcgi+unix:/run/a.sock', { path: '/run/a.sock' }, '/'],
    ['fcgi+unix:/run/a.sock:/x.php?b=:/#c', { path: '/run/a.sock' }, '/x.php?b=:/'],
    ['fcgi+unix:/run/a.sock:/x/../../y:/z', { path: '/run/a.sock' }, '/x/../../y:/z'],
    ['fcgi+unix:/run/a%3A/b.sock:/x', { path: '/run/a:/b.sock' }, '/x'],
    ['fcgi+unix:@php:/x', { path: '\0php' }, '/x'],
    ['fcgi+unix://%2Frun%2Fa.sock/x.php?b', { path: '/run/a.sock' }, '/x.php?b'],
    [new URL('fcgi+unix://%2Frun%2Fa.sock/x.php?b'), { path: '/run/a.sock' }, '/x.php?b'],
    [new URL('fcgi+unix:/run/a.sock'), { path: '/run/a.sock' }, '/'],
  ]
  for (const [url, address, target] of READ) {
    test(`${typeof url === 'string' ? '' : 'URL '}${String(url)}`, () => {
      assert.deepEqual(parseFcgiUrl(url), { address, target })
    })
  }

  test('other schemes are none', () => {
    for (const url of ['http://a', 'fcgis://a', 'unix:/a', '', '/a']) {
      assert.equal(parseFcgiUrl(url), undefined)
    }
  })

  const WRONG: readonly (string | URL)[] = [
    'fcgi:',
    'fcgi://',
    'fcgi://user@php/a',
    'fcgi://php:99999/a',
    'fcgi:/run/a.sock',
    'fcgi+unix:run/a.sock:/x',
    'fcgi+unix:///run/a.sock:/x',
    'fcgi+unix:/run/%E9.sock',
    // What is left of `…:/` + `../b.sock:/x`, had it not been escaped.
    new URL('fcgi+unix:/run/a.sock:/../b.sock:/x'),
  ]
  for (const url of WRONG) {
    test(`refuses ${typeof url === 'string' ? '' : 'URL '}${String(url)}`, () => {
      assert.throws(() => parseFcgiUrl(url), TypeError)
    })
  }
})
