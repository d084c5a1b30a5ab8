// The bodies that undici takes -> stdin.

import { errors } from 'undici'
import type { StdinBody } from '../connection/request.ts'
import { randomUUID } from 'node:crypto'

export interface Body {
  readonly stdin: StdinBody | null
  /** What the body itself says that it is. */
  readonly contentType: string | undefined
}

/** What FormData of any realm has: that of undici is not that of the runtime. */
interface FormDataLike extends Iterable<[string, string | Blob]> {
  readonly [Symbol.toStringTag]: string
}

/** @throws InvalidArgumentError on what undici does not take either. */
export function readBody(body: unknown): Body {
  if (body === null || body === undefined) return { stdin: null, contentType: undefined }
  if (isFormData(body)) {
    const { stdin, boundary } = multipart(body)
    return { stdin, contentType: `multipart/form-data; boundary=${boundary}` }
  }
  if (isBlob(body)) return { stdin: body, contentType: body.type || undefined }
  const stdin = bytes(body) ?? iterable(body)
  return {
    stdin: stdin instanceof Uint8Array && stdin.length === 0 ? null : stdin,
    contentType: undefined,
  }
}

/** Calls back when a Node stream fails, perhaps before anybody reads it. */
export function onBodyError(body: unknown, callback: (error: Error) => void): void {
  if (typeof body !== 'object' || body === null || !('pipe' in body)) return
  // Never taken back: a file that cannot be opened may say so after the request was given up, and must not end the process then.
  if ('on' in body && typeof body.on === 'function') body.on('error', callback)
}

/** Lets go of a body that nobody is going to read. */
export function freeBody(body: unknown): void {
  if (typeof body !== 'object' || body === null) return
  if ('destroy' in body && typeof body.destroy === 'function') body.destroy()
  // One that somebody else reads cannot be cancelled, and is theirs.
  else if (body instanceof ReadableStream) body.cancel().catch(() => {})
}

function bytes(body: unknown): Uint8Array | undefined {
  if (typeof body === 'string') return Buffer.from(body)
  if (body instanceof Uint8Array) return body
  if (ArrayBuffer.isView(body)) return new Uint8Array(body.buffer, body.byteOffset, body.byteLength)
  return body instanceof ArrayBuffer ? new Uint8Array(body) : undefined
}

function iterable(body: unknown): StdinBody {
  if (typeof body === 'object' && body !== null) {
    if (isIterable(body)) return body
  }
  throw new errors.InvalidArgumentError(
    'body must be a string, a Buffer, a Readable stream, an iterable, or an async iterable',
  )
}

function isIterable(
  body: object,
): body is Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array> {
  return Symbol.asyncIterator in body || Symbol.iterator in body
}

function isBlob(body: unknown): body is Blob {
  return typeof Blob !== 'undefined' && body instanceof Blob
}

function isFormData(body: unknown): body is FormDataLike {
  return (
    typeof body === 'object' &&
    body !== null &&
    Symbol.toStringTag in body &&
    body[Symbol.toStringTag] === 'FormData' &&
    Symbol.iterator in body
  )
}

/** multipart/form-data as browsers write it. A Blob of Blobs: its length is known, and files are read when they are sent. */
function multipart(form: FormDataLike): { stdin: Blob; boundary: string } {
  const boundary = `----formdata-fastcgi-${randomUUID()}`
  const parts: (string | Blob)[] = []
  for (const [name, value] of form) {
    const disposition = `--${boundary}\r\nContent-Disposition: form-data; name="${escape(lines(name))}"`
    if (typeof value === 'string') {
      parts.push(`${disposition}\r\n\r\n${lines(value)}\r\n`)
    } else {
      const filename = 'name' in value ? String(value.name) : 'blob'
      const type = value.type || 'application/octet-stream'
      parts.push(`${disposition}; filename="${escape(filename)}"\r\nContent-Type: ${type}\r\n\r\n`)
      parts.push(value, '\r\n')
    }
  }
  parts.push(`--${boundary}--\r\n`)
  return { stdin: new Blob(parts), boundary }
}

function lines(text: string): string {
  return text.replace(/\r?\n|\r/g, '\r\n')
}

function escape(text: string): string {
  return text.replace(/\n/g, '%0A').replace(/\r/g, '%0D').replace(/"/g, '%22')
}
