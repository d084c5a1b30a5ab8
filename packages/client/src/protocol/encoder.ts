// Records out. Rule 1: a PARAMS record holds whole pairs, and content and padding of any record together stay within 65,535 bytes:
// php-fpm resets the connection otherwise. Rule 2: what take() returned is never written to again.
//
//  slab: | taken | taken | header content padding header …   free            |
//                        ^ #start                        ^ #at                one slab serves many requests

import { LocalProtocolError } from '../errors.ts'
import { concatBytes } from './bytes.ts'
import {
  HEADER_LENGTH,
  MAX_ALIGNED_CONTENT_LENGTH,
  NULL_REQUEST_ID,
  RecordType,
  type Role,
  type StreamType,
} from './constants.ts'
import {
  encodePair,
  lengthOfLength,
  pairTooLarge,
  paramPairs,
  preparedList,
  writeAscii,
  writeLength,
  type ParamName,
  type Params,
  type ParamValue,
  type PreparedParams,
} from './params.ts'
import { paddingFor, writeBeginBody, writeEndBody, writeHeader } from './record.ts'

const SLAB_LENGTH = 64 * 1024
// Two length fields of 4 bytes.
const MAX_LENGTHS = 8

/** How {@link Encoder.params} treats what one record cannot hold. */
export interface ParamsEncoding {
  /** Params that were encoded before; they come first. */
  prepared?: PreparedParams | readonly PreparedParams[] | undefined
  /** Appended as CONTENT_LENGTH when given. */
  contentLength?: number | undefined
  /** Lets a pair continue in the next record: legal, but php-fpm resets the connection. @default false */
  span?: boolean | undefined
}

/** Writes records of both sides into one growing buffer; {@link Encoder.take} hands over what has been written. */
export class Encoder {
  #slab: Uint8Array = new Uint8Array(0)
  #start = 0
  #at = 0
  #recordAt = 0
  #limit = 0 // where the slab or the open record ends, whichever comes first
  #readingParams = false // inside of code that is not ours: getters and iterators of the params

  /** Everything written since the last call, as bytes that now belong to the caller. */
  take(): Uint8Array {
    this.#refuseReentry()
    const bytes = this.#slab.subarray(this.#start, this.#at)
    this.#start = this.#at
    return bytes
  }

