// HTTP in front of PHP, at the edge.

import { connect } from 'cloudflare:sockets'
import { createFetch, errorResponse } from '@fastcgi/client/http'
import { fromStreams, Pool } from '@fastcgi/client/web'

interface Env {
  readonly PHP_HOST: string
  readonly PHP_PORT: string
  /** The folder of the scripts, as php-fpm sees it. */
  readonly ROOT: string
}

export default {
  fetch(request, env) {
    // One for each request: what one request has opened, no other may use.
    const pool = new Pool(`tcp://${env.PHP_HOST}:${env.PHP_PORT}`, {
      keepAlive: false,
      connect: fromStreams(() => connect({ hostname: env.PHP_HOST, port: Number(env.PHP_PORT) })),
    })
    const php = createFetch(pool, {
      root: env.ROOT,
      onStderr: (data) => console.error('PHP:', new TextDecoder().decode(data)),
      onError: (error) => {
        console.error(error)
        return errorResponse(error)
      },
    })
    return php(request, {
      remoteAddress: request.headers.get('cf-connecting-ip') ?? undefined,
    })
  },
} satisfies ExportedHandler<Env>
