// A gateway of a test's own behind node:http, and a client that sees every byte of its answers.

import { createServer, type Server } from 'node:http'
import { connect, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { createGateway, type Gateway, type GatewayOptions, type Logger } from '@fastcgi/gateway'
import { PHP_ROOT } from './paths.js'

/** What the gateway has told, one entry a call. */
export interface LogEntry {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly fields: Record<string, unknown>
  readonly message: string
}

/** A logger that keeps everything. */
export class RecordingLogger implements Logger {
  readonly entries: LogEntry[] = []
  debug = this.#at('debug')
  info = this.#at('info')
  warn = this.#at('warn')
  error = this.#at('error')

  #at(level: LogEntry['level']): (fields: object, message: string) => void {
    return (fields, message) => {
      this.entries.push({ level, fields: { ...fields }, message })
    }
  }

  /** Everything, as text, to look for what must not be there. */
  get text(): string {
    return this.entries.map(({ level, message }) => `${level} ${message}`).join('\n')
  }
}

export interface RunningGateway {
  readonly gateway: Gateway
  readonly server: Server
  readonly port: number
  readonly url: string
  readonly log: RecordingLogger
}

/** Starts a gateway over the fixtures of `test/php`, unless `root` says otherwise; it is gone with the test. */
export async function startGateway(
  t: TestContext,
  options: GatewayOptions,
): Promise<RunningGateway> {
  const log = new RecordingLogger()
  const gateway = createGateway({ root: PHP_ROOT, logger: log, ...options })
  const server = createServer(gateway.handler)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  t.after(async () => {
    server.closeAllConnections()
    server.close()
    gateway.destroy()
    await gateway.close()
  })
  return { gateway, server, port, url: `http://127.0.0.1:${port}`, log }
}

/** One answer as it came over the wire. */
export interface RawAnswer {
  /** Everything, each byte one character. */
  readonly text: string
  /** How the connection ended: in good order, or torn down. */
  readonly end: 'closed' | 'reset'
}

/**
 * Sends bytes as they are and reads until the server closes, or until the text says that it has enough.
 * @param enough Looked at after each piece; true ends the connection from this side.
 */
export function rawRequest(
  port: number,
  bytes: string | Uint8Array,
  enough: (text: string) => boolean = () => false,
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    let text = ''
    const socket: Socket = connect(port, '127.0.0.1', () => {
      socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
    })
    socket.setTimeout(20_000, () => socket.destroy(new Error(`no end of the answer:\n${text}`)))
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
      if (!enough(text)) return
      socket.destroy()
      resolve({ text, end: 'closed' })
    })
    socket.once('end', () => resolve({ text, end: 'closed' }))
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNRESET' || error.code === 'EPIPE') resolve({ text, end: 'reset' })
      else reject(error)
    })
  })
}

/** A GET on a connection that is not kept. */
export function rawGet(
  port: number,
  target: string,
  headers: readonly string[] = [],
): Promise<RawAnswer> {
  const lines = [`GET ${target} HTTP/1.1`, 'Host: example.org', 'Connection: close', ...headers]
  return rawRequest(port, `${lines.join('\r\n')}\r\n\r\n`)
}

/** Whether an HTTP/1.1 answer came to its end: all bytes of its length, or the last chunk. */
export function isWhole({ text }: RawAnswer): boolean {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return false
  const head = text.slice(0, end)
  const length = /^content-length: (\d+)$/im.exec(head)?.[1]
  if (length !== undefined) return text.length - end - 4 === Number(length)
  if (/^transfer-encoding: chunked$/im.test(head)) return text.endsWith('\r\n0\r\n\r\n')
  // Neither: only the end of the connection tells, which is no sign of being whole.
  return false
}
