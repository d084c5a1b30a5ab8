// One request on a connection of its own, in a Worker.

import { connect } from 'cloudflare:sockets'
import { executeOnce, fromStreams } from '@fastcgi/client/web'

interface Env {
  /** Where php-fpm listens: a host and a port, since Workers have no unix sockets. */
  readonly PHP_HOST: string
  readonly PHP_PORT: string
  readonly SCRIPT: string
}

export default {
  async fetch(_request, env) {
    const address = { hostname: env.PHP_HOST, port: Number(env.PHP_PORT) }
    const response = await executeOnce(
      `tcp://${env.PHP_HOST}:${env.PHP_PORT}`,
      { params: { REQUEST_METHOD: 'GET', SCRIPT_FILENAME: env.SCRIPT } },
      { connect: fromStreams(() => connect(address)) },
    )
    if (response.stderr.length > 0) console.error(response.stderrText())
    return new Response(response.text())
  },
} satisfies ExportedHandler<Env>
