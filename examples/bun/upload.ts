// A file as stdin. Its size is known, so it is streamed; PHP may answer while it still reads.
//
//   bun examples/bun/upload.ts [ADDRESS] [SCRIPT] [FILE]

import { connectBun, executeOnce } from '@fastcgi/client'

const [address = 'unix:/run/php/php-fpm.sock', script = '/srv/upload.php', path = Bun.main] =
  Bun.argv.slice(2)

const file = Bun.file(path)
const response = await executeOnce(
  address,
  {
    params: {
      REQUEST_METHOD: 'PUT',
      SCRIPT_FILENAME: script,
      CONTENT_TYPE: file.type,
      // Without it, the stream would be collected first: PHP reads exactly as many bytes as this says.
      CONTENT_LENGTH: file.size,
    },
    stdin: file.stream(),
  },
  { connect: connectBun(address) },
)

console.log(`sent ${file.size} bytes of ${path}`)
console.log(response.text())
