// Servers of a test's own.

import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2'
import { request as httpRequest, type Agent } from 'node:http'
import type { TestContext } from 'node:test'
import { serve, type GatewayServer, type ServeOptions } from '@fastcgi/gateway'
import { PHP_ROOT } from './paths.ts'

/** Serves on a free port, unless `options` say otherwise; gone with the test. */
export async function startServer(t: TestContext, options: ServeOptions): Promise<GatewayServer> {
  const server = await serve({ root: PHP_ROOT, listen: 0, ...options })
  t.after(() => server.destroy())
  return server
}

export function portOf(url: string | undefined): number {
  return Number(new URL(url!).port)
}

/** An HTTP/2 session that is gone with the test. */
export function openHttp2(t: TestContext, url: string, ca?: string): ClientHttp2Session {
  const session = connectHttp2(url, { rejectUnauthorized: false, ...(ca !== undefined && { ca }) })
  t.after(() => session.destroy())
  session.on('error', () => {})
  return session
}

export interface Http2Answer {
  readonly headers: Record<string, unknown>
  readonly interim: Record<string, unknown>[]
  readonly body: string
  /** The code that the stream was closed with: 0 when it was not reset. */
  readonly code: number
}

/** One request on a session. */
export function requestHttp2(
  session: ClientHttp2Session,
  headers: Record<string, string | string[]>,
  body?: string | Uint8Array,
): Promise<Http2Answer> {
  return new Promise((resolve) => {
    const stream = session.request(headers, { endStream: body === undefined })
    const interim: Record<string, unknown>[] = []
    let head: Record<string, unknown> = {}
    let text = ''
    stream.on('headers', (fields) => interim.push({ ...fields }))
    stream.on('response', (fields) => (head = { ...fields }))
    stream.setEncoding('latin1').on('data', (chunk: string) => (text += chunk))
    stream.on('error', () => {})
    stream.on('close', () => {
      resolve({ headers: head, interim, body: text, code: stream.rstCode })
    })
    if (body !== undefined) stream.end(body)
  })
}

/** What became of a request; a whole answer, or how it failed. */
export interface Outcome {
  readonly status: number | undefined
  readonly body: string
  readonly failure: string | undefined
  readonly headers: Record<string, unknown>
}

/** GET by node:http, which tells a truncated answer from a whole one. */
export function get(
  url: string,
  {
    agent,
    socketPath,
    headers: fields = {},
  }: { agent?: Agent; socketPath?: string; headers?: Record<string, string> } = {},
): Promise<Outcome> {
  return new Promise((resolve) => {
    let status: number | undefined
    let body = ''
    let headers: Record<string, unknown> = {}
    const fail = (error: Error & { code?: string }): void => {
      resolve({ status, body, failure: error.code ?? error.message, headers })
    }
    const request = httpRequest(url, {
      agent: agent ?? false,
      headers: fields,
      ...(socketPath && { socketPath }),
    })
    request.on('error', fail)
    request.on('response', (response) => {
      status = response.statusCode
      headers = response.headers
      response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
      response.on('error', fail)
      response.on('end', () => resolve({ status, body, failure: undefined, headers }))
    })
    request.end()
  })
}

/** Clients that ask again and again, until the test has seen enough. */
export class Load {
  readonly outcomes: Outcome[] = []
  readonly #enough = new AbortController()
  readonly #asked: Promise<unknown>

  /** @param agent keeps connections, where one is given */
  constructor(url: string, clients: number, agent?: Agent) {
    this.#asked = Promise.all(
      Array.from({ length: clients }, async () => {
        while (!this.#enough.signal.aborted) {
          this.outcomes.push(await get(url, agent ? { agent } : {}))
        }
      }),
    )
  }

  /** Those that were not answered whole, and with 200. */
  get failed(): Outcome[] {
    return this.outcomes.filter(({ failure, status }) => failure !== undefined || status !== 200)
  }

  async stop(): Promise<void> {
    this.#enough.abort()
    await this.#asked
  }
}
