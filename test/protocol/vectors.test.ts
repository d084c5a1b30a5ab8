// One table of golden bytes, two directions. However the bytes are cut, they say the same.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isFastCGIError, RemoteProtocolError } from '@fastcgi/client'
import { concatBytes, decodePairs, Encoder, encodePair, RecordType } from '@fastcgi/client/protocol'
import type { Role, StreamType } from '@fastcgi/client/protocol'
import { bytesOf, hex, toHex } from '../support/hex.ts'
import { byteByByte, cutsOf, decode } from '../support/record-log.ts'
import type { Decoded, Entry } from '../support/record-log.ts'
import { pairVectors, recordVectors, vectorBytes } from '../support/vectors.ts'
import type { Bytes, PairVector, RecordVector, VectorRecord } from '../support/vectors.ts'

describe('golden records', () => {
  for (const vector of recordVectors) {
    const wire = hex(vector.wire)
    test(`decodes in one chunk: ${vector.name}`, () => assertSays(vector, decode([wire])))
    test(`decodes byte by byte: ${vector.name}`, () => assertSays(vector, decode(byteByByte(wire))))
    test(`decodes cut anywhere: ${vector.name}`, () => {
      for (const parts of cutsOf(wire)) assertSays(vector, decode(parts))
    })
    if (vector.canonical) {
      test(`encodes: ${vector.name}`, () => {
        assert.equal(toHex(encodeRecords(vector.records)), toHex(wire))
      })
    }
  }

  test('name every record type, in both directions', () => {
    for (const type of Object.keys(RecordType)) {
      const canonical = recordVectors.filter((vector) => vector.canonical)
      assert.ok(canonical.some(({ records }) => records.some((record) => record.type === type)))
    }
  })

  test('say the same one after another on one connection', () => {
    const whole = recordVectors.filter(
      ({ error, atBorder }) => error === undefined && atBorder !== false,
    )
    const { entries, error } = decode([concatBytes(whole.map(({ wire }) => hex(wire)))])
    assert.equal(error, undefined)
    const messages = whole.flatMap(({ records }) => records.filter(isMessage))
    assert.deepEqual(entries.filter(isMessage), messages)
  })
})

describe('golden pairs', () => {
  for (const vector of pairVectors) {
    const wire = hex(vector.wire)
    test(`decodes: ${vector.name}`, () => {
      if (vector.error === undefined) {
        assert.deepEqual(hexPairs(decodePairs(wire)), expectedPairs(vector))
      } else {
        assert.throws(() => decodePairs(wire), remoteError(vector.error))
      }
    })
    if (vector.canonical) {
      test(`encodes: ${vector.name}`, () => {
        const encoded = vector.pairs!.map(([name, value]) =>
          encodePair(vectorBytes(name), vectorBytes(value)),
        )
        assert.equal(toHex(concatBytes(encoded)), toHex(wire))
      })
    }
  }
})

/** Whatever the cut, a vector's records, border and error are the same. */
function assertSays(vector: RecordVector, { entries, atBorder, error }: Decoded): void {
  assert.deepEqual(comparable(vector, entries), vector.records.map(expectedEntry))
  if (vector.error === undefined) {
    assert.equal(error, undefined)
    assert.equal(atBorder, vector.atBorder ?? true)
  } else {
    assert.ok(error instanceof RemoteProtocolError, `a RemoteProtocolError, not ${String(error)}`)
    assert.ok(isFastCGIError(error) && error.code === 'FCGI_ERR_REMOTE_PROTOCOL')
    assert.ok(error.message.includes(vector.error), error.message)
  }
}

/** What was decoded, with pairs read where the vector has pairs. */
function comparable(vector: RecordVector, entries: readonly Entry[]): unknown[] {
  return entries.map((entry, index) => {
    if (vector.records[index]?.pairs === undefined || !('hex' in entry)) return entry
    const { type, requestId } = entry
    return { type, requestId, pairs: hexPairs(decodePairs(hex(String(entry.hex)))) }
  })
}

function expectedEntry(record: VectorRecord): unknown {
  const { data, ...entry } = record
  if (data !== undefined) return { ...entry, hex: toHex(vectorBytes(data)) }
  return record.pairs ? { ...entry, pairs: expectedPairs({ pairs: record.pairs }) } : record
}

function expectedPairs({ pairs }: Pick<PairVector, 'pairs'>): string[][] {
  return hexPairs(
    pairs!.map(([name, value]: readonly [Bytes, Bytes]) => [name, value].map(vectorBytes)),
  )
}

function hexPairs(pairs: readonly (readonly Uint8Array[])[]): string[][] {
  return pairs.map((pair) => pair.map(toHex))
}

function isMessage({ type }: { readonly type: string }): boolean {
  return !['Params', 'Stdin', 'Stdout', 'Stderr', 'Data'].includes(type)
}

function remoteError(part: string): (error: unknown) => boolean {
  return (error) => error instanceof RemoteProtocolError && error.message.includes(part)
}

// ── records -> bytes, by the encoder under test ──

function encodeRecords(records: readonly VectorRecord[]): Uint8Array {
  const encoder = new Encoder()
  records.forEach((record, index) => {
    // Encoder.params writes the end of PARAMS itself.
    if (record.type === 'Params' && record.end && records[index - 1]?.pairs) return
    encodeRecord(encoder, record)
  })
  return encoder.take()
}

function encodeRecord(encoder: Encoder, record: VectorRecord): void {
  const { type, requestId } = record
  switch (type) {
    case 'BeginRequest':
      return encoder.beginRequest(requestId, record.role as Role, record.keepConn === true)
    case 'AbortRequest':
      return encoder.abortRequest(requestId)
    case 'EndRequest':
      return encoder.endRequest(requestId, Number(record.appStatus), Number(record.protocolStatus))
    case 'Params':
      return encoder.params(requestId, pairsOf(record))
    case 'GetValues':
      return encoder.getValues(record.names as string[])
    case 'GetValuesResult':
      return encoder.getValuesResult(record.values as [string, string][])
    case 'UnknownType':
      return encoder.unknownType(Number(record.unknownType))
    default:
      return encodeStream(encoder, record)
  }
}

function encodeStream(encoder: Encoder, { type, requestId, data, end }: VectorRecord): void {
  const streamType = RecordType[type as keyof typeof RecordType] as StreamType
  if (end) encoder.streamEnd(streamType, requestId)
  else encoder.stream(streamType, requestId, vectorBytes(data!))
}

/** Text stays text, so that the encoder's path for it is taken too. */
function pairsOf({ pairs = [] }: VectorRecord): [string | Uint8Array, string | Uint8Array][] {
  return pairs.map(([name, value]) => [textOrBytes(name), textOrBytes(value)])
}

function textOrBytes(value: Bytes): string | Uint8Array {
  return typeof value === 'string' && bytesOf(value).length === value.length
    ? value
    : vectorBytes(value)
}
