// What arrives is handed on as it comes; what is not FastCGI is said, once and for good.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { RemoteProtocolError } from '@fastcgi/client'
import { Decoder, RecordType } from '@fastcgi/client/protocol'
import type { Message, RecordSink } from '@fastcgi/client/protocol'
import { bytesOf, chunks, hex, join, textOf, toHex } from '../support/hex.ts'
import { byteByByte, decode, RecordLog } from '../support/record-log.ts'
import { record } from '../support/records.ts'

const NOTHING: RecordSink = { onStream() {}, onStreamEnd() {}, onMessage() {} }

describe('a fragment of a stream', () => {
  test('is handed out at once, without waiting for its record', () => {
    const seen: string[] = []
    const decoder = new Decoder({
      ...NOTHING,
      onStream: (type, requestId, data) => seen.push(`${type}/${requestId} ${textOf(data)}`),
    })
    const heard = chunks(
      '01 06 00 01|00 06 02 00|61|62 63|64 65 66 00|00 01 07 00 02 00 01 00 00 21',
    ).map((chunk) => {
      decoder.push(chunk)
      return seen.splice(0).join(',')
    })
    assert.deepEqual(heard, ['', '', '6/1 a', '6/1 bc', '6/1 def', '7/2 !'])
  })

  test('is a view into the chunk, not a copy', () => {
    const views: Uint8Array[] = []
    const decoder = new Decoder({ ...NOTHING, onStream: (_type, _id, data) => views.push(data) })
    const chunk = join([record(6, 1, bytesOf('abc'), 5), record(7, 1, bytesOf('de'))])
    decoder.push(chunk)
    assert.deepEqual(
      views.map((view) => [view.buffer === chunk.buffer, view.byteOffset, view.length]),
      [
        [true, chunk.byteOffset + 8, 3],
        [true, chunk.byteOffset + 24, 2],
      ],
    )
  })

  test('has at least one byte, and the sum of them all is the content', () => {
    const content = new Uint8Array(1000).fill(7)
    const wire = record(6, 1, content, 3)
    for (const size of [1, 7, 8, 9, 500, 2000]) {
      const lengths: number[] = []
      const onStream: RecordSink['onStream'] = (_type, _id, data) => lengths.push(data.length)
      const decoder = new Decoder({ ...NOTHING, onStream })
      for (let at = 0; at < wire.length; at += size) decoder.push(wire.subarray(at, at + size))
      assert.ok(lengths.every((length) => length > 0))
      assert.equal(
        lengths.reduce((sum, length) => sum + length),
        1000,
      )
      assert.ok(lengths.length <= Math.ceil(1000 / size) + 1)
    }
  })
})

describe('the work', () => {
  test('is one call of the sink per record, however many come in one chunk', () => {
    for (const count of [10, 1000, 100_000]) {
      const empty = record(RecordType.Stdout, 1)
      const wire = new Uint8Array(count * empty.length)
      for (let at = 0; at < wire.length; at += empty.length) wire.set(empty, at)
      let calls = 0
      const decoder = new Decoder({
        ...NOTHING,
        onStreamEnd() {
          calls++
        },
      })
      decoder.push(wire)
      assert.equal(calls, count)
      assert.ok(decoder.atBorder)
    }
  })

  test('keeps nothing of a stream: a record is not one piece even when all of it came', () => {
    const content = new Uint8Array(65_535)
    const wire = join([record(6, 1, content), record(6, 1, content)])
    const buffers = new Set<ArrayBufferLike>()
    const onStream: RecordSink['onStream'] = (_type, _id, data) => buffers.add(data.buffer)
    const decoder = new Decoder({ ...NOTHING, onStream })
    const pushed: ArrayBufferLike[] = []
    for (let at = 0; at < wire.length; at += 1000) {
      const chunk = wire.slice(at, at + 1000)
      pushed.push(chunk.buffer)
      decoder.push(chunk)
    }
    assert.ok([...buffers].every((buffer) => pushed.includes(buffer)))
  })

  test('of skipping content of unknown records and padding is no call at all', () => {
    const { calls, atBorder } = decode(byteByByte(record(99, 0, new Uint8Array(300), 255)))
    assert.equal(calls, 1)
    assert.ok(atBorder)
  })

  test('does nothing for empty chunks', () => {
    const { entries, error } = decode(chunks('|01 06 00 01||00 01 00 00||61|'))
    assert.equal(error, undefined)
    assert.deepEqual(entries, [{ type: 'Stdout', requestId: 1, hex: '61' }])
  })
})

