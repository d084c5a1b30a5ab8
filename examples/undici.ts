// undici and fcgi: URLs: a request, a retry, and a fetch that takes a socket.
//
//   node build/examples/undici.js [SOCKET] [ROOT] [PATH]

import { FastCGIAgent, FastCGIDispatcher } from '@fastcgi/client/undici'
import { fetch, interceptors, request } from 'undici'

const [socket = '/run/php/php-fpm.sock', root = '/srv/app/public', path = '/index.php'] =
  process.argv.slice(2)

const php = new FastCGIDispatcher(`fcgi+unix:${socket}`, {
  root,
  onStderr: (data) => process.stderr.write(data),
})

// The host is what PHP is told; nobody resolves it.
const { statusCode, body } = await request(`http://app.example${path}`, {
  dispatcher: php.compose(interceptors.retry({ maxRetries: 2 })),
})
console.log(`request: ${statusCode}, ${(await body.text()).length} characters`)

const response = await fetch(`http://app.example${path}`, {
  dispatcher: php,
  signal: AbortSignal.timeout(5_000),
})
console.log(`fetch: ${response.status}, ${(await response.text()).length} characters`)
await php.close()

const agent = new FastCGIAgent({ fcgi: { root } })
const answer = await agent.fetch(`fcgi+unix:${socket}:${path}`)
console.log(`agent.fetch: ${answer.status}, ${(await answer.text()).length} characters`)
await agent.close()
