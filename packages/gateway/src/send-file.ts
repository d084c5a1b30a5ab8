// A file -> the answer: conditional requests, ranges, compressed neighbours, and the bytes. For the files of a site, and for those that an
// application names (X-Accel-Redirect, X-Sendfile).

import { randomBytes } from 'node:crypto'
import { closeSync, readSync } from 'node:fs'
import { HttpRequestError } from '@fastcgi/client'
import { parseRanges, type ByteRange } from './byte-ranges.ts'
import { precondition, rangeCounts, validatorsOf, type Validators } from './conditional.ts'
import { contentType, isCompressible } from './content-type.ts'
import type { Exchange } from './exchange.ts'
import type { FileTree, OpenFile } from './files.ts'
import type { HeaderFields } from './http.ts'
import { chooseVariant, type Variant } from './precompressed.ts'
import type { StaticRules } from './static-rules.ts'
import { streamFile, type Piece } from './stream-file.ts'

/** What an application says of the file that it has sent. Its fields count more than those of the file; its Content-Length is dropped. */
export interface ChosenHead {
  /** Conditions and ranges count with 200 only. */
  readonly status: number
  readonly headers: HeaderFields
}

// Up to here, reading at once costs less than going through the thread pool and back.
const SMALL = 65_536
const IMMUTABLE = 'public, max-age=31536000, immutable'
/** They describe a body, which such an answer has not, or not this one. */
const OF_BODY = new Set([
  'content-type',
  'content-encoding',
  'content-disposition',
  'content-language',
])
const OF_CACHING = new Set(['cache-control', 'expires'])
/** What is said of the bytes here, and by nobody else. */
const OWN = new Set(['content-length', 'content-range', 'accept-ranges', 'transfer-encoding'])

/**
 * Answers with a file.
 * @param path Below the root of the tree, as a byte string.
 * @param chosen When an application chose the file: then any method gets it.
 * @returns nothing when all is handed over, or a promise of that.
 * @throws HttpRequestError 404 when there is no such file any more, 403 when it may not be read, 503 when the system has no room to open it.
 */
export function sendFile(
  exchange: Exchange,
  tree: FileTree,
  path: string,
  rules: StaticRules,
  chosen?: ChosenHead,
): void | Promise<void> {
  const { method } = exchange.request
  if (!chosen && method !== 'GET' && method !== 'HEAD') {
    exchange.send(405, [['allow', 'GET, HEAD']])
    return undefined
  }
  const type = contentType(path, rules.types)
  let variant: Variant = { path, encoding: undefined, varies: false }
  if (!chosen && rules.precompressed && isCompressible(type)) {
    variant = chooseVariant(path, exchange.request.header('accept-encoding'), tree.look)
  }
  const { fd, entry } = open(tree, variant.path)
  let streaming: Promise<void> | undefined
  try {
    const answer = new FileAnswer(
      exchange,
      entry.size,
      validatorsOf(entry, variant.encoding),
      chosen,
    )
    answer.describe(type, variant, chosen ? undefined : cacheControl(path, rules))
    streaming = answer.send(fd)
  } finally {
    // A stream closes it itself, later.
    if (streaming === undefined) closeSync(fd)
  }
  return streaming
}

function cacheControl(path: string, rules: StaticRules): string | undefined {
  return rules.immutable.matches(path) ? IMMUTABLE : rules.cacheControl
}

function open(tree: FileTree, path: string): OpenFile {
  let file: OpenFile | undefined
  try {
    file = tree.open(path)
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown'
    const status = code === 'EACCES' || code === 'EPERM' ? 403 : 503
    throw new HttpRequestError(status, `cannot open ${path} below ${tree.root} (${code})`, {
      cause,
    })
  }
  if (file) return file
  throw new HttpRequestError(404, `there is no file ${path} below ${tree.root} any more`)
}

/** One answer with one open file. */
class FileAnswer {
  readonly #exchange: Exchange
  readonly #size: number
  readonly #status: number
  readonly #headers: (readonly [string, string])[]
  readonly #validators: Validators
  #type = ''

