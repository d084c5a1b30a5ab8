// One request on a connection of its own, opened by Bun.connect.
//
//   bun examples/bun/short-connection.ts [ADDRESS] [SCRIPT]

import { connectBun, executeOnce } from '@fastcgi/client'

const [address = 'unix:/run/php/php-fpm.sock', script = '/srv/hello.php'] = Bun.argv.slice(2)

const response = await executeOnce(
  address,
  { params: { REQUEST_METHOD: 'GET', SCRIPT_FILENAME: script } },
  { connect: connectBun(address) },
)

await Bun.write(Bun.stdout, response.stdout)
if (response.stderr.length > 0) await Bun.write(Bun.stderr, response.stderr)
