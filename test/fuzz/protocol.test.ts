// Whatever the bytes are: a result or a RemoteProtocolError, nothing else; and the same however they are cut.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { RemoteProtocolError } from '@fastcgi/client'
import {
  concatBytes,
  decodePairs,
  Decoder,
  encodePair,
  Role,
  Session,
} from '@fastcgi/client/protocol'
import { hex, toHex } from '../support/hex.ts'
import { byteByByte, decode } from '../support/record-log.ts'
import { Chance, SEED } from '../support/seed.ts'
import { pairVectors, recordVectors } from '../support/vectors.ts'
import { mutated } from './mutator.ts'

const CASES = Number(process.env.FUZZ_CASES ?? 20_000)
// Long seeds only slow the mutations down; what they are long for, the vectors prove.
const records = recordVectors.map(({ wire }) => hex(wire)).filter(({ length }) => length < 400)
const pairs = pairVectors.map(({ wire }) => hex(wire)).filter(({ length }) => length < 400)

describe('bytes that were right once', () => {
  fuzz(
    'give a decoder records or a RemoteProtocolError, the same in pieces',
    records,
    (bytes, chance) => {
      const whole = decode([bytes])
      assertResultOrRemote(whole.error)
      assert.ok(whole.calls <= bytes.length, 'no more calls than bytes')
      const pieces = decode(chance.below(4) === 0 ? byteByByte(bytes) : randomPieces(bytes, chance))
      assertResultOrRemote(pieces.error)
      assert.deepEqual(pieces.entries, whole.entries)
      assert.equal(pieces.error === undefined, whole.error === undefined)
    },
  )

  fuzz(
    'give a session events of its requests or a RemoteProtocolError',
    records,
    (bytes, chance) => {
      const open = new Set<number>()
      const heard = (id: number): void => assert.ok(open.has(id), `an event of request ${id}`)
      const session = new Session({
        onStdout: heard,
        onStderr: heard,
        onEnd: ({ requestId }) =>
          assert.ok(open.delete(requestId), `an end of request ${requestId}`),
      })
      for (let count = 1 + chance.below(3); count > 0; count--)
        open.add(session.begin(Role.Responder))
      const decoder = new Decoder(session)
      assertResultOrRemote(thrownBy(() => decoder.push(bytes)))
      assert.equal(session.size, open.size)
    },
  )

  fuzz('give pairs or a RemoteProtocolError', pairs, (bytes) => {
    let read: readonly (readonly [Uint8Array, Uint8Array])[] | undefined
    assertResultOrRemote(
      thrownBy(() => {
        read = decodePairs(bytes)
      }),
    )
    if (!read) return
    const content = read.flat().reduce((sum, { length }) => sum + length, 0)
    assert.ok(content + 2 * read.length <= bytes.length, 'no more than there was')
    const clean = read.filter((pair) => pair.every((part) => !part.some(isForbidden)))
    const again = decodePairs(concatBytes(clean.map(([name, value]) => encodePair(name, value))))
    assert.deepEqual(
      again.map((pair) => pair.map(toHex)),
      clean.map((pair) => pair.map(toHex)),
    )
  })
})

function fuzz(
  what: string,
  corpus: readonly Uint8Array[],
  run: (bytes: Uint8Array, chance: Chance) => void,
): void {
  test(`${what} (${CASES} cases)`, () => {
    for (let index = 0; index < CASES; index++) {
      const seed = SEED + index
      const chance = new Chance(seed)
      const bytes = mutated(corpus, chance)
      try {
        run(bytes, chance)
      } catch (error) {
        throw new Error(`FUZZ_SEED=${seed} FUZZ_CASES=1 repeats it; bytes: ${toHex(bytes)}`, {
          cause: error,
        })
      }
    }
  })
}

function* randomPieces(bytes: Uint8Array, chance: Chance): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length;) {
    const end = at + 1 + chance.below(24)
    yield bytes.slice(at, end)
    at = end
  }
}

function assertResultOrRemote(error: unknown): void {
  if (error === undefined || error instanceof RemoteProtocolError) return
  throw error
}

function thrownBy(run: () => void): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  return undefined
}

function isForbidden(byte: number): boolean {
  return byte === 0 || byte === 10 || byte === 13
}