  /** Forgets what was written since the last {@link take}. */
  discard(): void {
    // Who was refused below cleans up like this; what is half written is not theirs.
    if (this.#readingParams) return
    this.#at = this.#start
  }

  /** BEGIN_REQUEST (§5.1). */
  beginRequest(requestId: number, role: Role, keepConn: boolean): void {
    const at = this.#fixed(RecordType.BeginRequest, requestId)
    writeBeginBody(this.#slab, at, role, keepConn)
  }

  /** ABORT_REQUEST (§5.4). */
  abortRequest(requestId: number): void {
    this.#header(RecordType.AbortRequest, requestId, 0)
  }

  /** END_REQUEST (§5.5). `appStatus` is taken modulo 2³². */
  endRequest(requestId: number, appStatus: number, protocolStatus: number): void {
    const at = this.#fixed(RecordType.EndRequest, requestId)
    writeEndBody(this.#slab, at, appStatus, protocolStatus)
  }

  /** UNKNOWN_TYPE (§4.2). */
  unknownType(type: number): void {
    const at = this.#fixed(RecordType.UnknownType, NULL_REQUEST_ID)
    this.#slab.fill(0, at, at + 8)
    this.#slab[at] = type
  }

  /** GET_VALUES (§4.1). @throws LocalProtocolError when the names do not fit into one record. */
  getValues(names: Iterable<string>): void {
    this.#pairsRecord(
      RecordType.GetValues,
      Array.from(names, (name) => [name, ''] as const),
    )
  }

  /** GET_VALUES_RESULT (§4.1). @throws LocalProtocolError when the values do not fit into one record. */
  getValuesResult(values: Iterable<readonly [string, string]>): void {
    this.#pairsRecord(RecordType.GetValuesResult, values)
  }

  /**
   * All PARAMS records of a request, the empty one that ends them included.
   * @throws LocalProtocolError `FCGI_ERR_PARAM_INVALID`, `FCGI_ERR_PARAM_TOO_LARGE`; what was written since the last {@link take} is
   * forgotten then, the request's beginning included.
   */
  params(requestId: number, params: Params, encoding: ParamsEncoding = {}): void {
    this.#refuseReentry()
    this.#openRecord()
    this.#readingParams = true
    try {
      for (const prepared of preparedList(encoding.prepared)) {
        for (const piece of prepared.pieces) this.#rawPairs(requestId, piece)
      }
      this.#ownPairs(requestId, params, encoding.span === true)
    } catch (error) {
      this.#at = this.#start
      throw error
    } finally {
      this.#readingParams = false
    }
    if (encoding.contentLength !== undefined) {
      this.#pair(requestId, 'CONTENT_LENGTH', String(encoding.contentLength), false)
    }
    this.#closeRecord(RecordType.Params, requestId)
    this.#header(RecordType.Params, requestId, 0)
  }

  /** Stream records with `data`, as many as it takes; none for no bytes, since an empty record would end the stream (§3.3). */
  stream(type: StreamType, requestId: number, data: Uint8Array): void {
    for (let from = 0; from < data.length; from += MAX_ALIGNED_CONTENT_LENGTH) {
      const content = data.subarray(from, from + MAX_ALIGNED_CONTENT_LENGTH)
      this.streamHeader(type, requestId, content.length)
      this.#append(content)
      this.#pad(content.length)
    }
  }

  /** The empty record that ends a stream (§3.3). */
  streamEnd(type: StreamType, requestId: number): void {
    this.#header(type, requestId, 0)
  }

  /** Only the header of a stream record, for a caller that writes the content itself, then {@link padding}. */
  streamHeader(type: StreamType, requestId: number, contentLength: number): void {
    this.#header(type, requestId, contentLength)
  }

  /** The padding after `contentLength` bytes of content. */
  padding(contentLength: number): void {
    this.#refuseReentry()
    this.#pad(contentLength)
  }

  #pad(contentLength: number): void {
    const length = paddingFor(contentLength)
    this.#reserve(length)
    // At most seven bytes: a loop costs less than a call of fill.
    for (let index = 0; index < length; index++) this.#slab[this.#at++] = 0
  }

  #ownPairs(requestId: number, params: Params, span: boolean): void {
    if (Symbol.iterator in params) {
      for (const [name, value] of paramPairs(params)) this.#pair(requestId, name, value, span)
      return
    }
    for (const name of Object.keys(params)) {
      const value = params[name]
      if (value !== undefined) this.#pair(requestId, name, value, span)
    }
  }

  #pair(requestId: number, name: ParamName, value: ParamValue, span: boolean): void {
    if (typeof name === 'string' && typeof value === 'string') {
      if (this.#asciiPair(requestId, name, value)) return
    }
    const pair = encodePair(name, value)
    if (pair.length <= MAX_ALIGNED_CONTENT_LENGTH) this.#rawPairs(requestId, pair)
    else if (span) this.#spanningPair(requestId, pair)
    else throw pairTooLarge(name, pair.length)
  }

  /** The fast path: true when both are ASCII and the pair fits into a record, false (and nothing written) otherwise. */
  #asciiPair(requestId: number, name: string, value: string): boolean {
    if (this.#at + name.length + value.length + MAX_LENGTHS > this.#limit) {
      const lengths = lengthOfLength(name.length) + lengthOfLength(value.length)
      const size = lengths + name.length + value.length
      if (size > MAX_ALIGNED_CONTENT_LENGTH) return false
      this.#makeRoom(requestId, size)
    }
    const slab = this.#slab
    let at = writeLength(slab, writeLength(slab, this.#at, name.length), value.length)
    at = writeAscii(slab, at, name)
    if (at < 0) return false
    at = writeAscii(slab, at, value)
    if (at < 0) return false
    this.#at = at
    return true
  }

  #rawPairs(requestId: number, pairs: Uint8Array): void {
    this.#makeRoom(requestId, pairs.length)
    this.#append(pairs)
  }

