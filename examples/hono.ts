// PHP below /blog of a Hono application. On Bun and Deno, `export default app` takes the place of `serve`.
//
//   node build/examples/hono.js [ADDRESS] [ROOT] [PORT]

import { fastcgi } from '@fastcgi/gateway/hono'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'

const [backend = 'unix:/run/php/php-fpm.sock', root = '/srv/blog', port = '3000'] =
  process.argv.slice(2)

const php = fastcgi({
  mount: '/blog',
  root,
  backend,
  frontController: false,
  fallthrough: true,
})

const app = new Hono()
app.get('/api/health', (context) => context.json({ ok: true }))
app.all('/blog/*', php)
app.notFound((context) => context.text('nothing here', 404))

const server = serve({ fetch: app.fetch, port: Number(port), hostname: '127.0.0.1' }, (info) => {
  console.log(`listening on http://127.0.0.1:${info.port}`)
})
process.once('SIGINT', () => server.close(() => void php.gateway.close()))
