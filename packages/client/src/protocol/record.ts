// Headers and fixed bodies <-> bytes. Nothing here remembers anything between two calls.
//
//  |  0     |  1   |  2  3     |  4  5         |  6           |  7       |
//  | version| type | requestId | contentLength | paddingLength| reserved | content | padding |

import { RemoteProtocolError } from '../errors.ts'
import { KEEP_CONN, RecordType, VERSION } from './constants.ts'
import type { BeginRequest, EndRequest, UnknownType } from './events.ts'

/** How many bytes bring `length` to a multiple of 8, the alignment that the specification recommends (§3.3). */
export function paddingFor(length: number): number {
  return -length & 7
}

/** Writes a header at `out[at]`; the caller has made room for 8 bytes. */
export function writeHeader(
  out: Uint8Array,
  at: number,
  type: number,
  requestId: number,
  contentLength: number,
): void {
  out[at] = VERSION
  out[at + 1] = type
  out[at + 2] = requestId >>> 8
  out[at + 3] = requestId
  out[at + 4] = contentLength >>> 8
  out[at + 5] = contentLength
  out[at + 6] = paddingFor(contentLength)
  out[at + 7] = 0
}

/** Writes the 8 bytes of a BEGIN_REQUEST body (§5.1). */
export function writeBeginBody(out: Uint8Array, at: number, role: number, keepConn: boolean): void {
  writeUint32(out, at, (role << 16) | (keepConn ? KEEP_CONN << 8 : 0))
  writeUint32(out, at + 4, 0)
}

/** Writes the 8 bytes of an END_REQUEST body (§5.5). */
export function writeEndBody(
  out: Uint8Array,
  at: number,
  appStatus: number,
  protocolStatus: number,
): void {
  writeUint32(out, at, appStatus)
  writeUint32(out, at + 4, protocolStatus << 24)
}

/** Reads a BEGIN_REQUEST body. @throws RemoteProtocolError unless it has 8 bytes. */
export function readBeginBody(requestId: number, body: Uint8Array): BeginRequest {
  requireLength('BEGIN_REQUEST', body, 8)
  return {
    type: RecordType.BeginRequest,
    requestId,
    role: (body[0]! << 8) | body[1]!,
    keepConn: (body[2]! & KEEP_CONN) !== 0,
  }
}

/** Reads an END_REQUEST body. @throws RemoteProtocolError unless it has 8 bytes. */
export function readEndBody(requestId: number, body: Uint8Array): EndRequest {
  requireLength('END_REQUEST', body, 8)
  return {
    type: RecordType.EndRequest,
    requestId,
    appStatus: readUint32(body, 0),
    protocolStatus: body[4]!,
  }
}

/** Reads an UNKNOWN_TYPE body. @throws RemoteProtocolError unless it has 8 bytes. */
export function readUnknownTypeBody(body: Uint8Array): UnknownType {
  requireLength('UNKNOWN_TYPE', body, 8)
  return { type: RecordType.UnknownType, requestId: 0, unknownType: body[0]! }
}

/** Reads 4 bytes, the most significant first, as an unsigned number. */
export function readUint32(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
  )
}

/** Writes a number into 4 bytes, the most significant first. */
export function writeUint32(out: Uint8Array, at: number, value: number): void {
  out[at] = value >>> 24
  out[at + 1] = value >>> 16
  out[at + 2] = value >>> 8
  out[at + 3] = value
}

function requireLength(name: string, body: Uint8Array, length: number): void {
  if (body.length === length) return
  throw new RemoteProtocolError(
    `${name} record of ${body.length} content bytes: it must have ${length}`,
  )
}
