// One request through embedded PHP: from params and stdin to a CGI answer, with the words of php-fpm where there is no script.

import { statSync } from 'node:fs'
import type { ResponderReply, ResponderRequest } from '@fastcgi/client/responder'
import type { PhpInstance, PhpRunning } from './php-wasm.ts'
import { pathInPhp, runScript } from './runtime.ts'

// All of it is in memory, twice. In bytes.
const MAX_BODY = 128 * 1024 * 1024
const JSON_END = '__terminator__'

/** Resolves when the script has ended. @throws Error when PHP itself has failed. */
export async function answer(
  php: PhpInstance,
  request: ResponderRequest,
  reply: ResponderReply,
): Promise<void> {
  const { params, stdin } = request
  const script = params.get('SCRIPT_FILENAME') ?? ''
  if (!script.endsWith('.php')) {
    const why = `Access to the script '${script}' has been denied: only *.php runs`
    return refuse(reply, '403 Forbidden', 'Access denied.', why)
  }
  if (!statSync(script, { throwIfNoEntry: false })?.isFile()) {
    return refuse(reply, '404 Not Found', 'File not found.', 'Primary script unknown')
  }
  const body = await readBody(stdin, Number(params.get('CONTENT_LENGTH') ?? 0)).catch(() => null)
  // Cut short: there is nobody to answer to, and half of a body is not for a script.
  if (body === null) return reply.destroy()
  if (body === undefined) {
    const why = `embedded PHP takes bodies of up to ${MAX_BODY} bytes`
    return refuse(reply, '413 Content Too Large', 'Content too large.', why)
  }
  await pass(await runScript(php, pathInPhp(script), params, body), reply)
}

async function refuse(
  reply: ResponderReply,
  status: string,
  text: string,
  why: string,
): Promise<void> {
  const head = `Status: ${status}\r\nContent-type: text/html; charset=UTF-8\r\n\r\n`
  await Promise.all([reply.stderr(why), reply.stdout(`${head}${text}\n`)]).catch(() => {})
}

/** @returns undefined when it is too large. @throws what the stream throws */
async function readBody(
  stdin: ReadableStream<Uint8Array>,
  announced: number,
): Promise<Uint8Array | undefined> {
  if (announced > MAX_BODY) return undefined
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of stdin) {
    size += chunk.length
    if (size > MAX_BODY) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** Passes on what PHP says. A client that has gone does not end the script; PHP cannot be interrupted. */
async function pass(running: PhpRunning, reply: ResponderReply): Promise<void> {
  const ended = running.exitCode
  // Told below, after what was said before it.
  ended.catch(() => {})
  const passStderr = each(running.stderr, (data) => reply.stderr(data))
  const head = cgiHead(await collect(running.getHeadersStream()))
  await reply.stdout(head).catch(() => {})
  await each(running.stdout, (data) => reply.stdout(data))
  await passStderr
  await ended
}

async function each(
  stream: ReadableStream<ArrayBufferView>,
  write: (data: Uint8Array) => Promise<void>,
): Promise<void> {
  for await (const chunk of stream) await write(bytesOf(chunk)).catch(() => {})
}

async function collect(stream: ReadableStream<ArrayBufferView>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) chunks.push(bytesOf(chunk))
  return Buffer.concat(chunks)
}

/** php-wasm hands out views of its memory as signed numbers. */
function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}

/** Header values are bytes to PHP, hence latin1 here, where each byte is a character. */
function cgiHead(json: Buffer): Buffer {
  const { status, headers } = JSON.parse(json.toString('latin1')) as {
    status: number
    headers: string[]
  }
  const lines = headers.filter((line) => line !== JSON_END)
  if (status !== 200) lines.unshift(`Status: ${status}`)
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
}
