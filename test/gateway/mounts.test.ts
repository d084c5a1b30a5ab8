// The gateway as a part of other people's servers, with bodies, and with what they put in between.

import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import { after, describe, test, type TestContext } from 'node:test'
import { createGateway, type Gateway, type GatewayOptions } from '@fastcgi/gateway'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { startFpm } from '../support/fpm.js'
import { PHP_ROOT } from '../support/paths.js'

const fpm = await startFpm({ after })
const BODY = { name: 'Ünï', list: [1, 2, 3] }

function gatewayOf(t: TestContext, options: GatewayOptions = {}): Gateway {
  const gateway = createGateway({ root: PHP_ROOT, backend: fpm.address, ...options })
  t.after(() => gateway.close())
  return gateway
}

async function listen(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
}

/** Posts JSON, a form and bytes to the script that sends its body back, and looks at each. */
async function echoesBodies(url: string): Promise<void> {
  const json = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(BODY),
  })
  assert.deepEqual(JSON.parse(await json.text()), BODY)
  const form = await fetch(url, { method: 'POST', body: new URLSearchParams({ a: 'ü &', b: '2' }) })
  assert.equal(await form.text(), 'a=%C3%BC+%26&b=2')
  const bytes = Uint8Array.from({ length: 100_000 }, (_, at) => at & 0xff)
  const raw = await fetch(url, { method: 'PUT', body: bytes })
  assert.deepEqual(new Uint8Array(await raw.arrayBuffer()), bytes)
}

async function paramsAt(url: string): Promise<Record<string, string>> {
  const response = await fetch(url)
  assert.equal(response.status, 200)
  return (await response.json()) as Record<string, string>
}

describe('node:http', () => {
  test('a gateway is a listener', async (t) => {
    const url = await listen(t, gatewayOf(t).handler)
    await echoesBodies(`${url}/echo.php`)
  })
})

describe('Express 5', () => {
  test('at the root, before any parser: bodies pass through', async (t) => {
    const app = express()
    app.use(gatewayOf(t).handler)
    await echoesBodies(`${await listen(t, app)}/echo.php`)
  })

  test('behind parsers of bodies: what they have read is put together again', async (t) => {
    const app = express()
    app.use(express.json(), express.urlencoded())
    app.use(gatewayOf(t).handler)
    await echoesBodies(`${await listen(t, app)}/echo.php`)
  })

  test('below a path: SCRIPT_NAME has it, the file has not, REQUEST_URI is what was asked for', async (t) => {
    const app = express()
    app.use('/blog', gatewayOf(t).handler)
    const url = await listen(t, app)
    const params = await paramsAt(`${url}/blog/env.php/more?x=1`)
    assert.equal(params.SCRIPT_NAME, '/blog/env.php')
    assert.equal(params.PATH_INFO, '/more')
    assert.equal(params.REQUEST_URI, '/blog/env.php/more?x=1')
    assert.equal(params.SCRIPT_FILENAME, `${PHP_ROOT}/env.php`)
    const folder = await fetch(`${url}/blog?x=1`, { redirect: 'manual' })
    assert.equal(folder.headers.get('location'), '/blog/?x=1')
  })

  test('what is not here is left to what comes after it', async (t) => {
    const app = express()
    app.use(gatewayOf(t, { frontController: false }).handler)
    app.use((_request, response) => void response.status(404).send('the app has nothing either'))
    const url = await listen(t, app)
    assert.equal(await (await fetch(`${url}/nothing`)).text(), 'the app has nothing either')
    assert.equal(await (await fetch(`${url}/hello.php`)).text(), 'hello')
  })

  test('a failure goes to the error handler of the app, with its status and cause', async (t) => {
    const app = express()
    app.use(gatewayOf(t, { backend: 'unix:/nowhere/php.sock' }).handler)
    const told: unknown[] = []
    const onError: express.ErrorRequestHandler = (error, _request, response, _next) => {
      told.push(error)
      response.status(599).end()
    }
    app.use(onError)
    const response = await fetch(`${await listen(t, app)}/hello.php`)
    assert.equal(response.status, 599)
    const [error] = told
    assert.ok(error instanceof Error && 'status' in error && error.status === 502)
    assert.equal((error.cause as { code?: string }).code, 'FCGI_ERR_CONNECT')
  })
})

describe('Fastify 5', () => {
  test('in a scope of its own, whose parsers are off: bodies pass through', async (t) => {
    const gateway = gatewayOf(t)
    const app = fastify()
    t.after(() => app.close())
    app.get('/own', () => 'of the app')
    await app.register((scope, _options, done) => {
      scope.removeAllContentTypeParsers()
      scope.addContentTypeParser('*', (_request, _payload, parsed) => parsed(null))
      scope.all('/*', (request, reply) => {
        reply.hijack()
        gateway.handler(request.raw, reply.raw)
      })
      done()
    })
    const url = await app.listen({ port: 0, host: '127.0.0.1' })
    await echoesBodies(`${url}/echo.php`)
    assert.equal(await (await fetch(`${url}/own`)).text(), 'of the app')
  })
})

describe('Hono, and whatever speaks fetch', () => {
  test('as a handler: bodies pass through', async (t) => {
    const gateway = gatewayOf(t)
    const app = new Hono()
    app.get('/own', (context) => context.text('of the app'))
    app.all('*', (context) => gateway.fetch(context.req.raw))
    const own = await app.request('http://example.org/own')
    assert.equal(await own.text(), 'of the app')
    const response = await app.request('http://example.org/echo.php', {
      method: 'POST',
      body: JSON.stringify(BODY),
    })
    assert.deepEqual(await response.json(), BODY)
  })

  test('a Request becomes params; its host and scheme are the site', async (t) => {
    const gateway = gatewayOf(t)
    const response = await gateway.fetch(new Request('https://example.org:8443/env.php?a=b'), {
      remoteAddress: '192.0.2.7',
    })
    const params = (await response.json()) as Record<string, string>
    assert.equal(params.HTTPS, 'on')
    assert.equal(params.SERVER_NAME, 'example.org')
    assert.equal(params.SERVER_PORT, '8443')
    assert.equal(params.REMOTE_ADDR, '192.0.2.7')
    assert.equal(params.QUERY_STRING, 'a=b')
  })

  test('an aborted Request gives the script up', async (t) => {
    const gateway = gatewayOf(t)
    const abort = new AbortController()
    const response = await gateway.fetch(
      new Request('http://example.org/dribble.php?lines=100000000', { signal: abort.signal }),
    )
    const reader = response.body!.getReader()
    await reader.read()
    abort.abort(new Error('enough'))
    await assert.rejects(async () => {
      for (;;) if ((await reader.read()).done) return
    })
    assert.equal((await gateway.fetch(new Request('http://example.org/hello.php'))).status, 200)
  })
})
