// The gateway as a part of somebody else's server.

import assert from 'node:assert/strict'
import { createServer, type RequestListener, type Server } from 'node:http'
import { test, type TestContext } from 'node:test'
import express from 'express'
import fastify from 'fastify'
import { createGateway, type Gateway, type GatewayOptions } from '@fastcgi/gateway'
import { answerBy, readText, sendText } from '../support/exchanges.ts'
import { PHP_ROOT } from '../support/paths.ts'

const echo = answerBy(async (exchange) => {
  const { request, mount } = exchange
  const body = await readText(exchange)
  const length = request.header('content-length') ?? '-'
  sendText(exchange, `${mount || '/'} ${request.target} ${length} ${body}`)
})

function gatewayOf(t: TestContext, options: GatewayOptions = {}): Gateway {
  const gateway = createGateway({ root: PHP_ROOT, use: [echo], development: true, ...options })
  t.after(() => gateway.destroy())
  return gateway
}

async function listen(t: TestContext, app: RequestListener): Promise<string> {
  const server: Server = createServer(app)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
}

async function post(url: string, type: string, body: string): Promise<string> {
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': type }, body })
  return response.text()
}

test('Express mounts it below a path, and the path is put together again', async (t) => {
  const app = express()
  app.use('/blog', gatewayOf(t).handler)
  const url = await listen(t, app)
  assert.equal(await (await fetch(`${url}/blog/a.php?x=1`)).text(), '/blog /blog/a.php?x=1 - ')
  assert.equal(await (await fetch(`${url}/blog?x=1`)).text(), '/blog /blog?x=1 - ')
  assert.equal(await (await fetch(`${url}/blog`)).text(), '/blog /blog - ')
  assert.equal(await post(`${url}/blog/`, 'text/plain', 'hello'), '/blog /blog/ 5 hello')
})

test('a target that was rewritten on the way counts', async (t) => {
  const app = express()
  app.use((request, _response, next) => {
    request.url = '/index.php?rewritten'
    next()
  })
  app.use(gatewayOf(t).handler)
  const url = await listen(t, app)
  assert.equal(await (await fetch(`${url}/pretty`)).text(), '/ /index.php?rewritten - ')
})

test('fields that Express has set are kept, and cookies stay apart beside them', async (t) => {
  const app = express()
  const cookies = answerBy((exchange) => {
    exchange.send(200, [
      ['Set-Cookie', 'a=1'],
      ['Set-Cookie', 'b=2'],
    ])
  })
  app.use(gatewayOf(t, { use: [cookies] }).handler)
  const { headers } = await fetch(await listen(t, app))
  assert.deepEqual(headers.getSetCookie(), ['a=1', 'b=2'])
  assert.equal(headers.get('x-powered-by'), 'Express')
})

test('a body that express.json() or express.urlencoded() has read is encoded again', async (t) => {
  const app = express()
  app.use(express.json(), express.urlencoded(), express.text(), gatewayOf(t).handler)
  const url = await listen(t, app)
  assert.equal(
    await post(url, 'application/json', '{ "a": ["ü", 1.5] }'),
    '/ / 16 {"a":["Ã¼",1.5]}',
  )
  assert.equal(
    await post(url, 'application/x-www-form-urlencoded', 'a=1&b=%C3%BC+x'),
    '/ / 14 a=1&b=%C3%BC+x',
  )
  assert.equal(await post(url, 'text/plain', 'hello'), '/ / 5 hello')
  assert.equal(await post(url, 'application/pdf', '%PDF'), '/ / 4 %PDF')
})

test('rawBody is what came, whatever a parser has made of it', async (t) => {
  const app = express()
  app.use(
    express.json({ verify: (request, _, bytes) => Object.assign(request, { rawBody: bytes }) }),
    gatewayOf(t).handler,
  )
  const sent = '{ "a":   12345678901234567890 }'
  assert.equal(await post(await listen(t, app), 'application/json', sent), `/ / 31 ${sent}`)
})

for (const [name, type, body] of [
  ['a number that JavaScript cannot hold', 'application/json', '{"a":12345678901234567890}'],
  ['names that stand for lists', 'application/x-www-form-urlencoded', 'a=1&a=2'],
] as const) {
  test(`a parsed body with ${name} is refused with what to do about it`, async (t) => {
    const app = express()
    app.use(express.json(), express.urlencoded(), gatewayOf(t).handler)
    app.use(((error: Error, _request, response, _next) => {
      response.status(500).send(String((error.cause as Error | undefined)?.message ?? error))
    }) as express.ErrorRequestHandler)
    const url = await listen(t, app)
    assert.match(await post(url, type, body), /mount the gateway before express\.json\(\)/)
  })
}

test('a body whose reader left nothing behind is refused, and does not hang', async (t) => {
  const { handler } = gatewayOf(t)
  const url = await listen(t, (request, response) => {
    request.on('end', () => handler(request, response))
    request.resume()
  })
  const response = await fetch(url, { method: 'POST', body: 'gone' })
  assert.equal(response.status, 500)
  assert.match(await response.text(), /was read before the gateway got it/)
})

test('Fastify hands its raw request and reply over', async (t) => {
  const gateway = gatewayOf(t)
  const app = fastify()
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _payload, done) => done(null))
  app.all('/php/*', (request, reply) => {
    reply.hijack()
    gateway.handler(request.raw, reply.raw)
  })
  t.after(() => app.close())
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  assert.equal(await post(`${url}/php/a.php?b`, 'application/json', '{ }'), '/ /php/a.php?b 3 { }')
})

test('what is not found is handed on to the application', async (t) => {
  const app = express()
  app.use(gatewayOf(t, { use: [], frontController: false }).handler)
  app.use((_request, response) => {
    response.send('from the application')
  })
  const response = await fetch(`${await listen(t, app)}/no-such-file.txt`)
  assert.equal(await response.text(), 'from the application')
})
