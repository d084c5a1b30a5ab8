// HTTP in front of PHP, with node:http. In Bun and Deno it is `export default { fetch: php }`.
//
//   node build/examples/http-proxy.js [ADDRESS] [ROOT] [PORT]

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Pool } from '@fastcgi/client'
import { createFetch, errorResponse } from '@fastcgi/client/http'

const [address = 'unix:/run/php/php-fpm.sock', root = '/srv', port = '3000'] = process.argv.slice(2)

const pool = new Pool(address)
const php = createFetch(pool, {
  root,
  onStderr: (data) => process.stderr.write(`PHP: ${Buffer.from(data).toString()}\n`),
  onError: (error) => {
    console.error(error)
    return errorResponse(error)
  },
})

const server = createServer((request, response) => {
  answer(request, response).catch(() => response.destroy())
})
server.listen(Number(port), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})
process.once('SIGINT', () => server.close(() => void pool.close()))

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  const { remoteAddress, remotePort } = request.socket
  const { status, statusText, headers, body } = await php(toRequest(request, gone.signal), {
    remoteAddress,
    remotePort,
  })
  response.statusCode = status
  response.statusMessage = statusText
  for (const [name, value] of headers) response.appendHeader(name, value)
  if (body) await pipeline(Readable.fromWeb(body), response)
  else response.end()
}

function toRequest(request: IncomingMessage, signal: AbortSignal): Request {
  const { method = 'GET', headers, url = '/' } = request
  const hasBody = headers['content-length'] !== undefined || headers['transfer-encoding']
  return new Request(`http://${headers.host ?? 'localhost'}${url}`, {
    method,
    headers: Object.entries(headers).flatMap(([name, value]) =>
      [value ?? []].flat().map((text): [string, string] => [name, text]),
    ),
    signal,
    ...(hasBody && { body: Readable.toWeb(request) as ReadableStream, duplex: 'half' }),
  })
}