  #spanningPair(requestId: number, pair: Uint8Array): void {
    for (let from = 0; from < pair.length;) {
      if (this.#roomInRecord() === 0) this.#nextRecord(requestId)
      const part = pair.subarray(from, from + this.#roomInRecord())
      this.#rawPairs(requestId, part)
      from += part.length
    }
  }

  /** Makes sure that `size` more bytes fit into the buffer and into the PARAMS record that is open. */
  #makeRoom(requestId: number, size: number): void {
    if (size > this.#roomInRecord()) this.#nextRecord(requestId)
    this.#reserve(size)
  }

  #roomInRecord(): number {
    return MAX_ALIGNED_CONTENT_LENGTH - (this.#at - this.#recordAt - HEADER_LENGTH)
  }

  #nextRecord(requestId: number): void {
    this.#closeRecord(RecordType.Params, requestId)
    this.#openRecord()
  }

  /** Leaves room for a header whose length is not known yet; {@link #closeRecord} fills it in. */
  #openRecord(): void {
    this.#reserve(HEADER_LENGTH)
    this.#recordAt = this.#at
    this.#at += HEADER_LENGTH
    this.#limitRecord()
  }

  /** Completes the open record, or takes it back when it is empty. */
  #closeRecord(type: number, requestId: number): void {
    const length = this.#at - this.#recordAt - HEADER_LENGTH
    if (length === 0) {
      this.#at = this.#recordAt
      return
    }
    writeHeader(this.#slab, this.#recordAt, type, requestId, length)
    this.#pad(length)
  }

  #pairsRecord(type: number, pairs: Iterable<readonly [string, string]>): void {
    // Before anything is written: names that are refused, or an iterator that throws, must leave nothing behind.
    const content = concatBytes(Array.from(pairs, ([name, value]) => encodePair(name, value)))
    if (content.length > MAX_ALIGNED_CONTENT_LENGTH) {
      throw new LocalProtocolError('the variables do not fit into one management record')
    }
    // Unlike a stream's, an empty management record says something: no names, or no variables known.
    this.#header(type, NULL_REQUEST_ID, content.length)
    this.#append(content)
    this.#pad(content.length)
  }

  /** A header for 8 bytes of content, and where to write them. */
  #fixed(type: number, requestId: number): number {
    this.#reserve(HEADER_LENGTH + 8)
    this.#header(type, requestId, 8)
    this.#at += 8
    return this.#at - 8
  }

  #header(type: number, requestId: number, contentLength: number): void {
    this.#refuseReentry()
    if ((requestId | contentLength) >>> 16 !== 0) {
      throw new LocalProtocolError(
        `request id ${requestId} and content length ${contentLength} must fit into 16 bits`,
      )
    }
    this.#reserve(HEADER_LENGTH)
    writeHeader(this.#slab, this.#at, type, requestId, contentLength)
    this.#at += HEADER_LENGTH
  }

  #refuseReentry(): void {
    if (!this.#readingParams) return
    throw new LocalProtocolError('a getter or iterator of the params used the encoder they are for')
  }

  #append(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#slab.set(bytes, this.#at)
    this.#at += bytes.length
  }

  /** Makes room for `size` bytes after `#at`. What has not been taken moves to a new slab when this one is full. */
  #reserve(size: number): void {
    if (this.#at + size <= this.#slab.length) return
    const pending = this.#at - this.#start
    const slab = new Uint8Array(Math.max(SLAB_LENGTH, 2 * (pending + size)))
    slab.set(this.#slab.subarray(this.#start, this.#at))
    this.#recordAt -= this.#start
    this.#slab = slab
    this.#start = 0
    this.#at = pending
    this.#limitRecord()
  }

  #limitRecord(): void {
    const end = this.#recordAt + HEADER_LENGTH + MAX_ALIGNED_CONTENT_LENGTH
    this.#limit = Math.min(this.#slab.length, end)
  }
}
