// Requests as a web server makes them for PHP, and their answers taken apart.

import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  Pool,
  type FastCGIRequest,
  type FastCGIResponse,
  type FastCGIStream,
  type PoolOptions,
  type StdinBody,
} from '@fastcgi/client'
import { connectorOf } from './bun.ts'
import { PHP_ROOT } from './paths.ts'
import { until, type Scope } from './process.ts'

export interface PhpRequest {
  method?: string
  /** @default a random request has none */
  query?: Readonly<Record<string, string | number>>
  stdin?: StdinBody
  params?: Readonly<Record<string, string | number>>
  keepAlive?: boolean
}

/** A request for a script of test/php, its params as nginx would send them. */
export function php(script: string, request: PhpRequest = {}): FastCGIRequest {
  const { method = request.stdin === undefined ? 'GET' : 'PUT', query = {} } = request
  const name = `/${script}`
  const queryString = new URLSearchParams(
    Object.entries(query).map(([key, value]): [string, string] => [key, String(value)]),
  ).toString()
  return {
    params: {
      GATEWAY_INTERFACE: 'CGI/1.1',
      REDIRECT_STATUS: 200,
      REQUEST_METHOD: method,
      SCRIPT_FILENAME: join(PHP_ROOT, script),
      SCRIPT_NAME: name,
      DOCUMENT_ROOT: PHP_ROOT,
      REQUEST_URI: queryString ? `${name}?${queryString}` : name,
      QUERY_STRING: queryString,
      SERVER_PROTOCOL: 'HTTP/1.1',
      ...request.params,
    },
    stdin: request.stdin,
    keepAlive: request.keepAlive,
  }
}

/** A pool that does not outlive its test. */
export function openPool(scope: Scope, address: string, options: PoolOptions = {}): Pool {
  const pool = new Pool(address, { connect: connectorOf(address), ...options })
  scope.after(async () => pool.destroy())
  return pool
}

/** What a CGI program has answered. */
export interface Answer {
  status: number
  headers: Map<string, string>
  body: Buffer
  text: string
}

/** Takes a CGI answer apart. A header that comes twice keeps its values in one line each. */
export function answerOf(response: Pick<FastCGIResponse, 'stdout'>): Answer {
  const all = Buffer.from(response.stdout)
  const end = all.indexOf('\r\n\r\n')
  if (end < 0) throw new Error(`no header block in ${JSON.stringify(all.toString().slice(0, 200))}`)
  const headers = new Map<string, string>()
  for (const line of all.subarray(0, end).toString('latin1').split('\r\n')) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).toLowerCase()
    const value = line.slice(colon + 1).trim()
    headers.set(name, headers.has(name) ? `${headers.get(name)}\n${value}` : value)
  }
  const body = all.subarray(end + 4)
  return {
    status: Number.parseInt(headers.get('status') ?? '200'),
    headers,
    body,
    text: body.toString(),
  }
}

/** The text of an answer's body. */
export async function bodyOf(response: Promise<FastCGIResponse>): Promise<string> {
  return answerOf(await response).text
}

/** A stream read to its end, its two channels apart. */
export async function readAll(
  stream: FastCGIStream,
): Promise<{ stdout: Buffer; stderr: Buffer; chunks: number }> {
  const out: Uint8Array[] = []
  const err: Uint8Array[] = []
  for await (const { type, data } of stream) (type === 'stdout' ? out : err).push(data)
  return { stdout: Buffer.concat(out), stderr: Buffer.concat(err), chunks: out.length + err.length }
}

export function sha256(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}

/** Bytes that no compression, padding or off-by-one leaves as they were. */
export function noise(length: number): Uint8Array {
  return randomBytes(length)
}

/** Bytes in pieces, as a stream whose length nobody knows. */
export async function* pieces(bytes: Uint8Array, size = 50_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

let gates = 0

/** A place where gate.php waits until the test lets it go on. */
export class Gate {
  readonly path: string

  /** @param directory That of the backend. */
  constructor(directory: string) {
    this.path = join(directory, `gate-${++gates}`)
  }

  /** The pid of the script's worker, once the script has come here. */
  async reached(): Promise<number> {
    const mark = `${this.path}.reached`
    return await until('the script reaches its gate', () => readMark(mark))
  }

  /** Lets the script go on. */
  open(): void {
    writeFileSync(this.path, '')
  }

  /** For `?finish=1`: the script has come to its end. */
  async done(): Promise<void> {
    await until('the script ends', () => existsSync(`${this.path}.done`))
  }
}

function readMark(path: string): number {
  return existsSync(path) ? Number(readFileSync(path, 'latin1')) : 0
}
