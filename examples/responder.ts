// The application side: this process behind nginx (`fastcgi_pass unix:/tmp/app.sock`), and a client that talks to it.
//
//   node build/examples/responder.js

import { executeOnce } from '@fastcgi/client'
import { fromFetch, serve } from '@fastcgi/client/responder'

const server = await serve(
  fromFetch(async (request) => {
    const { pathname } = new URL(request.url)
    const name = request.method === 'POST' ? await request.text() : 'world'
    return new Response(`Hello ${name}, you asked for ${pathname}\n`)
  }),
  { listen: '127.0.0.1:0' },
)

const response = await executeOnce(server.address, {
  params: { REQUEST_METHOD: 'POST', REQUEST_URI: '/greeting', SERVER_NAME: 'example.org' },
  stdin: 'FastCGI',
})
console.log(response.text())

await server.close()
