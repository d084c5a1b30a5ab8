// An answer as it comes: stdout to the client, stderr to the log.

import { connect } from 'cloudflare:sockets'
import { Client, fromStreams } from '@fastcgi/client/web'

interface Env {
  readonly PHP_HOST: string
  readonly PHP_PORT: string
  readonly SCRIPT: string
}

export default {
  fetch(_request, env, context) {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
    context.waitUntil(
      pump(env, writable).catch((error: unknown) => {
        console.error(error)
        return writable.abort(error)
      }),
    )
    return new Response(readable)
  },
} satisfies ExportedHandler<Env>

async function pump(env: Env, writable: WritableStream<Uint8Array>): Promise<void> {
  const client = new Client(`tcp://${env.PHP_HOST}:${env.PHP_PORT}`, {
    keepAlive: false,
    connect: fromStreams(() => connect({ hostname: env.PHP_HOST, port: Number(env.PHP_PORT) })),
  })
  const writer = writable.getWriter()
  const stream = client.stream({ params: { REQUEST_METHOD: 'GET', SCRIPT_FILENAME: env.SCRIPT } })
  for await (const { type, data } of stream) {
    // Waiting here holds the script up: a slow client does not fill the memory.
    if (type === 'stdout') await writer.write(data)
    else console.error(new TextDecoder().decode(data))
  }
  await writer.close()
  await client.close()
}
