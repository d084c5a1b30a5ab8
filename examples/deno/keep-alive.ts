// Many requests over a few connections that are kept, the constant part of the params encoded once.
//
//   deno run --allow-net --allow-read --allow-write examples/deno/keep-alive.ts [ADDRESS] [SCRIPT]

import { Pool, prepareParams } from '@fastcgi/client'

const [address = 'unix:/run/php/php-fpm.sock', script = '/srv/hello.php'] = Deno.args

await using pool = new Pool(address, { connections: 2 })
const site = prepareParams({
  GATEWAY_INTERFACE: 'CGI/1.1',
  REQUEST_METHOD: 'GET',
  SCRIPT_FILENAME: script,
  SERVER_NAME: 'example.org',
})

const started = performance.now()
const responses = await Promise.all(
  Array.from({ length: 100 }, (_, n) =>
    pool.execute({ prepared: site, params: { QUERY_STRING: `n=${n}` } }),
  ),
)
const time = Math.round(performance.now() - started)

console.log(`${responses.length} answers over ${pool.stats.connected} connections in ${time} ms`)
