// HTTP in front of PHP, with Deno.serve.
//
//   deno run --allow-net --allow-read --allow-write examples/deno/http-proxy.ts [ADDRESS] [ROOT] [PORT]

import { Pool } from '@fastcgi/client'
import { createFetch, errorResponse } from '@fastcgi/client/http'

const [address = 'unix:/run/php/php-fpm.sock', root = '/srv', port = '3000'] = Deno.args

const pool = new Pool(address)
const php = createFetch(pool, {
  root,
  onStderr: (data) => console.error('PHP:', new TextDecoder().decode(data)),
  onError: (error) => {
    console.error(error)
    return errorResponse(error)
  },
})

const server = Deno.serve(
  {
    hostname: '127.0.0.1',
    port: Number(port),
    onListen: (at) => console.log(`listening on http://${at.hostname}:${at.port}`),
  },
  php,
)

await new Promise<void>((resolve) => Deno.addSignalListener('SIGINT', resolve))
await server.shutdown()
await pool.close()
Deno.exit()
