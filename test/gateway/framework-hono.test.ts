// PHP as a handler of Hono.

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { getRequestListener } from '@hono/node-server'
import { Hono } from 'hono'
import { fastcgi } from '@fastcgi/gateway/hono'
import { failedWith, frameworkContract, NOTHING } from '../support/framework-contract.ts'
import { startFpm } from '../support/fpm.ts'
import { PHP_ROOT } from '../support/paths.ts'
import { until } from '../support/process.ts'
import { listening } from '../support/web-listener.ts'

frameworkContract({
  name: 'Hono',
  start: (t, options, mount) => {
    const app = new Hono()
    const handler = fastcgi({ ...options, ...(mount !== undefined && { mount }) })
    app.all(`${mount ?? ''}/*`, handler)
    app.notFound((context) => context.text(NOTHING, 404))
    app.onError((error, context) => {
      const { status } = error as Error & { status: 502 }
      return context.text(failedWith(status), status)
    })
    return listening(t, getRequestListener(app.fetch))
  },
})

for (const [name, env] of [
  ['Deno', { remoteAddr: { hostname: '192.0.2.7', port: 4711 } }],
  [
    'a server that hands over its own bindings',
    { server: { remoteAddr: { hostname: '192.0.2.7', port: 4711 } } },
  ],
  ['Node', { incoming: { socket: { remoteAddress: '192.0.2.7', remotePort: 4711 } } }],
] as const) {
  test(`REMOTE_ADDR comes from what ${name} gives`, async (t) => {
    const { address } = await startFpm(t)
    const php = fastcgi({ root: PHP_ROOT, backend: address })
    t.after(() => php.gateway.destroy())
    const app = new Hono().all('*', php)
    const answer = await app.request('/env.php', {}, env)
    const told = (await answer.json()) as Record<string, string>
    assert.deepEqual([told['REMOTE_ADDR'], told['REMOTE_PORT']], ['192.0.2.7', '4711'])
  })
}

test('getConnInfo says who the client is where nothing else does', async (t) => {
  const { address } = await startFpm(t)
  const php = fastcgi({
    root: PHP_ROOT,
    backend: address,
    getConnInfo: () => ({ remote: { address: '192.0.2.8' } }),
  })
  t.after(() => php.gateway.destroy())
  const told = await (await new Hono().all('*', php).request('/env.php')).json()
  assert.equal((told as Record<string, string>)['REMOTE_ADDR'], '192.0.2.8')
})

test('without an onError of its own, Hono answers for a failure with its status', async (t) => {
  const php = fastcgi({ root: PHP_ROOT, backend: 'unix:/nobody.sock', fallthrough: true })
  t.after(() => php.gateway.destroy())
  const response = await new Hono().all('*', php).request('/hello.php')
  assert.equal(response.status, 502)
})

test('a client that is gone is no failure that onError hears of', async (t) => {
  const { address, directory } = await startFpm(t)
  const php = fastcgi({ root: PHP_ROOT, backend: address, fallthrough: true })
  t.after(() => php.gateway.destroy())
  const heard: unknown[] = []
  const app = new Hono().all('*', php)
  app.onError((error, context) => {
    heard.push(error)
    return context.text('', 500)
  })
  const gate = join(directory, 'gone')
  const leave = new AbortController()
  const asked = app.request(`/gate.php?gate=${gate}`, { signal: leave.signal })
  await until('PHP is there', () => existsSync(`${gate}.reached`))
  leave.abort()
  assert.equal((await asked).status, 499)
  await writeFile(gate, '')
  assert.deepEqual(heard, [])
})

test('a body that was read before is refused, with what to do about it', async (t) => {
  const { address } = await startFpm(t)
  const php = fastcgi({ root: PHP_ROOT, backend: address })
  t.after(() => php.gateway.destroy())
  const app = new Hono()
  app.use(async (context, next) => {
    await context.req.text()
    await next()
  })
  app.all('*', php)
  app.onError((error, context) => context.text(error.message, 500))
  const response = await app.request('/echo.php', { method: 'POST', body: 'a body' })
  assert.match(await response.text(), /put the gateway before what reads bodies/)
})
