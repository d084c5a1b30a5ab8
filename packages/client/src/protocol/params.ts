// Name-value pairs <-> bytes (§3.4).
//
//  | nameLength 1|4 | valueLength 1|4 | name | value |      4 bytes, the first with its top bit set, from length 128 on
//
// Rule: order and duplicates are kept; what means something to a reader of C strings or of lines (NUL, CR, LF) is refused.

import { LocalProtocolError, RemoteProtocolError } from '../errors.ts'
import { concatBytes } from './bytes.ts'
import { MAX_ALIGNED_CONTENT_LENGTH } from './constants.ts'
import { readUint32, writeUint32 } from './record.ts'

/** A string is sent as UTF-8, bytes as they are. */
export type ParamName = string | Uint8Array
/** A string is sent as UTF-8, a number in decimal, bytes as they are. */
export type ParamValue = string | number | Uint8Array
export type ParamPair = readonly [name: ParamName, value: ParamValue]
/**
 * The CGI variables of a request: an object (own properties only; `undefined` leaves one out), or pairs in any iterable (an array, a
 * `Map`) where order and duplicates matter.
 */
export type Params = Readonly<Record<string, ParamValue | undefined>> | Iterable<ParamPair>
/** A pair as it came over the wire. */
export type RawPair = readonly [name: Uint8Array, value: Uint8Array]

const NONE: readonly PreparedParams[] = []
const utf8 = new TextEncoder()
// A byte order mark is three bytes of the value like any others.
const text = new TextDecoder('utf-8', { ignoreBOM: true })
// From this many characters on the runtime writes a string faster than a loop does.
const SHORT = 64

/** Bytes of a length field. */
export function lengthOfLength(length: number): 1 | 4 {
  return length < 0x80 ? 1 : 4
}

/** Writes a length field at `out[at]` and returns where it ends. */
export function writeLength(out: Uint8Array, at: number, length: number): number {
  if (length < 0x80) {
    out[at] = length
    return at + 1
  }
  writeUint32(out, at, length)
  out[at]! |= 0x80
  return at + 4
}

/**
 * Writes a string of ASCII at `out[at]` and returns where it ends, or -1 when it needs a closer look. There must be room for it. One loop
 * for a short string, as most are: a call into the runtime costs more than that.
 */
export function writeAscii(out: Uint8Array, at: number, value: string): number {
  if (value.length > SHORT) return writeLongAscii(out, at, value)
  for (let index = 0; index < value.length; index++) {
    const char = value.charCodeAt(index)
    if (char > 0x7f || isForbidden(char)) return -1
    out[at + index] = char
  }
  return at + value.length
}

function writeLongAscii(out: Uint8Array, at: number, value: string): number {
  if (value.includes('\0') || value.includes('\n') || value.includes('\r')) return -1
  // As many bytes as characters: anything but ASCII finds no room for its last one.
  const end = at + value.length
  return utf8.encodeInto(value, out.subarray(at, end)).read === value.length ? end : -1
}

/** One pair as bytes. @throws LocalProtocolError `FCGI_ERR_PARAM_INVALID` on NUL, CR or LF. */
export function encodePair(name: ParamName, value: ParamValue): Uint8Array {
  const nameBytes = paramBytes(name)
  const valueBytes = paramBytes(value)
  refuseForbidden(nameBytes, nameBytes)
  refuseForbidden(nameBytes, valueBytes)
  const start = lengthOfLength(nameBytes.length) + lengthOfLength(valueBytes.length)
  const pair = new Uint8Array(start + nameBytes.length + valueBytes.length)
  writeLength(pair, writeLength(pair, 0, nameBytes.length), valueBytes.length)
  pair.set(nameBytes, start)
  pair.set(valueBytes, start + nameBytes.length)
  return pair
}

/**
 * Pairs of bytes, in their order. The pairs are views into `bytes`.
 * @throws RemoteProtocolError when the last pair is cut off.
 */
export function decodePairs(bytes: Uint8Array): RawPair[] {
  const pairs: RawPair[] = []
  let at = 0
  const readLength = (): number => {
    const first = bytes[at]
    if (first !== undefined && first < 0x80) {
      at++
      return first
    }
    if (at + 4 > bytes.length) throw cutOff(bytes)
    at += 4
    return readUint32(bytes, at - 4) & 0x7f_ff_ff_ff
  }
  while (at < bytes.length) {
    const nameLength = readLength()
    const valueLength = readLength()
    const valueAt = at + nameLength
    if (valueAt + valueLength > bytes.length) throw cutOff(bytes)
    pairs.push([bytes.subarray(at, valueAt), bytes.subarray(valueAt, valueAt + valueLength)])
    at = valueAt + valueLength
  }
  return pairs
}

