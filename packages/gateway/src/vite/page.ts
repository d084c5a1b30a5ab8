// Which answers are pages that Vite's tags belong into, and what becomes of them. Bytes in, bytes out: a page keeps its encoding.

import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib'
import type { HeaderFields, Incoming } from '../http.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const DECODERS: Readonly<Record<string, (bytes: Uint8Array, options: object) => Uint8Array>> = {
  gzip: gunzipSync,
  'x-gzip': gunzipSync,
  deflate: inflateSync,
  br: brotliDecompressSync,
}
// They say something about bytes that are others afterwards.
const OF_THE_BYTES = new Set([
  'accept-ranges',
  'content-digest',
  'content-encoding',
  'content-length',
  'content-md5',
  'digest',
  'etag',
  'last-modified',
  'repr-digest',
])
const NO_PAGE: ReadonlySet<number> = new Set([204, 205, 206, 304])
const SHOWN_IN: ReadonlySet<string> = new Set(['document', 'iframe', 'frame', 'fencedframe'])
// oxlint-disable-next-line no-control-regex -- all that one byte can be
const BYTES = /^[\0-\xff]*$/
/** What a document begins with, behind what PHP may have said in front of it. */
const DOCUMENT = /<(?:!doctype\s+html|html|head)(?=[\s>])/i

/** Whether a request may be for a page: `document` says so, `unknown` leaves it to the answer. */
export function askedFor(request: Incoming): 'document' | 'unknown' | 'part' {
  const destination = request.header('sec-fetch-dest')
  if (destination !== undefined) return SHOWN_IN.has(destination) ? 'document' : 'part'
  const isPart =
    request.header('x-requested-with') !== undefined || request.header('hx-request') !== undefined
  return isPart ? 'part' : 'unknown'
}

/** Whether an answer is HTML that can be added to. */
export function isHtml(status: number, headers: HeaderFields): boolean {
  const type = fieldOf(headers, 'content-type') ?? ''
  const coding = fieldOf(headers, 'content-encoding')?.toLowerCase() ?? 'identity'
  return (
    !NO_PAGE.has(status) &&
    /^\s*text\/html\s*(?:;|$)/i.test(type) &&
    !/^\s*attachment/i.test(fieldOf(headers, 'content-disposition') ?? '') &&
    (coding === 'identity' || Object.hasOwn(DECODERS, coding)) &&
    // Whose markup is not made of ASCII.
    !/charset\s*=\s*"?utf-(?:16|32)/i.test(type)
  )
}

/** The fields that still hold when a page was changed. */
export function changedHeaders(headers: HeaderFields): (readonly [string, string])[] {
  return headers.filter(([name]) => !OF_THE_BYTES.has(name.toLowerCase()))
}

/** Text of a page, one way and back. */
export interface PageText {
  readonly text: string
  /** Undefined for text that the encoding of the page does not have. */
  readonly encode: (text: string) => Uint8Array | undefined
}

/**
 * Reads a page. What is not UTF-8 is read byte by byte: the markup is ASCII in every encoding that pages are in, and all else comes out
 * as it went in.
 * @throws Error when the content coding is damaged.
 */
export function readPageText(bytes: Uint8Array, headers: HeaderFields, limit: number): PageText {
  const coding = fieldOf(headers, 'content-encoding')?.toLowerCase() ?? 'identity'
  const plain = DECODERS[coding]?.(bytes, { maxOutputLength: limit }) ?? bytes
  const charset = /charset\s*=\s*"?([^\s";]+)/i.exec(fieldOf(headers, 'content-type') ?? '')?.[1]
  if (charset === undefined || /^utf-?8$/i.test(charset)) {
    try {
      const text = utf8.decode(plain)
      return { text, encode: (changed) => Buffer.from(changed) }
    } catch {
      // Not what it says it is.
    }
  }
  const text = Buffer.from(plain.buffer, plain.byteOffset, plain.length).toString('latin1')
  return {
    text,
    encode: (changed) => (BYTES.test(changed) ? Buffer.from(changed, 'latin1') : undefined),
  }
}

/** Whether a text is a whole document, and not a part that is to be put into one. */
export function isDocument(text: string): boolean {
  return DOCUMENT.test(text)
}

/** An empty page, for the tags that go into every one. */
export const EMPTY_PAGE = '<!doctype html><html><head></head><body></body></html>'

/**
 * Puts the tags of {@link EMPTY_PAGE}, as it was transformed, into a page whose beginning (at least) this is. Nothing else is changed.
 * @returns the beginning of the page as it came when the tags fit nowhere
 */
export function graft(page: string, transformed: string): string {
  const head = /<head>([^]*?)<\/head>/.exec(transformed)?.[1]?.trim() ?? ''
  const body = /<body>([^]*?)<\/body>/.exec(transformed)?.[1]?.trim() ?? ''
  const withHead = insert(page, headAt(page), head)
  if (body === '') return withHead
  const end = withHead.toLowerCase().lastIndexOf('</body')
  return insert(withHead, end < 0 ? withHead.length : end, body)
}

/** Behind the last import map, which no module may be in front of; otherwise at the beginning of the head. */
function headAt(page: string): number {
  const maps = [
    ...page.matchAll(/<script\b[^>]*\btype\s*=\s*["']?importmap\b[^>]*>[^]*?<\/script>/gi),
  ]
  const map = maps.at(-1)
  if (map) return map.index + map[0].length
  const tag =
    /<head(?:\s[^>]*)?>/i.exec(page) ??
    /<html(?:\s[^>]*)?>/i.exec(page) ??
    /<!doctype[^>]*>/i.exec(page)
  return tag ? tag.index + tag[0].length : 0
}

function insert(page: string, at: number, tags: string): string {
  return tags === '' ? page : `${page.slice(0, at)}\n${tags}\n${page.slice(at)}`
}

function fieldOf(headers: HeaderFields, wanted: string): string | undefined {
  return headers.find(([name]) => name.toLowerCase() === wanted)?.[1]
}
