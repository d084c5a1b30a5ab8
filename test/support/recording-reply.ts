// An exchange whose reply writes down what it is given, and can be as slow, or gone, as a test wants.

import { type HeaderFields, type Incoming, type Reply } from '@fastcgi/gateway'
import { Exchange } from '@fastcgi/gateway/parts'

/** A reply that keeps everything. */
export class RecordingReply implements Reply {
  status = 0
  headers: HeaderFields = []
  readonly chunks: Uint8Array[] = []
  /** How it came to its end; undefined while it has not. */
  outcome: 'complete' | 'aborted' | 'closed' | undefined
  reason: unknown
  /** How many writes it takes before it wants no more for now. */
  room: number = Number.POSITIVE_INFINITY
  /** What may be asked for at each write. */
  onWrite: () => void = () => {}
  #drain: () => void = () => {}
  readonly #closers: (() => void)[] = []

  get headSent(): boolean {
    return this.status !== 0
  }

  /** Bytes of body. */
  get body(): Buffer {
    return Buffer.concat(this.chunks)
  }

  get text(): string {
    return this.body.toString('latin1')
  }

  /** A field by its name in lower case; undefined when it is not there, an error when it is there twice. */
  header(name: string): string | undefined {
    const found = this.headers.filter(([given]) => given.toLowerCase() === name)
    if (found.length > 1) throw new Error(`${name} was sent ${found.length} times`)
    return found[0]?.[1]
  }

  informational(): void {}

  head(status: number, _statusText: string, headers: HeaderFields): void {
    if (this.outcome !== undefined) return
    if (this.headSent) throw new Error('a second head')
    this.status = status
    this.headers = headers
  }

  write(chunk: Uint8Array): boolean {
    if (this.outcome !== undefined) return true
    if (!this.headSent) throw new Error('a body before the head')
    this.chunks.push(chunk)
    this.room--
    this.onWrite()
    return this.room > 0
  }

  end(chunk?: Uint8Array): void {
    if (this.outcome !== undefined) return
    if (!this.headSent) throw new Error('an end before the head')
    if (chunk) this.chunks.push(chunk)
    this.#over('complete')
  }

  abort(reason?: unknown): void {
    if (this.outcome !== undefined) return
    this.reason = reason
    this.#over('aborted')
  }

  onDrain(callback: () => void): void {
    this.#drain = callback
  }

  onClose(callback: () => void): void {
    if (this.outcome === undefined) this.#closers.push(callback)
    else callback()
  }

  /** The client has taken what there was, and there is room for so many writes. */
  drain(room: number = Number.POSITIVE_INFINITY): void {
    this.room = room
    this.#drain()
  }

  /** The client goes away. */
  disconnect(): void {
    if (this.outcome === undefined) this.#over('closed')
  }

  #over(outcome: 'complete' | 'aborted' | 'closed'): void {
    this.outcome = outcome
    for (const closer of this.#closers) closer()
  }
}

/** What a test says of a request; the rest is as usual. */
export interface AskedFor {
  readonly method?: string
  readonly target?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** A request without a body, and the reply that it gets. */
export function recordedExchange(asked: AskedFor = {}): {
  readonly exchange: Exchange
  readonly reply: RecordingReply
} {
  const { method = 'GET', target = '/', headers = {} } = asked
  const fields = new Map(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  )
  const request: Incoming = {
    method,
    target,
    protocol: 'HTTP/1.1',
    headers: [...fields],
    header: (name) => fields.get(name),
    connection: {
      remoteAddress: '192.0.2.1',
      remotePort: 50_000,
      localAddress: '192.0.2.2',
      localPort: 80,
      encrypted: false,
    },
    body: undefined,
  }
  const reply = new RecordingReply()
  const client = {
    address: '192.0.2.1',
    port: 50_000,
    https: false,
    host: 'example.org',
    hostPort: 80,
  }
  return { exchange: new Exchange(request, reply, client), reply }
}
