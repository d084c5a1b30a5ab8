// One request on a connection of its own.
//
//   node build/examples/short-connection.js [ADDRESS] [SCRIPT]

import { executeOnce } from '@fastcgi/client'

const [address = 'unix:/run/php/php-fpm.sock', script = '/srv/hello.php'] = process.argv.slice(2)

const response = await executeOnce(address, {
  params: { REQUEST_METHOD: 'GET', SCRIPT_FILENAME: script },
})

console.log(response.text())
if (response.stderr.length > 0) console.error(response.stderrText())
