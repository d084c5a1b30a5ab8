// A file as stdin. Its size is known, so it is streamed; PHP may answer while it still reads.
//
//   deno run --allow-net --allow-read --allow-write examples/deno/upload.ts [ADDRESS] [SCRIPT] [FILE]

import { executeOnce } from '@fastcgi/client'

const [
  address = 'unix:/run/php/php-fpm.sock',
  script = '/srv/upload.php',
  path = new URL(import.meta.url).pathname,
] = Deno.args

using file = await Deno.open(path)
const { size } = await file.stat()
const response = await executeOnce(address, {
  params: {
    REQUEST_METHOD: 'PUT',
    SCRIPT_FILENAME: script,
    CONTENT_TYPE: 'application/octet-stream',
    // Without it, the stream would be collected first: PHP reads exactly as many bytes as this says.
    CONTENT_LENGTH: size,
  },
  stdin: file.readable,
})

console.log(`sent ${size} bytes of ${path}`)
console.log(response.text())
