// PHP as a middleware of Koa.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import Koa from 'koa'
import compress from 'koa-compress'
import mount from 'koa-mount'
import { fastcgi } from '@fastcgi/gateway/koa'
import { failedWith, frameworkContract, NOTHING } from '../support/framework-contract.ts'
import { startFpm } from '../support/fpm.ts'
import { PHP_ROOT } from '../support/paths.ts'
import { listening } from '../support/web-listener.ts'

function application(): Koa {
  const app = new Koa()
  app.silent = true
  app.use(async (ctx, next) => {
    try {
      await next()
    } catch (error) {
      const { status } = error as { status: number }
      ctx.status = status
      ctx.body = failedWith(status)
    }
  })
  return app
}

function start(t: TestContext, app: Koa): Promise<string> {
  app.use((ctx) => {
    ctx.status = 404
    ctx.body = NOTHING
  })
  return listening(t, app.callback())
}

frameworkContract({
  name: 'Koa',
  start: (t, options, at = '/') => {
    const app = application()
    app.use(mount(at, fastcgi(options)))
    return start(t, app)
  },
})

test('middlewares in front see the answer on its way back, and may change it', async (t) => {
  const { address } = await startFpm(t)
  const app = application()
  const seen: unknown[] = []
  app.use(async (ctx, next) => {
    await next()
    seen.push(ctx.status, ctx.type)
    ctx.set('x-after', 'yes')
    ctx.append('set-cookie', 'app=1')
  })
  const php = fastcgi({ root: PHP_ROOT, backend: address })
  t.after(() => php.gateway.destroy())
  app.use(php)
  const response = await fetch(`${await start(t, app)}/status.php`)
  assert.equal(response.headers.get('x-after'), 'yes')
  assert.deepEqual(response.headers.getSetCookie(), ['a=1', 'b=2', 'app=1'])
  assert.deepEqual(seen, [418, 'text/plain'])
})

test('koa-compress compresses what PHP says', async (t) => {
  const { address } = await startFpm(t)
  const app = application()
  app.use(compress({ threshold: 0 }))
  const php = fastcgi({ root: PHP_ROOT, backend: address, response: { compress: false } })
  t.after(() => php.gateway.destroy())
  app.use(php)
  const url = await start(t, app)
  const headers = { 'accept-encoding': 'gzip' }
  for (const path of ['/dribble.php?lines=500', '/hello.php']) {
    const response = await fetch(url + path, { headers })
    assert.equal(response.headers.get('content-encoding'), 'gzip', path)
    assert.match(await response.text(), /line 500|hello/)
  }
})

test('a body that a parser has read is put together again', async (t) => {
  const { address } = await startFpm(t)
  const app = application()
  app.use(async (ctx, next) => {
    const chunks: Buffer[] = []
    for await (const chunk of ctx.req) chunks.push(chunk as Buffer)
    // As koa-bodyparser leaves it.
    const rawBody = Buffer.concat(chunks).toString()
    Object.assign(ctx.request, { body: JSON.parse(rawBody) as unknown, rawBody })
    await next()
  })
  const php = fastcgi({ root: PHP_ROOT, backend: address })
  t.after(() => php.gateway.destroy())
  app.use(php)
  const headers = { 'content-type': 'application/json' }
  const body = '{ "a":  1 }'
  const url = await start(t, app)
  const response = await fetch(`${url}/echo.php`, { method: 'POST', headers, body })
  assert.equal(await response.text(), body)
})
