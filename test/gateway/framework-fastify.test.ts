// PHP as a plugin of Fastify.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import fastify, { type FastifyInstance } from 'fastify'
import { createGateway } from '@fastcgi/gateway'
import { fastcgi } from '@fastcgi/gateway/fastify'
import { failedWith, frameworkContract, NOTHING } from '../support/framework-contract.ts'
import { startFpm } from '../support/fpm.ts'
import { PHP_ROOT } from '../support/paths.ts'

function application(t: TestContext): FastifyInstance {
  const app = fastify({ forceCloseConnections: true })
  app.setNotFoundHandler((_request, reply) => reply.code(404).send(NOTHING))
  app.setErrorHandler((error: Error & { status?: number }, _request, reply) =>
    reply.code(error.status ?? 500).send(failedWith(error.status ?? 500)),
  )
  t.after(() => app.close())
  return app
}

const listen = (app: FastifyInstance): Promise<string> => app.listen({ port: 0, host: '127.0.0.1' })

frameworkContract({
  name: 'Fastify',
  start: async (t, options, prefix) => {
    const app = application(t)
    await app.register(fastcgi, { ...options, ...(prefix !== undefined && { prefix }) })
    return listen(app)
  },
})

test('hooks see the answer of PHP, and fields that they set go along', async (t) => {
  const { address } = await startFpm(t)
  const app = application(t)
  const seen: string[] = []
  app.addHook('onRequest', (_request, reply) => {
    reply.header('x-before', 'yes').header('set-cookie', 'app=1')
    return Promise.resolve()
  })
  app.addHook('onSend', (_request, reply, payload) => {
    seen.push(`onSend ${reply.statusCode} ${String(reply.getHeader('content-type'))}`)
    return Promise.resolve(payload)
  })
  app.addHook('onResponse', (_request, reply) => {
    seen.push(`onResponse ${reply.statusCode}`)
    return Promise.resolve()
  })
  await app.register(fastcgi, { root: PHP_ROOT, backend: address })
  const response = await fetch(`${await listen(app)}/status.php`)
  assert.equal(response.headers.get('x-before'), 'yes')
  assert.deepEqual(response.headers.getSetCookie(), ['app=1', 'a=1', 'b=2'])
  await response.text()
  assert.deepEqual(seen, ['onSend 418 text/plain;charset=UTF-8', 'onResponse 418'])
})

test('parsers of bodies are off in the scope of PHP, and on everywhere else', async (t) => {
  const { address } = await startFpm(t)
  const app = application(t)
  app.post('/json', (request) => request.body)
  await app.register(fastcgi, { prefix: '/php', root: PHP_ROOT, backend: address })
  const url = await listen(app)
  const send = (path: string): Promise<Response> =>
    fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{ "a":  1 }',
    })
  assert.equal(await (await send('/json')).text(), '{"a":1}')
  assert.equal(await (await send('/php/echo.php')).text(), '{ "a":  1 }')
})

test('a prefix with a parameter is a mount point, too', async (t) => {
  const { address } = await startFpm(t)
  const app = application(t)
  await app.register(fastcgi, { prefix: '/:tenant/app', root: PHP_ROOT, backend: address })
  const env = await (await fetch(`${await listen(app)}/acme/app/env.php`)).json()
  assert.equal((env as Record<string, string>)['SCRIPT_NAME'], '/acme/app/env.php')
})

test('a route for everything that is there already stays, as that of @fastify/cors does', async (t) => {
  const { address } = await startFpm(t)
  const app = application(t)
  app.options('*', (_request, reply) => reply.code(204).header('x-cors', 'yes').send())
  await app.register(fastcgi, { root: PHP_ROOT, backend: address })
  const url = await listen(app)
  const preflight = await fetch(`${url}/hello.php`, { method: 'OPTIONS' })
  assert.equal(preflight.headers.get('x-cors'), 'yes')
  assert.equal(await (await fetch(`${url}/hello.php`)).text(), 'hello')
})

test('inject works without a server, with bodies and without', async (t) => {
  const { address } = await startFpm(t)
  const app = application(t)
  await app.register(fastcgi, { root: PHP_ROOT, backend: address })
  assert.equal((await app.inject('/hello.php')).body, 'hello')
  const posted = await app.inject({ method: 'POST', url: '/echo.php', payload: 'a body' })
  assert.equal(posted.body, 'a body')
})

test('a gateway that was made here is closed with the application, another one is not', async (t) => {
  const { address } = await startFpm(t)
  const gateway = createGateway({ root: PHP_ROOT, backend: address })
  t.after(() => gateway.destroy())
  const app = application(t)
  await app.register(fastcgi, { gateway })
  await app.close()
  assert.equal(
    await (await gateway.fetch(new Request('http://a.example/hello.php'))).text(),
    'hello',
  )
})

test('only the methods that are named are answered', async (t) => {
  const { address } = await startFpm(t)
  const app = application(t)
  await app.register(fastcgi, { root: PHP_ROOT, backend: address, methods: ['GET'] })
  const url = await listen(app)
  assert.equal((await fetch(`${url}/hello.php`)).status, 200)
  assert.equal((await fetch(`${url}/hello.php`, { method: 'POST' })).status, 404)
})
