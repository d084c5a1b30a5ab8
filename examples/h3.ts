// PHP below /blog of an h3 application.
//
//   node build/examples/h3.js [ADDRESS] [ROOT] [PORT]

import { fastcgi } from '@fastcgi/gateway/h3'
import { H3, serve, withBase } from 'h3'

const [backend = 'unix:/run/php/php-fpm.sock', root = '/srv/blog', port = '3000'] =
  process.argv.slice(2)

const php = fastcgi({ root, backend, frontController: false })

const app = new H3()
app.get('/api/health', () => ({ ok: true }))
app.all('/blog/**', withBase('/blog', php))

const server = serve(app, {
  port: Number(port),
  hostname: '127.0.0.1',
  silent: true,
  gracefulShutdown: false,
})
await server.ready()
console.log(`listening on ${server.url}`)
process.once('SIGINT', () => void server.close().then(() => php.gateway.close()))
