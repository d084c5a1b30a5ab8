// The floor of every gateway on Node: node:http that answers by itself.

import { createServer } from 'node:http'

const BODY = 'x'.repeat(Number(process.env.BODY_LENGTH))

const server = createServer((_request, response) => {
  response.writeHead(200, { 'content-type': 'text/plain', 'content-length': BODY.length })
  response.end(BODY)
})
server.listen(Number(process.env.PORT), '127.0.0.1', () => console.log('ready'))
