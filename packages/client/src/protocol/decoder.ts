// Bytes in, record fragments out. Rule 1: stream content is handed on as it comes, as views into the chunk; only the other records,
// which are small, are put together. Rule 2: whatever the bytes are, the outcome is a call of the sink or a RemoteProtocolError.

import { RemoteProtocolError } from '../errors.ts'
import {
  HEADER_LENGTH,
  NULL_REQUEST_ID,
  RecordType,
  VERSION,
  type StreamType,
} from './constants.ts'
import type { Message, RecordSink } from './events.ts'
import { decodePairs, paramText } from './params.ts'
import { readBeginBody, readEndBody, readUnknownTypeBody } from './record.ts'

const NO_BYTES = new Uint8Array(0)

/** Cuts a byte stream into records. Takes chunks cut anywhere; linear in their length; keeps at most one small record. */
export class Decoder {
  readonly #sink: RecordSink
  readonly #header: Uint8Array = new Uint8Array(HEADER_LENGTH)
  #headerLength = 0
  #type = 0
  #requestId = 0
  #content = 0 // bytes of content that are still to come
  #padding = 0
  #body: Uint8Array = NO_BYTES // a record that is being put together
  #bodyLength = 0
  #failure: { readonly reason: unknown } | undefined
  #stopped = false

  constructor(sink: RecordSink) {
    this.#sink = sink
  }

  /** True at the border between two records: when the bytes end here, none was cut off. */
  get atBorder(): boolean {
    return this.#headerLength === 0 && this.#content === 0 && this.#padding === 0
  }

  /** Drops the rest of the current chunk and everything after it. For a sink that has heard enough. */
  stop(): void {
    this.#stopped = true
  }

  /**
   * Takes the next bytes and calls the sink for what they complete.
   * @throws RemoteProtocolError on bytes that are not FastCGI; the decoder stays failed. What the sink throws does the same.
   */
  push(chunk: Uint8Array): void {
    if (this.#failure) throw this.#failure.reason
    try {
      let at = 0
      while (at < chunk.length && !this.#stopped) at = this.#step(chunk, at)
    } catch (error) {
      this.#failure = { reason: error }
      throw error
    }
  }

  /** Consumes at least one byte of the chunk and returns where the next one is. */
  #step(chunk: Uint8Array, at: number): number {
    if (this.#content > 0) return this.#readContent(chunk, at)
    if (this.#padding > 0) {
      const skipped = Math.min(this.#padding, chunk.length - at)
      this.#padding -= skipped
      return at + skipped
    }
    return this.#readHeader(chunk, at)
  }

  #readHeader(chunk: Uint8Array, at: number): number {
    if (this.#headerLength === 0 && chunk.length - at >= HEADER_LENGTH) {
      this.#begin(chunk, at)
      return at + HEADER_LENGTH
    }
    const taken = Math.min(HEADER_LENGTH - this.#headerLength, chunk.length - at)
    this.#header.set(chunk.subarray(at, at + taken), this.#headerLength)
    this.#headerLength += taken
    // The first byte alone tells a peer that does not speak FastCGI, also when it says less than 8 bytes.
    if (this.#header[0] !== VERSION) throw notFastCGI(this.#header, 0, this.#headerLength)
    if (this.#headerLength === HEADER_LENGTH) {
      this.#headerLength = 0
      this.#begin(this.#header, 0)
    }
    return at + taken
  }

  #begin(bytes: Uint8Array, at: number): void {
    if (bytes[at] !== VERSION) throw notFastCGI(bytes, at, HEADER_LENGTH)
    const type = bytes[at + 1]!
    const requestId = (bytes[at + 2]! << 8) | bytes[at + 3]!
    this.#type = type
    this.#requestId = requestId
    this.#content = (bytes[at + 4]! << 8) | bytes[at + 5]!
    this.#padding = bytes[at + 6]!
    if (isKnown(type) && isManagement(type) !== (requestId === NULL_REQUEST_ID)) {
      throw new RemoteProtocolError(
        `record of type ${type} with request id ${requestId}: management records have id 0, all others do not`,
      )
    }
    if (this.#content === 0) this.#end()
  }

  #readContent(chunk: Uint8Array, at: number): number {
    const available = chunk.length - at
    const taken = this.#content < available ? this.#content : available
    const whole = taken === this.#content && this.#bodyLength === 0
    const end = at + taken
    if (isStream(this.#type)) {
      this.#content -= taken
      this.#sink.onStream(this.#type, this.#requestId, chunk.subarray(at, end))
      return end
    }
    if (isKnown(this.#type)) {
      if (whole) this.#body = chunk.subarray(at, end)
      else this.#collect(chunk.subarray(at, end))
    }
    this.#content -= taken
    if (this.#content === 0) this.#end()
    return end
  }

  #collect(part: Uint8Array): void {
    if (this.#bodyLength === 0) this.#body = new Uint8Array(this.#content)
    this.#body.set(part, this.#bodyLength)
    this.#bodyLength += part.length
  }

  /** A record without content, or one that is not part of a stream and has come to its end. */
  #end(): void {
    const body = this.#body
    this.#body = NO_BYTES
    this.#bodyLength = 0
    if (isStream(this.#type)) this.#sink.onStreamEnd(this.#type, this.#requestId)
    else this.#sink.onMessage(readMessage(this.#type, this.#requestId, body))
  }
}

function readMessage(type: number, requestId: number, body: Uint8Array): Message {
  switch (type) {
    case RecordType.BeginRequest:
      return readBeginBody(requestId, body)
    case RecordType.AbortRequest:
      return { type, requestId }
    case RecordType.EndRequest:
      return readEndBody(requestId, body)
    case RecordType.GetValues:
      return { type, requestId: 0, names: decodePairs(body).map(([name]) => paramText(name)) }
    case RecordType.GetValuesResult:
      return { type, requestId: 0, values: readValues(body) }
    case RecordType.UnknownType:
      return readUnknownTypeBody(body)
    default:
      return { type: 'unknown', requestId, recordType: type }
  }
}

function readValues(body: Uint8Array): Map<string, string> {
  return new Map(decodePairs(body).map(([name, value]) => [paramText(name), paramText(value)]))
}

function isStream(type: number): type is StreamType {
  return type >= RecordType.Params && type <= RecordType.Data
}

function isManagement(type: number): boolean {
  return type >= RecordType.GetValues
}

function isKnown(type: number): boolean {
  return type >= RecordType.BeginRequest && type <= RecordType.UnknownType
}

function notFastCGI(bytes: Uint8Array, at: number, length: number): RemoteProtocolError {
  const start = bytes.subarray(at, at + length)
  const shown = Array.from(start, (byte) =>
    byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.',
  ).join('')
  const hint = shown.startsWith('HTTP') ? ': the peer speaks HTTP, not FastCGI' : ''
  return new RemoteProtocolError(
    `not a FastCGI record: version ${start[0]} in ${JSON.stringify(shown)}${hint}`,
  )
}