describe('a message', () => {
  test('cut in two does not leak into the next one', () => {
    const messages: Message[] = []
    const decoder = new Decoder({ ...NOTHING, onMessage: (message) => messages.push(message) })
    for (const chunk of chunks(
      '01 03 00 01 00 08 00 00 00 00|00 05 00 00 00 00 01 03 00 02 00 08 00 00|00 00 00 06 00|00 00 00 01 02 00 03 00 00 00 00',
    )) {
      decoder.push(chunk)
    }
    assert.deepEqual(messages, [
      { type: RecordType.EndRequest, requestId: 1, appStatus: 5, protocolStatus: 0 },
      { type: RecordType.EndRequest, requestId: 2, appStatus: 6, protocolStatus: 0 },
      { type: RecordType.AbortRequest, requestId: 3 },
    ])
  })

  test('of the largest size is put together from any pieces', () => {
    const value = 'v'.repeat(65_535 - 6)
    const body = join([hex('01 80 00 FF F9 4E'), bytesOf(value)])
    const wire = record(RecordType.GetValuesResult, 0, body)
    for (const size of [1, 1000, 65_536]) {
      const parts: Uint8Array[] = []
      for (let at = 0; at < wire.length; at += size) parts.push(wire.subarray(at, at + size))
      const { entries, calls } = decode(parts)
      assert.deepEqual(entries, [{ type: 'GetValuesResult', requestId: 0, values: [['N', value]] }])
      assert.equal(calls, 1)
    }
  })
})

describe('the border', () => {
  test('is where a record, its padding included, has ended', () => {
    const decoder = new Decoder(NOTHING)
    const wire = record(6, 1, bytesOf('ab'), 3)
    const borders = Array.from(byteByByte(wire), (byte) => {
      decoder.push(byte)
      return decoder.atBorder
    })
    assert.deepEqual(borders, [...Array.from({ length: wire.length - 1 }, () => false), true])
  })

  test('is there before the first byte', () => {
    assert.ok(new Decoder(NOTHING).atBorder)
  })
})

