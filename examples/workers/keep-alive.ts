// Connections that are kept from one request to the next. A Worker may not use what another request has opened; a Durable Object may,
// since all that it does belongs to the object.

import { connect } from 'cloudflare:sockets'
import { DurableObject } from 'cloudflare:workers'
import { fromStreams, Pool, prepareParams } from '@fastcgi/client/web'

interface Env {
  readonly PHP: DurableObjectNamespace<Php>
  readonly PHP_HOST: string
  readonly PHP_PORT: string
  readonly SCRIPT: string
}

export class Php extends DurableObject<Env> {
  readonly #pool = new Pool(`tcp://${this.env.PHP_HOST}:${this.env.PHP_PORT}`, {
    connections: 2,
    keepAliveTimeout: 5000,
    connect: fromStreams(() =>
      connect({ hostname: this.env.PHP_HOST, port: Number(this.env.PHP_PORT) }),
    ),
  })
  readonly #site = prepareParams({
    GATEWAY_INTERFACE: 'CGI/1.1',
    REQUEST_METHOD: 'GET',
    SCRIPT_FILENAME: this.env.SCRIPT,
    SERVER_NAME: 'example.org',
  })

  override async fetch(): Promise<Response> {
    const responses = await Promise.all(
      Array.from({ length: 100 }, (_, n) =>
        this.#pool.execute({ prepared: this.#site, params: { QUERY_STRING: `n=${n}` } }),
      ),
    )
    const { connected } = this.#pool.stats
    return new Response(`${responses.length} answers over ${connected} connections\n`)
  }
}

export default {
  fetch: (request, env) => env.PHP.get(env.PHP.idFromName('php')).fetch(request),
} satisfies ExportedHandler<Env>
