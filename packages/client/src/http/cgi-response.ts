// stdout bytes -> status, headers, and where the body begins (RFC 3875 §6). Incremental: the block may be cut anywhere, and its lines
// may end in CRLF or LF. Pure: it decides what the head says, and leaves what to do about it to others.

import { CgiResponseError } from '../errors.ts'
import { concatBytes, copyBytes } from '../protocol/index.ts'
import { byteString, trimBlanks } from './byte-string.ts'

/** Status and header fields of a CGI response. */
export interface CgiHead {
  readonly status: number
  readonly statusText: string
  /** In order, repeated where they are repeated (`Set-Cookie`); `Status` is not among them. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** The length that the application promises for the body, in bytes. */
  readonly contentLength: number | undefined
  /** The path that the server is to answer with instead (RFC 3875 §6.2.2): a Location without scheme, and no Status. */
  readonly localRedirect: string | undefined
}

/** The default limit of a header block, in bytes. */
export const MAX_HEADER_SIZE: number = 256 * 1024

const MAX_HEADS = 64
/** In bytes. */
const MAX_KEPT = 1024
const heads = new Map<string, CgiHead>()

const LF = 0x0a
const CR = 0x0d

/** Reads header blocks until the one that is final. */
export class CgiResponseParser {
  readonly #limit: number
  #head: CgiHead | undefined
  #informational: CgiHead[] = []
  #parts: Uint8Array[] = []
  #length = 0
  #lineLength = 0

  /** @param maxHeaderSize The most that all header blocks together may take, in bytes. @default 256 KiB */
  constructor(maxHeaderSize: number = MAX_HEADER_SIZE) {
    this.#limit = maxHeaderSize
  }

  /** The final head, once it is complete. */
  get head(): CgiHead | undefined {
    return this.#head
  }

  /** Interim heads (1xx) that came before it, such as 103 Early Hints. */
  get informational(): readonly CgiHead[] {
    return this.#informational
  }

  /**
   * Takes the next bytes of stdout, until the head is complete.
   * @returns where in this chunk the body begins (its length when it begins with the next one), or -1 while the head is not complete.
   * @throws CgiResponseError on anything that is no CGI response, or is larger than the limit.
   */
  push(chunk: Uint8Array): number {
    let start = 0
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at]!
      if (byte !== LF) {
        // A CR counts for nothing here: whether it may stand where it does is looked at when the line is read.
        if (byte !== CR) this.#lineLength++
        continue
      }
      if (this.#lineLength > 0) {
        this.#lineLength = 0
        continue
      }
      this.#keep(chunk.subarray(start, at + 1))
      start = at + 1
      if (this.#endBlock()) return start
    }
    this.#keep(copyBytes(chunk.subarray(start)))
    return -1
  }

  /** To be called when stdout has ended. @throws CgiResponseError unless the head is complete. */
  end(): CgiHead {
    if (this.#head) return this.#head
    throw new CgiResponseError(
      this.#informational.length > 0
        ? `stdout ended after an interim response (${this.#informational.at(-1)!.status})`
        : `stdout ended within the header block, after ${this.#length} bytes: no blank line ends it`,
    )
  }

  #keep(part: Uint8Array): void {
    this.#length += part.length
    if (this.#length > this.#limit) {
      throw new CgiResponseError(`the header block is larger than ${this.#limit} bytes`)
    }
    if (part.length > 0) this.#parts.push(part)
  }

  /** True when the block that has come to its end is the final one. */
  #endBlock(): boolean {
    const block = this.#parts.length === 1 ? this.#parts[0]! : concatBytes(this.#parts)
    this.#parts = []
    const head = knownHead(byteString(block))
    if (head.status >= 200) {
      this.#head = head
      return true
    }
    if (head.status === 101) {
      throw new CgiResponseError('status 101: a FastCGI application cannot switch protocols')
    }
    this.#informational.push(head)
    return false
  }
}

/** Applications say the same head again and again, so that of the last ones is kept what they mean. */
function knownHead(block: string): CgiHead {
  const known = heads.get(block)
  if (known) return known
  const head = readHead(block)
  // One that sets a cookie is for one client, and not to be kept for longer than it is needed.
  if (block.length <= MAX_KEPT && !/^set-cookie/im.test(block)) {
    if (heads.size >= MAX_HEADS) heads.clear()
    heads.set(block, head)
  }
  return head
}

function readHead(block: string): CgiHead {
  const headers = readFields(block)
  const status = single(headers, 'status')
  const location = single(headers, 'location')
  const line = status === undefined ? undefined : readStatus(status)
  const localRedirect =
    status === undefined && location !== undefined && isLocalPath(location) ? location : undefined
  return {
    // A Location without Status asks for a redirect (§6.2.3).
    status: line?.status ?? (location === undefined ? 200 : 302),
    statusText: line?.statusText ?? (location === undefined ? 'OK' : 'Found'),
    headers: headers.filter(([name]) => name.toLowerCase() !== 'status'),
    contentLength: readLength(single(headers, 'content-length')),
    localRedirect,
  }
}

/** URL parsers take a backslash for a slash and drop tabs: with either of them, a path on this server may be the name of another. */
function isLocalPath(location: string): boolean {
  return /^\/(?!\/)[^\\\t]*$/.test(location)
}

function readFields(block: string): [string, string][] {
  const lines: string[][] = []
  for (const line of block.split('\n')) {
    const text = line.endsWith('\r') ? line.slice(0, -1) : line
    const last = lines.at(-1)
    // A continued line; the field is one line with a space (RFC 9112 §5.2).
    if (/^[ \t]/.test(text) && last) last.push(trimBlanks(text))
    else if (text !== '') lines.push([text])
  }
  if (lines.length === 0) throw new CgiResponseError('the header block is empty')
  return lines.map((parts) => readField(parts.join(' ')))
}

function readField(line: string): [string, string] {
  const colon = line.indexOf(':')
  const name = line.slice(0, Math.max(colon, 0))
  if (!/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(name)) {
    throw new CgiResponseError(
      `${JSON.stringify(line.slice(0, 100))} is not a header field: did the script print before its headers?`,
    )
  }
  return [name, checkValue(trimBlanks(line.slice(colon + 1)))]
}

function checkValue(value: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what it looks for: they split responses
  if (!/[\x00-\x08\x0a-\x1f\x7f]/.test(value)) return value
  throw new CgiResponseError('a header field has a control character in its value')
}

function readStatus(value: string): { status: number; statusText: string } {
  const match = /^([1-5]\d\d)(?:[ \t]+(.*))?$/.exec(value)
  if (match) return { status: Number(match[1]), statusText: match[2] ?? '' }
  throw new CgiResponseError(`Status ${JSON.stringify(value)} is not an HTTP status`)
}

function readLength(value: string | undefined): number | undefined {
  if (value === undefined) return undefined
  const length = /^\d+$/.test(value) ? Number(value) : NaN
  if (Number.isSafeInteger(length)) return length
  throw new CgiResponseError(`Content-Length ${JSON.stringify(value)} is not a number of bytes`)
}

/** The value of a field that may come once only. */
function single(fields: readonly (readonly [string, string])[], name: string): string | undefined {
  const values = fields.filter(([key]) => key.toLowerCase() === name)
  if (values.length > 1) throw new CgiResponseError(`${name} is given ${values.length} times`)
  return values[0]?.[1]
}
