// PHP below /blog of a Fastify application, with its not-found and error handlers.
//
//   node build/examples/fastify.js [ADDRESS] [ROOT] [PORT]

import { fastcgi } from '@fastcgi/gateway/fastify'
import fastify from 'fastify'

const [backend = 'unix:/run/php/php-fpm.sock', root = '/srv/blog', port = '3000'] =
  process.argv.slice(2)

const app = fastify()
app.get('/api/health', () => ({ ok: true }))
app.setNotFoundHandler((_request, reply) => reply.code(404).send('nothing here'))
await app.register(fastcgi, { prefix: '/blog', root, backend, frontController: false })

console.log(`listening on ${await app.listen({ port: Number(port), host: '127.0.0.1' })}`)
// The connections to PHP are closed with the application.
process.once('SIGINT', () => void app.close())
