// multipart/form-data (RFC 7578) from -F, with files as they are read and the length of the whole known before.

import { randomBytes } from 'node:crypto'
import { basename, extname } from 'node:path'
import { Exit, Failure } from '../failure.ts'
import type { Io } from '../io.ts'
import { openFile, readWhole, sizeOf, type Body, type BodyFlag } from './files.ts'

interface Field {
  readonly name: string
  /** Either text, or a file. */
  readonly text?: string
  readonly path?: string
  readonly filename?: string
  readonly type?: string
}

interface Part {
  readonly head: Buffer
  readonly length: number
  readonly content: Buffer | (() => AsyncIterable<Uint8Array>)
}

const CRLF = '\r\n'

/** @throws Failure on a field that cannot be understood, or a file that cannot be read. */
export async function multipart(flags: readonly BodyFlag[], io: Io): Promise<Body> {
  const boundary = `------------------------${randomBytes(12).toString('hex')}`
  const parts: Part[] = []
  for (const flag of flags) parts.push(await partOf(fieldOf(flag), boundary, io))
  const tail = Buffer.from(`--${boundary}--${CRLF}`)
  const length = parts.reduce((sum, part) => sum + part.head.length + part.length + 2, tail.length)
  return {
    length,
    contentType: `multipart/form-data; boundary=${boundary}`,
    async *open() {
      for (const { head, content } of parts) {
        yield head
        if (typeof content === 'function') yield* content()
        else yield content
        yield Buffer.from(CRLF)
      }
      yield tail
    },
  }
}

/** `name=text`, `name=@file` (an upload), `name=<file` (its text); `;type=` and `;filename=` may follow. */
function fieldOf({ kind, value }: BodyFlag): Field {
  const at = value.indexOf('=')
  if (at < 1) {
    throw new Failure(
      Exit.Usage,
      `${JSON.stringify(value)} is no field: write name=text, name=@file or name=<file`,
    )
  }
  const name = value.slice(0, at)
  const content = value.slice(at + 1)
  if (kind === 'form-string') return { name, text: content }
  const { rest, attributes } = splitAttributes(content)
  const type = attributes.get('type')
  const common = { name, ...(type !== undefined && { type }) }
  if (rest.startsWith('@')) {
    const path = rest.slice(1)
    return { ...common, path, filename: attributes.get('filename') ?? basename(path) }
  }
  if (rest.startsWith('<')) return { ...common, path: rest.slice(1) }
  return { ...common, text: rest }
}

function splitAttributes(content: string): { rest: string; attributes: Map<string, string> } {
  const attributes = new Map<string, string>()
  let rest = content
  for (;;) {
    const match = /^(.*);\s*(type|filename)=("?)([^";]*(?:;\s*charset=[^";]*)?)\3$/s.exec(rest)
    if (!match) return { rest, attributes }
    attributes.set(match[2]!, match[4]!)
    rest = match[1]!
  }
}

async function partOf(field: Field, boundary: string, io: Io): Promise<Part> {
  const { path, text, filename } = field
  const length = path === undefined || path === '-' ? undefined : await sizeOf(path, io)
  let content: Part['content']
  if (path === undefined) content = Buffer.from(text ?? '')
  else if (length === undefined) content = await readWhole(path, io)
  else content = () => openFile(path, io)
  const type = field.type ?? (filename === undefined ? undefined : typeOf(filename))
  const head = [
    `--${boundary}`,
    `Content-Disposition: form-data; name="${quoted(field.name)}"` +
      (filename === undefined ? '' : `; filename="${quoted(filename)}"`),
    ...(type === undefined ? [] : [`Content-Type: ${type}`]),
    '',
    '',
  ]
  return {
    head: Buffer.from(head.join(CRLF)),
    length: typeof content === 'function' ? (length ?? 0) : content.length,
    content,
  }
}

/** As browsers do (WHATWG HTML, multipart/form-data encoding). */
function quoted(text: string): string {
  return text.replaceAll('"', '%22').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css',
  '.gif': 'image/gif',
  '.html': 'text/html',
  '.jpeg': 'image/jpeg',
  '.jpg': 'image/jpeg',
  '.json': 'application/json',
  '.pdf': 'application/pdf',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain',
  '.webp': 'image/webp',
  '.xml': 'application/xml',
}

function typeOf(filename: string): string {
  return TYPES[extname(filename).toLowerCase()] ?? 'application/octet-stream'
}
