// An answer as it comes, stdout and stderr apart.
//
//   node build/examples/stream.js [ADDRESS] [SCRIPT]

import { Client } from '@fastcgi/client'

const [address = 'unix:/run/php/php-fpm.sock', script = '/srv/hello.php'] = process.argv.slice(2)

const client = new Client(address)
const stream = client.stream({
  params: { REQUEST_METHOD: 'GET', SCRIPT_FILENAME: script },
})

for await (const { type, data } of stream) {
  // Waiting here holds the script up: a slow reader does not fill the memory.
  await new Promise((resolve) => process[type].write(data, resolve))
}

console.log(`\nended with appStatus ${stream.end?.appStatus}`)
await client.close()
