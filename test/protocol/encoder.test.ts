// What our side writes: php-fpm's two rules, and nothing left behind when something is refused.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { LocalProtocolError } from '@fastcgi/client'
import {
  decodePairs,
  Encoder,
  HEADER_LENGTH,
  MAX_ALIGNED_CONTENT_LENGTH,
  RecordType,
  Role,
} from '@fastcgi/client/protocol'
import { hex, toHex } from '../support/hex.ts'
import { decode } from '../support/record-log.ts'
import { readRecords } from '../support/records.ts'

describe('stream content', () => {
  test('is split into aligned records, as many as it takes', () => {
    const data = Uint8Array.from({ length: 200_001 }, (_, index) => index)
    const wire = encoded((encoder) => encoder.stream(RecordType.Stdin, 7, data))
    const records = readRecords(wire)
    assert.deepEqual(
      records.map(({ content, padding }) => [content.length, padding]),
      [
        [65_528, 0],
        [65_528, 0],
        [65_528, 0],
        [3417, 7],
      ],
    )
    assert.ok(records.every(({ type, requestId }) => type === RecordType.Stdin && requestId === 7))
    assert.deepEqual(decode([wire]).entries, [{ type: 'Stdin', requestId: 7, hex: toHex(data) }])
  })

  test('of no bytes is no record, because an empty one would end the stream', () => {
    assert.equal(encoded((encoder) => encoder.stream(RecordType.Stdin, 1, hex(''))).length, 0)
  })

  test('can be written by the caller, between a header and its padding', () => {
    const encoder = new Encoder()
    encoder.streamHeader(RecordType.Data, 1, 3)
    const header = encoder.take()
    encoder.padding(3)
    const padding = encoder.take()
    assert.equal(toHex(header), toHex(hex('01 08 00 01 00 03 05 00')))
    assert.equal(toHex(padding), toHex(hex('00*5')))
  })

  test('is padded with zeros, also where the buffer was used before', () => {
    const encoder = new Encoder()
    encoder.stream(RecordType.Stdin, 1, hex('FF*64'))
    encoder.discard()
    encoder.stream(RecordType.Stdin, 1, hex('FF'))
    assert.equal(toHex(encoder.take()), toHex(hex('01 05 00 01 00 01 07 00 FF 00*7')))
  })
})

describe('fixed bodies', () => {
  test('are zero where reserved, also where the buffer was used before', () => {
    const encoder = new Encoder()
    encoder.stream(RecordType.Stdin, 1, hex('FF*64'))
    encoder.discard()
    encoder.beginRequest(1, Role.Responder, false)
    encoder.endRequest(1, 0, 0)
    encoder.unknownType(9)
    const bodies = readRecords(encoder.take()).map(({ content }) => toHex(content))
    assert.deepEqual(
      bodies,
      ['00 01 00*6', '00*8', '09 00*7'].map((body) => toHex(hex(body))),
    )
  })

  test('take a negative exit status modulo 2³²', () => {
    const [record] = readRecords(encoded((encoder) => encoder.endRequest(1, -1, 0)))
    assert.equal(toHex(record!.content), 'ff ff ff ff 00 00 00 00')
  })
})

describe('headers', () => {
  test('refuse a request id or a length that does not fit, rather than cut it', () => {
    const encoder = new Encoder()
    for (const id of [65_536, -1]) {
      assert.throws(() => encoder.streamEnd(RecordType.Stdin, id), {
        code: 'FCGI_ERR_LOCAL_PROTOCOL',
      })
    }
    assert.throws(() => encoder.streamHeader(RecordType.Stdin, 1, 65_536), /16 bits/)
    encoder.streamEnd(RecordType.Stdin, 65_535)
    assert.equal(encoder.take().length, 8)
  })
})

