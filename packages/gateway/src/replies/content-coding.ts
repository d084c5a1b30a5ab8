// Which answers are worth compressing, in which coding, and what their heads say then. Pure.

import Negotiator from 'negotiator'
import type { HeaderFields } from '../http.ts'
import type { CompressRules } from './rules.ts'

/** Names of content codings, as HTTP registers them. */
export type ContentCoding = 'br' | 'zstd' | 'gzip'

/** What the head of an answer comes to. */
export interface CodedHead {
  /** Undefined: the body goes out as it is. */
  readonly coding: ContentCoding | undefined
  readonly headers: HeaderFields
}

/** Has `preferred`, which its types do not know yet. */
interface Negotiation {
  encoding(
    available: readonly string[],
    options: { readonly preferred: readonly string[] },
  ): string | undefined
}

// Bodies that are no whole representation, or none at all: a part of a file is a part of the file as it is (RFC 9110 §14).
const AS_IT_IS: ReadonlySet<number> = new Set([204, 205, 206, 304])

/** What a client takes, and what there is. */
export interface CodingWish {
  /** Accept-Encoding. Without it no coding is used: most who do not send it cannot decode any. */
  readonly accepted: string | undefined
  /** The best first: it decides between those that a client wants alike. */
  readonly available: readonly ContentCoding[]
}

/** The head of an answer that had these fields, and the coding of its body. */
export function codeHead(
  status: number,
  headers: HeaderFields,
  wish: CodingWish,
  rules: CompressRules,
): CodedHead {
  if (!isWorthIt(status, headers, rules)) return { coding: undefined, headers }
  // Also without a coding: a cache has to know that others get another answer.
  const fields = withVary(headers)
  const coding = choose(wish)
  if (!coding) return { coding, headers: fields }
  const coded = fields
    .filter(([name]) => !CHANGED.has(name.toLowerCase()))
    .map(([name, value]) => [name, name.toLowerCase() === 'etag' ? weak(value) : value] as const)
  return { coding, headers: [...coded, ['content-encoding', coding]] }
}

/**
 * The head of a 304 for an answer that the client has in a coding: its tag has to be the one that the client knows, or the client would not
 * find the answer that it is about (RFC 9111 §4.3.4).
 * @param known If-None-Match
 */
export function codeNotModified(headers: HeaderFields, known: string | undefined): HeaderFields {
  return headers.map(([name, value]) => {
    const isKnownWeak = name.toLowerCase() === 'etag' && known?.includes(weak(value)) === true
    return [name, isKnownWeak ? weak(value) : value] as const
  })
}

// The length of what is no longer sent, its digests (RFC 9530), and ranges of it.
const CHANGED: ReadonlySet<string> = new Set([
  'content-length',
  'accept-ranges',
  'content-md5',
  'content-digest',
  'digest',
  'repr-digest',
])

function choose({ accepted, available }: CodingWish): ContentCoding | undefined {
  if (accepted === undefined) return undefined
  const negotiator = new Negotiator({
    headers: { 'accept-encoding': accepted },
  }) as unknown as Negotiation
  const chosen = negotiator.encoding([...available, 'identity'], { preferred: available })
  return available.find((coding) => coding === chosen)
}

function isWorthIt(status: number, headers: HeaderFields, rules: CompressRules): boolean {
  if (status < 200 || AS_IT_IS.has(status)) return false
  let type: string | undefined
  for (const [key, value] of headers) {
    const name = key.toLowerCase()
    if (name === 'content-encoding' || name === 'content-range') return false
    if (name === 'cache-control' && /\bno-transform\b/i.test(value)) return false
    if (name === 'content-length' && Number(value) < rules.minSize) return false
    if (name === 'content-type') type = (value.split(';', 1)[0] ?? '').trim().toLowerCase()
  }
  // Each event has to go out by itself: compressed, it would need a flush, and would not get smaller.
  return type !== undefined && type !== 'text/event-stream' && rules.isWorthIt(type)
}

function withVary(headers: HeaderFields): HeaderFields {
  const names = headers
    .filter(([name]) => name.toLowerCase() === 'vary')
    .flatMap(([, value]) => value.split(','))
  if (names.some((name) => /^\s*(?:\*|accept-encoding)\s*$/i.test(name))) return headers
  const at = headers.findIndex(([name]) => name.toLowerCase() === 'vary')
  if (at < 0) return [...headers, ['vary', 'Accept-Encoding']]
  return headers.map(([name, value], index) =>
    index === at
      ? [name, value.trim() ? `${value}, Accept-Encoding` : 'Accept-Encoding']
      : [name, value],
  )
}

/** Another coding is other bytes, but means the same (RFC 9110 §8.8.3). */
function weak(tag: string): string {
  return tag.startsWith('W/') ? tag : `W/${tag}`
}
