// What holds for every request, not only for those that somebody thought of.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  concatBytes,
  decodePairs,
  Decoder,
  Encoder,
  encodePair,
  MAX_ALIGNED_CONTENT_LENGTH,
  prepareParams,
  RecordType,
  Role,
  Session,
} from '@fastcgi/client/protocol'
import type { ParamPair, StreamType } from '@fastcgi/client/protocol'
import * as fc from 'fast-check'
import { bytesOf, hex, join, toHex } from '../support/hex.ts'
import { decode } from '../support/record-log.ts'
import type { Entry } from '../support/record-log.ts'
import { readRecords, record } from '../support/records.ts'
import { SEED } from '../support/seed.ts'

const allowed = (bytes: Uint8Array): boolean => !bytes.some((byte) => [0, 10, 13].includes(byte))
const text = fc
  .oneof(
    fc.string({ maxLength: 40 }),
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.integer({ min: 100, max: 400 }).map((length) => 'x'.repeat(length)),
    // Two of these, name and value, fit into one record; three do not.
    fc.integer({ min: 15_000, max: 30_000 }).map((length) => 'y'.repeat(length)),
  )
  .filter((value) => allowed(bytesOf(value)))
/** A lone surrogate cannot come back, and a byte order mark must. */
const short = fc
  .tuple(fc.constantFrom('', '\ufeff'), fc.string({ unit: 'grapheme', maxLength: 40 }))
  .map((parts) => parts.join(''))
  .filter((value) => allowed(bytesOf(value)))
const bytes = fc.uint8Array({ maxLength: 300 }).filter(allowed)
const pair: fc.Arbitrary<ParamPair> = fc.tuple(
  fc.oneof({ weight: 3, arbitrary: text }, { weight: 1, arbitrary: bytes }),
  fc.oneof(
    { weight: 3, arbitrary: text },
    { weight: 1, arbitrary: bytes },
    { weight: 1, arbitrary: fc.integer() },
  ),
)
const content = fc.oneof(
  fc.uint8Array({ maxLength: 100 }),
  fc
    .tuple(fc.integer({ min: 0, max: 70_000 }), fc.nat(255))
    .map(([length, byte]) => new Uint8Array(length).fill(byte)),
)
const requestId = fc.integer({ min: 1, max: 65_535 })
/** Sizes of chunks, used in turn. */
const cuts = fc.array(
  fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 70_000 })),
  {
    minLength: 1,
    maxLength: 30,
  },
)

test('a request arrives as it was sent, however it is cut', () => {
  const request = fc.record({
    requestId,
    role: fc.constantFrom(...Object.values(Role)),
    keepConn: fc.boolean(),
    prepared: fc.array(pair, { maxLength: 4 }),
    params: fc.array(pair, { maxLength: 12 }),
    span: fc.boolean(),
    contentLength: fc.option(fc.nat(), { nil: undefined }),
    stdin: fc.array(content, { maxLength: 2 }),
  })
  check(
    fc.property(request, cuts, (sent, sizes) => {
      const encoder = new Encoder()
      const id = sent.requestId
      encoder.beginRequest(id, sent.role, sent.keepConn)
      const { span, contentLength } = sent
      encoder.params(id, sent.params, {
        prepared: prepareParams(sent.prepared),
        span,
        contentLength,
      })
      for (const chunk of sent.stdin) encoder.stream(RecordType.Stdin, id, chunk)
      encoder.streamEnd(RecordType.Stdin, id)
      const { entries, error, atBorder } = decode(cut(encoder.take(), sizes))
      assert.equal(error, undefined)
      assert.ok(atBorder)
      assert.deepEqual(entries[0], {
        type: 'BeginRequest',
        requestId: id,
        role: sent.role,
        keepConn: sent.keepConn,
      })
      const added: ParamPair[] =
        contentLength === undefined ? [] : [['CONTENT_LENGTH', contentLength]]
      assert.deepEqual(
        decodePairs(hex(streamHex(entries, 'Params'))).map((read) => read.map(toHex)),
        [...sent.prepared, ...sent.params, ...added].map((own) => own.map(hexOf)),
      )
      assert.equal(streamHex(entries, 'Stdin'), toHex(concatBytes(sent.stdin)))
      assert.deepEqual(entries.at(-1), { type: 'Stdin', requestId: id, end: true })
    }),
    40,
  )
})

test('params without spanning are whole pairs in every record', () => {
  check(
    fc.property(fc.array(pair, { maxLength: 20 }), (params) => {
      const encoder = new Encoder()
      encoder.params(1, params)
      const records = readRecords(encoder.take())
      const read = records.flatMap((one) => decodePairs(one.content))
      assert.equal(read.length, params.length)
      for (const {
        content: { length },
        padding,
      } of records) {
        assert.ok(length <= MAX_ALIGNED_CONTENT_LENGTH)
        assert.equal((length + padding) % 8, 0)
      }
    }),
    100,
  )
})