/** The pairs of any {@link Params}, `undefined` values left out. An array is passed through. */
export function paramPairs(params: Params): readonly ParamPair[] {
  if (Array.isArray(params)) return params as readonly ParamPair[]
  if (Symbol.iterator in params) return [...(params as Iterable<ParamPair>)]
  const pairs: ParamPair[] = []
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined) pairs.push([name, value])
  }
  return pairs
}

/**
 * Params that were encoded once, to be joined to every request of a site: see {@link prepareParams}.
 * Holds whole pairs only, in pieces that each fit into one record.
 */
export class PreparedParams {
  /** Encoded pairs; read only. */
  readonly pieces: readonly Uint8Array[]
  /** REQUEST_METHOD, when it is among them: whether a request may run twice depends on it. */
  readonly requestMethod: string | undefined

  constructor(params: Params) {
    const pieces: Uint8Array[][] = [[]]
    let room = MAX_ALIGNED_CONTENT_LENGTH
    let requestMethod: string | undefined
    for (const [name, value] of paramPairs(params)) {
      if (paramText(name) === 'REQUEST_METHOD') requestMethod = paramText(value)
      if (paramText(name) === 'CONTENT_LENGTH') {
        throw new LocalProtocolError(
          'CONTENT_LENGTH cannot be prepared: it belongs to each request',
          'FCGI_ERR_PARAM_INVALID',
        )
      }
      const pair = encodePair(name, value)
      if (pair.length > MAX_ALIGNED_CONTENT_LENGTH) throw pairTooLarge(name, pair.length)
      if (pair.length > room) {
        pieces.push([])
        room = MAX_ALIGNED_CONTENT_LENGTH
      }
      pieces.at(-1)!.push(pair)
      room -= pair.length
    }
    this.pieces = pieces.map(concatBytes)
    this.requestMethod = requestMethod
  }
}

/**
 * Encodes once the params that are the same for every request of a site, so that a request only pays for its own.
 * They are sent before the request's own params; php-fpm takes the last of two with one name.
 * @throws LocalProtocolError `FCGI_ERR_PARAM_INVALID`, `FCGI_ERR_PARAM_TOO_LARGE`.
 * @example
 * const site = prepareParams({ DOCUMENT_ROOT: '/srv/app', SERVER_NAME: 'example.org', GATEWAY_INTERFACE: 'CGI/1.1' })
 * await pool.execute({ prepared: site, params: { SCRIPT_FILENAME: '/srv/app/index.php' } })
 */
export function prepareParams(params: Params): PreparedParams {
  return new PreparedParams(params)
}

/** One, several or none, as a list. */
export function preparedList(
  prepared: PreparedParams | readonly PreparedParams[] | undefined,
): readonly PreparedParams[] {
  if (prepared === undefined) return NONE
  return prepared instanceof PreparedParams ? [prepared] : prepared
}

/** The error for a pair that does not fit into one record. */
export function pairTooLarge(name: ParamName, length: number): LocalProtocolError {
  return new LocalProtocolError(
    `param ${shown(name)} takes ${length} bytes, and one record holds ${MAX_ALIGNED_CONTENT_LENGTH}: ` +
      'php-fpm refuses a pair that spans two records. Set spanParams for a backend that accepts it',
    'FCGI_ERR_PARAM_TOO_LARGE',
  )
}

/** A name or value as text, for comparisons. */
export function paramText(value: ParamValue): string {
  return value instanceof Uint8Array ? text.decode(value) : String(value)
}

function paramBytes(value: ParamValue): Uint8Array {
  if (value instanceof Uint8Array) return value
  if (typeof value === 'string') return utf8.encode(value)
  if (typeof value === 'number') return utf8.encode(String(value))
  throw new TypeError(`a param must be a string, a number or bytes, not ${typeof value}`)
}

function refuseForbidden(name: Uint8Array, bytes: Uint8Array): void {
  if (!bytes.some(isForbidden)) return
  throw new LocalProtocolError(
    `param ${shown(name)} contains NUL, CR or LF, which PHP and log files would take for its end`,
    'FCGI_ERR_PARAM_INVALID',
  )
}

function isForbidden(char: number): boolean {
  return char < 0x0e && (char === 0x00 || char === 0x0a || char === 0x0d)
}

function shown(name: ParamName): string {
  return JSON.stringify(paramText(name).slice(0, 100))
}

function cutOff(bytes: Uint8Array): RemoteProtocolError {
  return new RemoteProtocolError(
    `name-value pairs of ${bytes.length} bytes end in the middle of a pair`,
  )
}
