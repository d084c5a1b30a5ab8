// HTTP in front of PHP, with Bun.serve.
//
//   bun examples/bun/http-proxy.ts [ADDRESS] [ROOT] [PORT]

import { connectBun, Pool } from '@fastcgi/client'
import { createFetch, errorResponse } from '@fastcgi/client/http'

const [address = 'unix:/run/php/php-fpm.sock', root = '/srv', port = '3000'] = Bun.argv.slice(2)

const pool = new Pool(address, { connect: connectBun(address) })
const php = createFetch(pool, {
  root,
  onStderr: (data) => console.error('PHP:', new TextDecoder().decode(data)),
  onError: (error) => {
    console.error(error)
    return errorResponse(error)
  },
})

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: Number(port),
  // PHP has its own time limits.
  idleTimeout: 0,
  fetch(request, bun) {
    const client = bun.requestIP(request)
    return php(request, { remoteAddress: client?.address, remotePort: client?.port })
  },
})
console.log(`listening on ${server.url.origin}`)

process.once('SIGINT', () => void server.stop().then(() => pool.close()))
