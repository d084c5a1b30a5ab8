// Replies and bodies for what is between a server and a handler: one that a test holds back as it likes, and those of node:http.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { execFileSync } from 'node:child_process'
import { readdirSync, readlinkSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { HeaderFields, Incoming, IncomingBody, Reply } from '@fastcgi/gateway'
import type { Scope } from './process.ts'

/** Keeps what it gets, and says that it is full as long as a test wants it. */
export class HeldReply implements Reply {
  readonly chunks: Uint8Array[] = []
  status = 0
  headers: HeaderFields = []
  outcome: 'complete' | 'aborted' | 'closed' | undefined
  reason: unknown
  /** Whether the client keeps up; `drain` sets it. */
  fast = true
  #drain: () => void = () => {}
  readonly #closers: (() => void)[] = []

  get headSent(): boolean {
    return this.status > 0
  }

  get body(): Buffer {
    return Buffer.concat(this.chunks)
  }

  informational(): void {}

  head(status: number, _text: string, headers: HeaderFields): void {
    this.status = status
    this.headers = headers
  }

  write(chunk: Uint8Array): boolean {
    if (this.outcome === undefined) this.chunks.push(chunk)
    return this.fast
  }

  end(chunk?: Uint8Array): void {
    if (this.outcome !== undefined) return
    if (chunk) this.chunks.push(chunk)
    this.#close('complete')
  }

  abort(reason?: unknown): void {
    if (this.outcome !== undefined) return
    this.reason = reason
    this.#close('aborted')
  }

  onDrain(callback: () => void): void {
    this.#drain = callback
  }

  onClose(callback: () => void): void {
    if (this.outcome === undefined) this.#closers.push(callback)
    else callback()
  }

  /** The client takes what there was. @param fast Whether it takes what comes next at once. */
  drain(fast = false): void {
    this.fast = fast
    this.#drain()
  }

  leave(): void {
    this.#close('closed')
  }

  #close(outcome: 'complete' | 'aborted' | 'closed'): void {
    this.outcome = outcome
    for (const closer of this.#closers) closer()
  }
}

/** The answer of node:http. */
class HttpReply implements Reply {
  readonly #response: ServerResponse
  #drain: () => void = () => {}

  constructor(response: ServerResponse) {
    this.#response = response
    response.on('drain', () => this.#drain())
  }

  get headSent(): boolean {
    return this.#response.headersSent
  }

  informational(): void {}

  head(status: number, _text: string, headers: HeaderFields): void {
    this.#response.writeHead(
      status,
      headers.flatMap(([name, value]) => [name, value]),
    )
  }

  write(chunk: Uint8Array): boolean {
    return this.#response.write(chunk)
  }

  end(chunk?: Uint8Array): void {
    this.#response.end(chunk)
  }

  abort(): void {
    this.#response.socket?.resetAndDestroy()
  }

  onDrain(callback: () => void): void {
    this.#drain = callback
  }

  onClose(callback: () => void): void {
    this.#response.on('close', callback)
  }
}

/** The body of node:http; `100 Continue` goes out with the first read. */
class HttpBody implements IncomingBody {
  readonly length: number | undefined
  readonly #request: IncomingMessage
  readonly #response: ServerResponse

  constructor(request: IncomingMessage, response: ServerResponse) {
    const length = request.headers['content-length']
    this.length = length === undefined ? undefined : Number(length)
    this.#request = request
    this.#response = response
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    if (this.#request.headers.expect) this.#response.writeContinue()
    yield* this.#request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>
  }
}

export function incoming(fields: HeaderFields = [], method = 'GET'): Incoming {
  const headers = fields.map(([name, value]) => [name.toLowerCase(), value] as const)
  return {
    method,
    target: '/',
    protocol: 'HTTP/1.1',
    headers,
    header: (name) => new Map(headers).get(name),
    connection: {
      remoteAddress: '127.0.0.1',
      remotePort: 1,
      localAddress: '127.0.0.1',
      localPort: 80,
      encrypted: false,
    },
    body: undefined,
  }
}

/** What a test's server gets of a request. */
export interface Visit {
  readonly request: Incoming
  readonly reply: Reply
  readonly body: IncomingBody
}

/** A real HTTP server. @returns its port */
export async function listen(t: TestContext, visit: (visit: Visit) => void): Promise<number> {
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    request.on('error', () => {})
    response.on('error', () => {})
    const fields = Object.entries(request.headers).map(
      ([name, value]) => [name, String(value)] as const,
    )
    visit({
      request: incoming(fields, request.method),
      reply: new HttpReply(response),
      body: new HttpBody(request, response),
    })
  }
  const server = createServer(onRequest).on('checkContinue', onRequest)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as { port: number }).port
}

/** A client that reads nothing before it is told to. */
export class RawClient {
  readonly socket: Socket
  readonly #chunks: Buffer[] = []
  /** How the connection ended. */
  readonly ended: Promise<'closed' | 'reset'>

  constructor(t: TestContext, port: number, text: string) {
    this.socket = connect(port, '127.0.0.1')
    this.socket.write(text)
    this.socket.on('data', (chunk: Buffer) => this.#chunks.push(chunk)).pause()
    this.ended = new Promise((resolve) => {
      this.socket.on('error', () => resolve('reset')).on('end', () => resolve('closed'))
    })
    t.after(() => this.socket.destroy())
  }

  read(): void {
    this.socket.resume()
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  get text(): string {
    return this.bytes.toString('latin1')
  }

  /** What is behind the head of the answer. */
  get body(): Buffer {
    return this.bytes.subarray(this.bytes.indexOf('\r\n\r\n') + 4)
  }
}

/** The files of this process whose names begin so; undefined where the system does not tell. */
export function openFiles(directory: string): string[] | undefined {
  if (process.platform !== 'linux') return undefined
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`)
      return path.startsWith(directory) ? [`/proc/self/fd/${fd}`] : []
    } catch {
      // The descriptor that the listing itself had.
      return []
    }
  })
}

export const NO_TINY_DISK = 'mounting a file system of 1 MiB takes root on Linux'

/** A file system of 1 MiB; undefined when this process may not mount one. */
export async function tinyDisk(scope: Scope): Promise<string | undefined> {
  const directory = await mkdtemp(join(tmpdir(), 'fcgi-disk-'))
  let mounted = false
  scope.after(async () => {
    if (mounted) execFileSync('umount', ['-l', directory])
    await rm(directory, { recursive: true })
  })
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', directory], { stdio: 'ignore' })
  } catch {
    return undefined
  }
  mounted = true
  return directory
}

/** So many bytes, none of which is where it is by chance. */
export function bytes(length: number, seed = 1): Uint8Array {
  const all = new Uint8Array(length)
  let state = seed
  for (let at = 0; at < length; at++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    all[at] = state >>> 16
  }
  return all
}
