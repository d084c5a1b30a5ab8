// Many requests over a few connections that are kept, opened by Bun.connect.
//
//   bun examples/bun/keep-alive.ts [ADDRESS] [SCRIPT]

import { connectBun, Pool, prepareParams } from '@fastcgi/client'

const [address = 'unix:/run/php/php-fpm.sock', script = '/srv/hello.php'] = Bun.argv.slice(2)

await using pool = new Pool(address, { connections: 2, connect: connectBun(address) })
// What is the same in every request is encoded once.
const site = prepareParams({
  GATEWAY_INTERFACE: 'CGI/1.1',
  REQUEST_METHOD: 'GET',
  SCRIPT_FILENAME: script,
  SERVER_NAME: 'example.org',
})

const started = Bun.nanoseconds()
const responses = await Promise.all(
  Array.from({ length: 100 }, (_, n) =>
    pool.execute({ prepared: site, params: { QUERY_STRING: `n=${n}` } }),
  ),
)
const time = Math.round((Bun.nanoseconds() - started) / 1e6)

console.log(`${responses.length} answers over ${pool.stats.connected} connections in ${time} ms`)