describe('the buffer', () => {
  test('hands over what was written since the last time, and nothing twice', () => {
    const encoder = new Encoder()
    assert.equal(encoder.take().length, 0)
    encoder.abortRequest(1)
    assert.equal(toHex(encoder.take()), toHex(hex('01 02 00 01 00*4')))
    assert.equal(encoder.take().length, 0)
    encoder.abortRequest(2)
    assert.equal(toHex(encoder.take()), toHex(hex('01 02 00 02 00*4')))
  })

  test('never writes again into what it handed over, whatever follows', () => {
    const encoder = new Encoder()
    const taken: { bytes: Uint8Array; was: string }[] = []
    for (let round = 0; round < 400; round++) {
      encoder.beginRequest(1, Role.Responder, true)
      encoder.params(1, { ROUND: round, FILLER: 'x'.repeat((round * 37) % 1500) })
      encoder.stream(RecordType.Stdin, 1, new Uint8Array((round * 113) % 2000).fill(round))
      if (round % 5 === 0) encoder.discard()
      if (round % 7 === 0) assert.throws(() => encoder.params(1, { A: '1', B: '\n' }))
      const bytes = encoder.take()
      taken.push({ bytes, was: toHex(bytes) })
    }
    for (const { bytes, was } of taken) assert.equal(toHex(bytes), was)
    assert.ok(new Set(taken.map(({ bytes }) => bytes.buffer)).size > 3, 'several slabs were used')
  })

  test('serves many small requests from one allocation', () => {
    const encoder = new Encoder()
    const buffers = new Set<ArrayBufferLike>()
    for (let request = 0; request < 100; request++) {
      encoder.params(1, { REQUEST: request })
      buffers.add(encoder.take().buffer)
    }
    assert.equal(buffers.size, 1)
  })

  test('has room for every kind of record, wherever its end is', () => {
    const writes: ((encoder: Encoder) => void)[] = [
      (encoder) => encoder.beginRequest(1, Role.Responder, true),
      (encoder) => encoder.endRequest(1, 1, 1),
      (encoder) => encoder.unknownType(99),
      (encoder) => encoder.abortRequest(1),
      (encoder) =>
        encoder.params(1, [
          ['A', '1'],
          ['B', 'é'],
        ]),
      (encoder) => encoder.stream(RecordType.Stdin, 1, hex('FF FE FD')),
      (encoder) => encoder.getValues(['A']),
      (encoder) => encoder.padding(1),
    ]
    for (const write of writes) {
      const expected = toHex(encoded(write))
      for (let left = 0; left <= 48; left++) {
        const encoder = new Encoder()
        encoder.abortRequest(1)
        const begin = encoder.take().buffer.byteLength - left
        // 16 bytes of headers, then content in eights, then paddings of one byte.
        encoder.stream(RecordType.Stdin, 1, new Uint8Array(begin - (begin % 8) - 16))
        for (let odd = begin % 8; odd > 0; odd--) encoder.padding(7)
        const before = encoder.take()
        assert.equal(before.byteOffset + before.length, begin)
        write(encoder)
        assert.equal(toHex(encoder.take()), expected)
      }
    }
  })

  test('grows while a record is open, and keeps it', () => {
    const encoder = new Encoder()
    encoder.stream(RecordType.Stdin, 1, new Uint8Array(65_000).fill(1))
    const stdin = encoder.take()
    // The PARAMS record begins near the end of the first slab, and is moved with its header still unwritten.
    const params = Array.from({ length: 300 }, (_, index) => [`P${index}`, 'v'.repeat(20)] as const)
    encoder.abortRequest(9)
    encoder.params(1, params)
    const wire = encoder.take()
    assert.notEqual(wire.buffer, stdin.buffer)
    assert.equal(toHex(wire.subarray(0, 8)), toHex(hex('01 02 00 09 00*4')))
    assert.deepEqual(textPairs(wire.subarray(8)), params)
  })

  test('grows for more than one slab at once', () => {
    const data = new Uint8Array(1_000_000).fill(7)
    const wire = encoded((encoder) => encoder.stream(RecordType.Stdin, 1, data))
    const total = readRecords(wire).reduce((sum, { content }) => sum + content.length, 0)
    assert.equal(total, data.length)
  })

  test('forgets on request what was not taken, and only that', () => {
    const encoder = new Encoder()
    encoder.abortRequest(1)
    const kept = encoder.take()
    encoder.abortRequest(2)
    encoder.discard()
    encoder.abortRequest(3)
    assert.equal(toHex(kept), toHex(hex('01 02 00 01 00*4')))
    assert.equal(toHex(encoder.take()), toHex(hex('01 02 00 03 00*4')))
  })
})

describe('management records', () => {
  test('refuse more names than one record holds, and keep what was written before', () => {
    const names = Array.from({ length: 700 }, (_, index) => `${'N'.repeat(100)}${index}`)
    assertKeepsNothing((encoder) => encoder.getValues(names), 'FCGI_ERR_LOCAL_PROTOCOL')
  })

  test('hold exactly one record of names, and not one byte more', () => {
    const name = 'N'.repeat(MAX_ALIGNED_CONTENT_LENGTH - 5)
    const [record] = readRecords(encoded((encoder) => encoder.getValues([name])))
    assert.equal(record!.content.length, MAX_ALIGNED_CONTENT_LENGTH)
    assertKeepsNothing((encoder) => encoder.getValues([`${name}N`]), 'FCGI_ERR_LOCAL_PROTOCOL')
  })

  test('refuse a name with NUL, and keep what was written before', () => {
    assertKeepsNothing((encoder) => encoder.getValues(['A', 'B\0']), 'FCGI_ERR_PARAM_INVALID')
    assertKeepsNothing(
      (encoder) => encoder.getValuesResult(new Map([['A', '1\n']])),
      'FCGI_ERR_PARAM_INVALID',
    )
  })

  test('leave nothing behind of an iterator that throws', () => {
    const encoder = new Encoder()
    assert.throws(() => encoder.getValues(oneThenFailure()), RangeError)
    assert.equal(encoder.take().length, 0)
  })
})

function* oneThenFailure(): Generator<string> {
  yield 'A'
  throw new RangeError('no more')
}

/** An error of this code, and the encoder as it was. */
function assertKeepsNothing(write: (encoder: Encoder) => void, code: string): void {
  const encoder = new Encoder()
  encoder.abortRequest(1)
  assert.throws(() => write(encoder), { name: LocalProtocolError.name, code })
  encoder.abortRequest(2)
  assert.equal(toHex(encoder.take()), toHex(hex('01 02 00 01 00*4 01 02 00 02 00*4')))
}

function encoded(write: (encoder: Encoder) => void): Uint8Array {
  const encoder = new Encoder()
  write(encoder)
  return encoder.take()
}

function textPairs(wire: Uint8Array): string[][] {
  const decoder = new TextDecoder()
  return readRecords(wire)
    .filter(({ content }) => content.length >= HEADER_LENGTH)
    .flatMap(({ content }) => decodePairs(content))
    .map((pair) => pair.map((bytes) => decoder.decode(bytes)))
}
