// One request on a connection of its own.
//
//   deno run --allow-net --allow-read --allow-write examples/deno/short-connection.ts [ADDRESS] [SCRIPT]

import { executeOnce } from '@fastcgi/client'

const [address = 'unix:/run/php/php-fpm.sock', script = '/srv/hello.php'] = Deno.args

const response = await executeOnce(address, {
  params: { REQUEST_METHOD: 'GET', SCRIPT_FILENAME: script },
})

console.log(response.text())
if (response.stderr.length > 0) console.error(response.stderrText())