  constructor(exchange: Exchange, size: number, file: Validators, chosen: ChosenHead | undefined) {
    this.#exchange = exchange
    this.#size = size
    this.#status = chosen?.status ?? 200
    this.#headers = chosen?.headers.filter(([name]) => !OWN.has(name.toLowerCase())) ?? []
    this.#validators = {
      etag: this.#header('etag') ?? file.etag,
      lastModified: this.#header('last-modified') ?? file.lastModified,
    }
  }

  /** Adds the fields that nobody has chosen yet. */
  describe(type: string, variant: Variant, caching: string | undefined): void {
    const { etag, lastModified } = this.#validators
    this.#type = this.#header('content-type') ?? type
    this.#add('content-type', type)
    this.#add('content-encoding', variant.encoding)
    this.#add('etag', etag)
    this.#add('last-modified', lastModified)
    this.#add('cache-control', caching)
    this.#add('x-content-type-options', 'nosniff')
    this.#add('vary', variant.varies ? 'Accept-Encoding' : undefined)
    for (const [name, value] of this.#exchange.site?.headers ?? []) this.#add(name, value)
  }

  /** @returns a promise when the file is streamed, and closed at the end of that. */
  send(fd: number): Promise<void> | undefined {
    const { request } = this.#exchange
    const safe = request.method === 'GET' || request.method === 'HEAD'
    const conditional = safe && this.#status === 200
    const refused = conditional ? precondition(request, this.#validators) : undefined
    if (refused !== undefined) {
      this.#exchange.send(refused, refused === 304 ? this.#withoutBody() : this.#unkept())
      return undefined
    }
    const ranges = conditional ? this.#ranges() : undefined
    if (ranges === 'unsatisfiable') {
      this.#exchange.send(416, [...this.#unkept(), ['content-range', `bytes */${this.#size}`]])
      return undefined
    }
    if (this.#status === 200) this.#headers.push(['accept-ranges', 'bytes'])
    if (ranges === undefined) return this.#whole(fd)
    const [range] = ranges
    return range !== undefined && ranges.length === 1
      ? this.#part(fd, range)
      : this.#parts(fd, ranges)
  }

  #ranges(): readonly ByteRange[] | 'unsatisfiable' | undefined {
    const { request } = this.#exchange
    const header = request.header('range')
    // Only GET has ranges (RFC 9110 §14.2).
    if (header === undefined || request.method !== 'GET') return undefined
    return rangeCounts(request, this.#validators) ? parseRanges(header, this.#size) : undefined
  }

  #whole(fd: number): Promise<void> | undefined {
    const last = this.#size - 1
    return this.#body(fd, this.#status, this.#size, last < 0 ? [] : [{ first: 0, last }])
  }

  #part(fd: number, range: ByteRange): Promise<void> | undefined {
    this.#headers.push(['content-range', this.#contentRange(range)])
    return this.#body(fd, 206, range.last + 1 - range.first, [range])
  }

  /** multipart/byteranges (RFC 9110 §14.6). */
  #parts(fd: number, ranges: readonly ByteRange[]): Promise<void> | undefined {
    const boundary = randomBytes(18).toString('hex')
    const pieces: Piece[] = []
    for (const range of ranges) {
      const head = `--${boundary}\r\ncontent-type: ${this.#type}\r\ncontent-range: ${this.#contentRange(range)}`
      pieces.push(Buffer.from(`${pieces.length > 0 ? '\r\n' : ''}${head}\r\n\r\n`, 'latin1'), range)
    }
    pieces.push(Buffer.from(`\r\n--${boundary}--\r\n`))
    const at = this.#headers.findIndex(([name]) => name.toLowerCase() === 'content-type')
    this.#headers[at] = ['content-type', `multipart/byteranges; boundary=${boundary}`]
    return this.#body(
      fd,
      206,
      pieces.reduce((sum, piece) => sum + lengthOf(piece), 0),
      pieces,
    )
  }

  #body(
    fd: number,
    status: number,
    length: number,
    pieces: readonly Piece[],
  ): Promise<void> | undefined {
    const exchange = this.#exchange
    const { reply, request, replyHeaders } = exchange
    const headers = [...this.#headers, ...replyHeaders]
    headers.push(['content-length', String(length)])
    const bodiless = request.method === 'HEAD' || length === 0
    // Read before the head is out, so that a file that has become shorter by now is a failure that can still be told.
    const bytes = !bodiless && length <= SMALL ? this.#readAll(fd, length, pieces) : undefined
    reply.head(status, '', headers)
    if (!bodiless && bytes === undefined) return streamFile(exchange, fd, pieces)
    reply.end(bytes)
    return undefined
  }

  #readAll(fd: number, length: number, pieces: readonly Piece[]): Uint8Array {
    const bytes = Buffer.allocUnsafe(length)
    let filled = 0
    for (const piece of pieces) {
      const end = filled + lengthOf(piece)
      if (piece instanceof Uint8Array) bytes.set(piece, filled)
      else readExactly(fd, bytes.subarray(filled, end), piece.first)
      filled = end
    }
    return bytes
  }

  #withoutBody(): HeaderFields {
    return this.#headers.filter(([name]) => !OF_BODY.has(name.toLowerCase()))
  }

  /** How long the file may be kept is not said of a refusal: a cache would give it to everybody. */
  #unkept(): HeaderFields {
    return this.#withoutBody().filter(([name]) => !OF_CACHING.has(name.toLowerCase()))
  }

  #contentRange({ first, last }: ByteRange): string {
    return `bytes ${first}-${last}/${this.#size}`
  }

  #header(name: string): string | undefined {
    return this.#headers.find(([given]) => given.toLowerCase() === name)?.[1]
  }

  #add(name: string, value: string | undefined): void {
    if (value !== undefined && this.#header(name) === undefined) this.#headers.push([name, value])
  }
}

function lengthOf(piece: Piece): number {
  return piece instanceof Uint8Array ? piece.length : piece.last + 1 - piece.first
}

function readExactly(fd: number, into: Uint8Array, position: number): void {
  for (let filled = 0; filled < into.length;) {
    const count = readSync(fd, into, filled, into.length - filled, position + filled)
    if (count === 0) throw new HttpRequestError(503, 'the file became shorter while it was read')
    filled += count
  }
}
