// An answer as it comes, stdout and stderr apart.
//
//   deno run --allow-net --allow-read --allow-write examples/deno/stream.ts [ADDRESS] [SCRIPT]

import { Client } from '@fastcgi/client'

const [address = 'unix:/run/php/php-fpm.sock', script = '/srv/hello.php'] = Deno.args

await using client = new Client(address)
const stream = client.stream({ params: { REQUEST_METHOD: 'GET', SCRIPT_FILENAME: script } })

const sinks = { stdout: Deno.stdout.writable.getWriter(), stderr: Deno.stderr.writable.getWriter() }
for await (const { type, data } of stream) {
  // Waiting here holds the script up: a slow reader does not fill the memory.
  await sinks[type].write(data)
}

console.log(`\nended with appStatus ${stream.end?.appStatus}`)
