// What is asked of the client inside workerd; test/workers/workers.test.ts asks, and judges the answers.

import { connect } from 'cloudflare:sockets'
import { DurableObject } from 'cloudflare:workers'
import { createFetch } from '@fastcgi/client/http'
import {
  executeOnce,
  fromStreams,
  isFastCGIError,
  Pool,
  type FastCGIRequest,
  type PoolOptions,
} from '@fastcgi/client/web'

interface Env {
  readonly KEPT: DurableObjectNamespace<Kept>
  /** The port of php-fpm. */
  readonly PHP_PORT: string
  /** The port of a peer that does what its test wants. */
  readonly PEER_PORT: string
  /** The folder of the scripts. */
  readonly ROOT: string
}

type Scenario = (env: Env, query: URLSearchParams, request: Request) => Promise<unknown>

function poolOf(port: string, options: PoolOptions = {}): Pool {
  const open = fromStreams(() => connect({ hostname: '127.0.0.1', port: Number(port) }))
  return new Pool(`tcp://127.0.0.1:${port}`, { ...options, connect: open })
}

function php(env: Env, name: string, params: Record<string, string> = {}): FastCGIRequest {
  const SCRIPT_FILENAME = `${env.ROOT}/${name}`
  return { params: { REQUEST_METHOD: 'GET', SCRIPT_FILENAME, ...params } }
}

/** Connections that outlive a request, as only an object may have them. */
export class Kept extends DurableObject<Env> {
  readonly #pool = poolOf(this.env.PHP_PORT, { connections: 1, keepAliveTimeout: 10_000 })

  readonly #php = createFetch(this.#pool, { root: this.env.ROOT })

  override async fetch(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url)
    if (pathname.endsWith('.php')) return this.#php(request)
    const response = await this.#pool.execute(php(this.env, 'pid.php'))
    return Response.json({ answer: response.text(), stats: this.#pool.stats })
  }
}

const scenarios: Record<string, Scenario> = {
  async once(env) {
    const response = await executeOnce(`tcp://127.0.0.1:${env.PHP_PORT}`, php(env, 'stderr.php'), {
      connect: fromStreams(() => connect({ hostname: '127.0.0.1', port: Number(env.PHP_PORT) })),
    })
    return { text: response.text(), stderr: response.stderrText() }
  },

  async many(env) {
    const pool = poolOf(env.PHP_PORT, { connections: 2 })
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => pool.execute(php(env, 'hello.php'))),
    )
    const { connected } = pool.stats
    await pool.close()
    const left = pool.stats.connected
    return { different: new Set(answers.map((each) => each.text())).size, connected, left }
  },

  /** Reads slowly what is larger than all buffers on the way. */
  async stream(env, query) {
    const pool = poolOf(env.PHP_PORT)
    let length = 0
    let pieces = 0
    for await (const { type, data } of pool.stream(
      php(env, 'big.php', { QUERY_STRING: query.toString() }),
    )) {
      if (type !== 'stdout') continue
      length += data.length
      if (++pieces % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 1))
    }
    await pool.close()
    return { length }
  },

  async values(env) {
    return Object.fromEntries(await poolOf(env.PHP_PORT).getValues())
  },

  /** Whatever goes wrong with the peer. */
  async fails(env, query) {
    const pool = poolOf(query.get('port') ?? env.PEER_PORT, { headersTimeout: 300 })
    return { text: (await pool.execute(php(env, 'hello.php'))).text() }
  },

  async abort(env) {
    const pool = poolOf(env.PEER_PORT)
    const controller = new AbortController()
    setTimeout(() => controller.abort(new Error('changed my mind')), 50)
    const { signal } = controller
    const reason = await pool.execute(php(env, 'hello.php'), { signal }).catch((error) => error)
    return { same: reason === signal.reason, ...pool.stats }
  },
}

async function told(scenario: Promise<unknown>): Promise<Response> {
  try {
    return Response.json(await scenario)
  } catch (error) {
    if (!isFastCGIError(error)) throw error
    const { name, code, message, retryable } = error
    return Response.json({ name, code, message, retryable })
  }
}

export default {
  async fetch(request, env) {
    const url = new URL(request.url)
    const scenario = scenarios[url.pathname.slice(1)]
    if (scenario) return told(scenario(env, url.searchParams, request))
    if (url.pathname === '/kept' || url.searchParams.has('kept')) {
      return env.KEPT.get(env.KEPT.idFromName('one')).fetch(request)
    }
    const pool = poolOf(env.PHP_PORT, { keepAlive: false })
    return createFetch(pool, { root: env.ROOT })(request)
  },
} satisfies ExportedHandler<Env>
