// The body of a request as stdin. Its length is known, so it is streamed; PHP may answer while it still reads.

import { connect } from 'cloudflare:sockets'
import { executeOnce, fromStreams } from '@fastcgi/client/web'

interface Env {
  readonly PHP_HOST: string
  readonly PHP_PORT: string
  readonly SCRIPT: string
}

export default {
  async fetch(request, env) {
    const length = request.headers.get('content-length')
    // Without it, the stream would be collected first: PHP reads exactly as many bytes as this says.
    if (length === null) return new Response('the length is missing\n', { status: 411 })
    const response = await executeOnce(
      `tcp://${env.PHP_HOST}:${env.PHP_PORT}`,
      {
        params: {
          REQUEST_METHOD: 'PUT',
          SCRIPT_FILENAME: env.SCRIPT,
          CONTENT_TYPE: 'application/octet-stream',
          CONTENT_LENGTH: length,
        },
        stdin: request.body,
      },
      {
        connect: fromStreams(() => connect({ hostname: env.PHP_HOST, port: Number(env.PHP_PORT) })),
      },
    )
    return new Response(`sent ${length} bytes\n${response.text()}`)
  },
} satisfies ExportedHandler<Env>