test('pairs of any bytes but NUL, CR and LF come back as they were', () => {
  check(
    fc.property(fc.array(fc.tuple(bytes, bytes)), (pairs) => {
      const wire = concatBytes(pairs.map(([name, value]) => encodePair(name, value)))
      assert.deepEqual(
        decodePairs(wire).map((read) => read.map(toHex)),
        pairs.map((own) => own.map(toHex)),
      )
    }),
    200,
  )
})

test('names and values of management records come back as they were', () => {
  check(
    fc.property(fc.uniqueArray(fc.tuple(short, short), { selector: ([name]) => name }), (sent) => {
      const encoder = new Encoder()
      encoder.getValues(sent.map(([name]) => name))
      encoder.getValuesResult(sent)
      const { entries } = decode([encoder.take()])
      assert.deepEqual(entries, [
        { type: 'GetValues', requestId: 0, names: sent.map(([name]) => name) },
        { type: 'GetValuesResult', requestId: 0, values: sent },
      ])
    }),
    100,
  )
})

test('any sequence of records says the same in one chunk and in pieces', () => {
  const anyRecord = fc
    .tuple(fc.nat(255), fc.nat(3), fc.uint8Array({ maxLength: 40 }), fc.nat(255))
    .map(([type, id, body, padding]) => record(type, id, body, padding))
  const streamRecord = fc
    .tuple(fc.constantFrom<StreamType>(4, 5, 6, 7, 8), requestId, fc.uint8Array({ maxLength: 40 }))
    .map(([type, id, body]) => record(type, id, body, body.length % 3))
  const sequence = fc.array(
    fc.oneof({ weight: 1, arbitrary: anyRecord }, { weight: 6, arbitrary: streamRecord }),
  )
  check(
    fc.property(sequence, cuts, (records, sizes) => {
      const wire = join(records)
      const whole = decode([wire])
      const pieces = decode(cut(wire, sizes))
      assert.deepEqual(pieces.entries, whole.entries)
      assert.equal(pieces.error === undefined, whole.error === undefined)
      assert.equal(
        pieces.atBorder || pieces.error !== undefined,
        whole.atBorder || whole.error !== undefined,
      )
    }),
    200,
  )
})

test('what many applications say at once reaches each request whole and in order', () => {
  const said = fc.array(
    fc.tuple(fc.nat(4), fc.boolean(), fc.uint8Array({ minLength: 1, maxLength: 50 })),
    {
      maxLength: 60,
    },
  )
  check(
    fc.property(said, cuts, (turns, sizes) => {
      const heard = new Map<string, Uint8Array[]>()
      const ended: number[] = []
      const keep = (key: string, data: Uint8Array): void => {
        heard.set(key, [...(heard.get(key) ?? []), data.slice()])
      }
      const session = new Session({
        onStdout: (id, data) => keep(`out ${id}`, data),
        onStderr: (id, data) => keep(`err ${id}`, data),
        onEnd: (end) => ended.push(end.requestId),
      })
      const ids = Array.from({ length: 5 }, () => session.begin(Role.Responder))
      const app = new Encoder()
      const expected = new Map<string, Uint8Array[]>()
      for (const [index, isOut, data] of turns) {
        const id = ids[index]!
        app.stream(isOut ? RecordType.Stdout : RecordType.Stderr, id, data)
        const key = `${isOut ? 'out' : 'err'} ${id}`
        expected.set(key, [...(expected.get(key) ?? []), data])
      }
      for (const id of ids.toReversed()) app.endRequest(id, 0, 0)
      const decoder = new Decoder(session)
      for (const chunk of cut(app.take(), sizes)) decoder.push(chunk)
      assert.deepEqual(joined(heard), joined(expected))
      assert.deepEqual(ended, ids.toReversed())
    }),
    100,
  )
})

function check<T>(property: fc.IProperty<T>, numRuns: number): void {
  fc.assert(property, { seed: SEED, numRuns })
}

/** Chunks of these sizes, in turn, each in a buffer of its own. */
function* cut(wire: Uint8Array, sizes: readonly number[]): Generator<Uint8Array> {
  for (let at = 0, turn = 0; at < wire.length; turn++) {
    const size = sizes[turn % sizes.length]!
    // Small chunks for the whole of a large request would only cost time: the first kilobytes hold every kind of border.
    const end = at + (at > 5000 ? Math.max(size, 1000) : size)
    yield wire.slice(at, end)
    at = end
  }
}

function streamHex(entries: readonly Entry[], type: string): string {
  return entries
    .flatMap((entry) => (entry.type === type && 'hex' in entry ? [entry.hex] : []))
    .join(' ')
}

function hexOf(value: string | number | Uint8Array): string {
  return toHex(value instanceof Uint8Array ? value : bytesOf(String(value)))
}

function joined(pieces: ReadonlyMap<string, Uint8Array[]>): Map<string, string> {
  return new Map(Array.from(pieces, ([key, parts]) => [key, toHex(join(parts))]))
}