describe('a peer that does not speak FastCGI', () => {
  const banners: [string, string, RegExp][] = [
    ['HTTP', 'HTTP/1.1 400 Bad Request\r\n', /"HTTP\/1\.1": the peer speaks HTTP, not FastCGI/],
    ['HTTP, cut after 4 bytes', 'HTTP', /"HTTP": the peer speaks HTTP, not FastCGI/],
    ['SSH', 'SSH-2.0-OpenSSH\r\n', /version 83 in "SSH-2\.0-"$/],
    ['SMTP, 4 bytes', '220 ', /version 50 in "220 "$/],
    ['a line of text of 1 byte', '\n', /version 10 in "\."$/],
    ['quotes and control characters', '"\u0007\u001b[2J', /version 34 in "\\"\.\.\[2J"$/],
    ['bytes beyond ASCII', 'ÿ~\u007f', /version 195 in "\.\.~\."$/],
  ]
  for (const [what, banner, message] of banners) {
    test(`is named by what it says: ${what}`, () => {
      const { error, entries } = decode([bytesOf(banner)])
      assert.ok(error instanceof RemoteProtocolError)
      assert.match(error.message, message)
      assert.deepEqual(entries, [])
    })
  }

  test('is found by its first byte', () => {
    const { error } = decode([bytesOf('S')])
    assert.ok(error instanceof RemoteProtocolError)
  })

  test('is found after a record that came in pieces', () => {
    const { error } = decode(chunks('01 06 00 01 00|00 00 00 02'))
    assert.ok(error instanceof RemoteProtocolError)
    assert.match(error.message, /version 2 in "\."$/)
  })
})

describe('a decoder that failed', () => {
  test('says the same error again and calls the sink no more', () => {
    const log = new RecordLog()
    const decoder = new Decoder(log)
    const first = failure(() => decoder.push(hex('02')))
    const again = failure(() => decoder.push(record(6, 1, bytesOf('a'))))
    assert.ok(first instanceof RemoteProtocolError)
    assert.equal(again, first)
    assert.equal(log.calls, 0)
  })

  for (const reason of [new RangeError('mine'), 'a string', undefined]) {
    for (const callback of ['onStream', 'onStreamEnd', 'onMessage'] as const) {
      test(`stays failed when its sink threw ${String(reason)} in ${callback}`, () => {
        let calls = 0
        const thrower = (): void => {
          calls++
          throw reason
        }
        const decoder = new Decoder({ ...NOTHING, [callback]: thrower })
        const wire = join([
          record(RecordType.Stdout, 1, bytesOf('a')),
          record(RecordType.Stdout, 1),
          record(RecordType.AbortRequest, 1),
        ])
        let thrown = 0
        for (let round = 0; round < 2; round++) {
          try {
            decoder.push(wire)
          } catch (error) {
            thrown++
            assert.equal(error, reason)
          }
        }
        assert.deepEqual([thrown, calls], [2, 1])
      })
    }
  }
})

describe('a decoder that was stopped', () => {
  test('by its sink drops the rest of the chunk and all that follows, without an error', () => {
    const seen: string[] = []
    const decoder = new Decoder({
      ...NOTHING,
      onStream: (_type, _id, data) => {
        seen.push(textOf(data))
        decoder.stop()
      },
    })
    decoder.push(join([record(6, 1, bytesOf('a')), record(6, 1, bytesOf('b')), hex('FF FF')]))
    decoder.push(record(6, 1, bytesOf('c')))
    decoder.push(bytesOf('HTTP/1.1'))
    assert.deepEqual(seen, ['a'])
  })

  test('from outside hears nothing more', () => {
    const log = new RecordLog()
    const decoder = new Decoder(log)
    decoder.push(hex('01 06 00 01 00 02 00 00 61'))
    decoder.stop()
    decoder.push(hex('62 01 06'))
    assert.deepEqual(log.entries, [{ type: 'Stdout', requestId: 1, hex: toHex(bytesOf('a')) }])
    assert.equal(decoder.atBorder, false)
  })
})

describe('request ids', () => {
  const body = new Uint8Array(8)
  for (const [name, type] of Object.entries(RecordType)) {
    const management = type >= RecordType.GetValues
    test(`of ${name} are ${management ? '0 and nothing else' : 'all but 0'}`, () => {
      for (const requestId of [0, 1, 255, 256, 65_535]) {
        // Fixed bodies have 8 bytes; for name-value pairs, 8 zeros are 4 empty pairs.
        const { error } = decode([record(type, requestId, body)])
        if ((requestId === 0) === management) assert.equal(error, undefined)
        else assert.ok(error instanceof RemoteProtocolError && /management/.test(error.message))
      }
    })
  }

  test('of unknown types are all of them', () => {
    for (const type of [0, 12, 99, 255]) {
      for (const requestId of [0, 1, 65_535]) {
        const { entries } = decode([record(type, requestId, body)])
        assert.deepEqual(entries, [{ type: 'unknown', requestId, recordType: type }])
      }
    }
  })
})

describe('the content of a fixed body', () => {
  for (const [name, type, requestId] of [
    ['BEGIN_REQUEST', RecordType.BeginRequest, 1],
    ['END_REQUEST', RecordType.EndRequest, 1],
    ['UNKNOWN_TYPE', RecordType.UnknownType, 0],
  ] as const) {
    test(`of ${name} has 8 bytes, no more and no less`, () => {
      for (const length of [0, 1, 7, 9, 16, 65_535]) {
        const { error, entries } = decode([record(type, requestId, new Uint8Array(length))])
        assert.ok(error instanceof RemoteProtocolError)
        assert.equal(error.message, `${name} record of ${length} content bytes: it must have 8`)
        assert.deepEqual(entries, [])
      }
      assert.equal(decode([record(type, requestId, new Uint8Array(8))]).error, undefined)
    })
  }
})

function failure(run: () => void): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  return undefined
}
