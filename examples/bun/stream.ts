// An answer as it comes, stdout and stderr apart.
//
//   bun examples/bun/stream.ts [ADDRESS] [SCRIPT]

import { Client, connectBun } from '@fastcgi/client'

const [address = 'unix:/run/php/php-fpm.sock', script = '/srv/hello.php'] = Bun.argv.slice(2)

await using client = new Client(address, { connect: connectBun(address) })
const stream = client.stream({ params: { REQUEST_METHOD: 'GET', SCRIPT_FILENAME: script } })

const sinks = { stdout: Bun.stdout.writer(), stderr: Bun.stderr.writer() }
for await (const { type, data } of stream) {
  await sinks[type].write(data)
  // Waiting here holds the script up: a slow reader does not fill the memory.
  await sinks[type].flush()
}

console.log(`\nended with appStatus ${stream.end?.appStatus}`)
