// PHP below /blog of a Koa application, whose middlewares see its answers.
//
//   node build/examples/koa.js [ADDRESS] [ROOT] [PORT]

import type { AddressInfo } from 'node:net'
import { fastcgi } from '@fastcgi/gateway/koa'
import Koa from 'koa'
import mount from 'koa-mount'

const [backend = 'unix:/run/php/php-fpm.sock', root = '/srv/blog', port = '3000'] =
  process.argv.slice(2)

const php = fastcgi({ root, backend, frontController: false })

const app = new Koa()
app.use(async (ctx, next) => {
  const start = performance.now()
  await next()
  ctx.set('Server-Timing', `app;dur=${(performance.now() - start).toFixed(1)}`)
})
app.use(mount('/blog', php))
app.use((ctx) => {
  if (ctx.path === '/api/health') ctx.body = { ok: true }
  else ctx.throw(404, 'nothing here')
})

const server = app.listen(Number(port), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})
process.once('SIGINT', () => server.close(() => void php.gateway.close()))
