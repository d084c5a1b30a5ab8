// A file as stdin. Its size is known, so it is streamed; PHP may answer while it still reads.
//
//   node build/examples/upload.js [ADDRESS] [SCRIPT] [FILE]

import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { executeOnce } from '@fastcgi/client'

const [
  address = 'unix:/run/php/php-fpm.sock',
  script = '/srv/upload.php',
  file = fileURLToPath(import.meta.url),
] = process.argv.slice(2)

const { size } = await stat(file)
const response = await executeOnce(address, {
  params: {
    REQUEST_METHOD: 'PUT',
    SCRIPT_FILENAME: script,
    CONTENT_TYPE: 'application/octet-stream',
    // Without it, the stream would be collected first: PHP reads exactly as many bytes as this says.
    CONTENT_LENGTH: size,
  },
  stdin: createReadStream(file),
})

console.log(`sent ${size} bytes of ${file}`)
console.log(response.text())
