// PHP as a handler of h3.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { H3, withBase } from 'h3'
import { toNodeHandler } from 'h3/node'
import { createApp, fromNodeMiddleware, toNodeListener, useBase } from 'h3-v1'
import { fastcgi as middleware } from '@fastcgi/gateway/express'
import { fastcgi } from '@fastcgi/gateway/h3'
import { failedWith, frameworkContract, NOTHING } from '../support/framework-contract.ts'
import { startFpm } from '../support/fpm.ts'
import { PHP_ROOT } from '../support/paths.ts'
import { listening } from '../support/web-listener.ts'

frameworkContract({
  name: 'h3',
  start: (t, options, mount) => {
    const app = new H3({
      silent: true,
      onError: ({ status }) =>
        new Response(status === 404 ? NOTHING : failedWith(status), { status }),
    })
    const handler = fastcgi({ ...options, ...(mount !== undefined && { mount }) })
    app.all(`${mount ?? ''}/**`, handler)
    return listening(t, toNodeHandler(app))
  },
})

test('what withBase takes off the path is a mount point', async (t) => {
  const { address } = await startFpm(t)
  const php = fastcgi({ root: PHP_ROOT, backend: address })
  t.after(() => php.gateway.destroy())
  const app = new H3().all('/blog/**', withBase('/blog', php))
  const url = await listening(t, toNodeHandler(app))
  for (const ask of [(path: string) => fetch(url + path), (path: string) => app.request(path)]) {
    const told = (await (await ask('/blog/env.php/x?y')).json()) as Record<string, string>
    assert.deepEqual([told['SCRIPT_NAME'], told['PATH_INFO']], ['/blog/env.php', '/x'])
    assert.equal(told['REQUEST_URI'], '/blog/env.php/x?y')
  }
})

test('h3 1 takes the middleware of Express, mounted or not, and hands on what is not found', async (t) => {
  const { address } = await startFpm(t)
  const php = middleware({ root: PHP_ROOT, backend: address, frontController: false })
  t.after(() => php.gateway.destroy())
  const app = createApp()
  app.use('/blog', fromNodeMiddleware(php))
  app.use('/old', useBase('/old', fromNodeMiddleware(php)))
  app.use('/blog/new', () => 'from the application')
  const url = await listening(t, toNodeListener(app))
  for (const at of ['/blog', '/old']) {
    const told = (await (await fetch(`${url}${at}/env.php`)).json()) as Record<string, string>
    assert.deepEqual([told['SCRIPT_NAME'], told['REMOTE_ADDR']], [`${at}/env.php`, '127.0.0.1'])
  }
  const posted = await fetch(`${url}/blog/echo.php`, { method: 'POST', body: 'a body' })
  assert.equal(await posted.text(), 'a body')
  assert.equal(await (await fetch(`${url}/blog/new`)).text(), 'from the application')
})

test('REMOTE_ADDR comes from what Deno gives srvx', async (t) => {
  const { address } = await startFpm(t)
  const php = fastcgi({ root: PHP_ROOT, backend: address })
  t.after(() => php.gateway.destroy())
  const runtime = {
    name: 'deno',
    deno: { info: { remoteAddr: { hostname: '192.0.2.7', port: 4711 } } },
  }
  const request = Object.assign(new Request('http://a.example/env.php'), { runtime })
  const response = await new H3().all('/**', php).fetch(request)
  const told = (await response.json()) as Record<string, string>
  assert.deepEqual([told['REMOTE_ADDR'], told['REMOTE_PORT']], ['192.0.2.7', '4711'])
})

test('as a middleware, it hands on what is not found', async (t) => {
  const { address } = await startFpm(t)
  const php = fastcgi({
    root: PHP_ROOT,
    backend: address,
    frontController: false,
    fallthrough: true,
  })
  t.after(() => php.gateway.destroy())
  const app = new H3().use(php).get('/new', () => 'from the application')
  assert.equal(await (await app.request('/new')).text(), 'from the application')
  assert.equal(await (await app.request('/hello.php')).text(), 'hello')
})
