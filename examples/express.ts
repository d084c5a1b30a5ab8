// PHP below /blog of an Express application, in front of its parsers of bodies.
//
//   node build/examples/express.js [ADDRESS] [ROOT] [PORT]

import type { AddressInfo } from 'node:net'
import { fastcgi } from '@fastcgi/gateway/express'
import express from 'express'

const [backend = 'unix:/run/php/php-fpm.sock', root = '/srv/blog', port = '3000'] =
  process.argv.slice(2)

const php = fastcgi({ root, backend, frontController: false })

const app = express()
app.use('/blog', php)
app.use(express.json())
app.get('/api/health', (_request, response) => void response.json({ ok: true }))
app.use((_request, response) => void response.status(404).send('nothing here'))

const server = app.listen(Number(port), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})
process.once('SIGINT', () => server.close(() => void php.gateway.close()))
