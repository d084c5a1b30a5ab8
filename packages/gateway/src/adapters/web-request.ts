// A web Request as the gateway sees it.

import { HttpRequestError } from '@fastcgi/client'
import type { FetchInfo } from '@fastcgi/client/http'
import type { ConnectionInfo, HeaderFields, Incoming, IncomingBody } from '../http.ts'

export class WebIncoming implements Incoming {
  readonly method: string
  readonly target: string
  readonly protocol = 'HTTP/1.1'
  readonly headers: HeaderFields
  readonly connection: ConnectionInfo
  readonly #request: Request
  readonly #host: string
  #body: IncomingBody | undefined

  /** @param asked The URL that was asked for, where a framework has taken something off that of the request. */
  constructor(request: Request, info: FetchInfo | object = {}, asked: string = request.url) {
    const url = new URL(asked)
    this.#request = request
    this.#host = request.headers.get('host') ?? url.host
    this.method = request.method
    this.target = url.pathname + url.search
    // Neither HTTP/2 nor a Request made by hand has a Host.
    this.headers = request.headers.has('host')
      ? [...request.headers]
      : [['host', url.host], ...request.headers]
    this.connection = connectionOf(url, info)
  }

  /** @throws HttpRequestError 400 on a Content-Length that is no number. */
  get body(): IncomingBody | undefined {
    return (this.#body ??= bodyOf(this.#request))
  }

  header(name: string): string | undefined {
    return name === 'host' ? this.#host : (this.#request.headers.get(name) ?? undefined)
  }
}

function connectionOf(url: URL, info: FetchInfo): ConnectionInfo {
  const encrypted = url.protocol === 'https:'
  const { remoteAddr, serverAddress } = info
  const { remoteAddress = remoteAddr?.hostname, remotePort = remoteAddr?.port } = info
  // Second arguments of `fetch` handlers differ between servers; one of another shape says nothing here.
  return {
    remoteAddress: typeof remoteAddress === 'string' ? remoteAddress : '0.0.0.0',
    remotePort: typeof remotePort === 'number' ? remotePort : 0,
    localAddress: typeof serverAddress === 'string' ? serverAddress : '0.0.0.0',
    localPort: Number(url.port) || (encrypted ? 443 : 80),
    encrypted,
  }
}

/** @throws HttpRequestError 400 on a Content-Length that is no number. */
export function bodyOf(request: Request): IncomingBody | undefined {
  const length = request.headers.get('content-length')
  if (request.body === null || length === '0') return undefined
  if (length !== null && !/^\d{1,15}$/.test(length)) {
    throw new HttpRequestError(400, `Content-Length ${JSON.stringify(length)} is not one number`)
  }
  return new WebBody(request.body, length === null ? undefined : Number(length))
}

class WebBody implements IncomingBody {
  readonly length: number | undefined
  readonly #stream: ReadableStream<Uint8Array>

  constructor(stream: ReadableStream<Uint8Array>, length: number | undefined) {
    this.#stream = stream
    this.length = length
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    const reader = this.#stream.getReader()
    let received = 0
    let over = false
    try {
      for (;;) {
        const { done, value } = await reader.read()
        if (done) break
        received += value.length
        yield value
      }
      over = true
    } catch (cause) {
      over = true
      throw cut(received, this.length, cause)
    } finally {
      if (!over) await reader.cancel()
      reader.releaseLock()
    }
    if ((this.length ?? received) !== received) throw cut(received, this.length)
  }
}

function cut(received: number, length: number | undefined, cause?: unknown): HttpRequestError {
  const expected = length === undefined ? '' : ` of ${length}`
  return new HttpRequestError(400, `the request body ended after ${received}${expected} bytes`, {
    cause,
  })
}
