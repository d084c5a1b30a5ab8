// Memory of answers that is used again: never while anybody still reads it.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { get, type IncomingMessage } from 'node:http'
import { test } from 'node:test'
import { formatAddress } from '@fastcgi/client'
import { serve } from '@fastcgi/client/responder'
import { checkResponse, ChunkPool, SpooledReply } from '@fastcgi/gateway/parts'
import { startGateway } from '../support/gateway.ts'
import { bytes, HeldReply } from '../support/pipe-reply.ts'

const KiB = 1024
const hash = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex')

/** A held reply that frees when it is told to. */
class FreeingReply extends HeldReply {
  readonly frees: ((() => void) | undefined)[] = []

  override write(chunk: Uint8Array, free?: () => void): boolean {
    this.frees.push(free)
    return super.write(chunk)
  }

  override end(chunk?: Uint8Array, free?: () => void): void {
    if (chunk) this.frees.push(free)
    super.end(chunk)
  }
}

test('a large piece is copied into memory that was given back', () => {
  const pool = new ChunkPool()
  const first = pool.copy(bytes(40 * KiB, 1))
  const second = pool.copy(bytes(64 * KiB, 2))
  assert.notEqual(first.bytes.buffer, second.bytes.buffer)
  assert.equal(hash(first.bytes), hash(bytes(40 * KiB, 1)))
  first.free!()
  const third = pool.copy(bytes(47 * KiB, 3))
  assert.equal(third.bytes.buffer, first.bytes.buffer)
  assert.equal(hash(third.bytes), hash(bytes(47 * KiB, 3)))
  assert.equal(hash(second.bytes), hash(bytes(64 * KiB, 2)))
})

test('memory that is given back twice is lent once', () => {
  const pool = new ChunkPool()
  const { free } = pool.copy(bytes(40 * KiB))
  free!()
  free!()
  const [one, other] = [pool.copy(bytes(40 * KiB)), pool.copy(bytes(40 * KiB))]
  free!()
  assert.notEqual(one.bytes.buffer, other.bytes.buffer)
  assert.notEqual(pool.copy(bytes(40 * KiB)).bytes.buffer, one.bytes.buffer)
})

test('a small piece, and one larger than what is lent, are copied for good', () => {
  for (const length of [1000, 6 * KiB, 65 * KiB]) {
    const piece = bytes(length)
    const { bytes: copy, free } = new ChunkPool().copy(piece)
    assert.deepEqual(hash(copy), hash(bytes(length)))
    assert.equal(free, undefined)
    piece.fill(0)
    assert.deepEqual(hash(copy), hash(bytes(length)))
  }
})

test('a piece that is larger than what was given back gets memory that it fits into', () => {
  const pool = new ChunkPool()
  pool.copy(bytes(20 * KiB)).free!()
  const { bytes: copy } = pool.copy(bytes(60 * KiB))
  assert.equal(hash(copy), hash(bytes(60 * KiB)))
  assert.equal(copy.buffer.byteLength, 64 * KiB)
})

test('what waits for a slow client is kept in memory of its own, and lent memory is given back', () => {
  const pool = new ChunkPool()
  const client = new FreeingReply()
  const reply = new SpooledReply(client, checkResponse({}))
  client.fast = false
  const [first, second, last] = [1, 2, 3].map((seed) => pool.copy(bytes(40 * KiB, seed)))
  reply.write(first!.bytes, first!.free)
  reply.write(second!.bytes, second!.free)
  reply.end(last!.bytes, last!.free)
  assert.deepEqual(client.frees, [first!.free])
  for (const { bytes: lent } of [second!, last!]) lent.fill(0)
  client.drain(true)
  const whole = Buffer.concat([1, 2, 3].map((seed) => bytes(40 * KiB, seed)))
  assert.equal(hash(client.body), hash(whole))
  assert.equal(client.outcome, 'complete')
})

test('large answers arrive unchanged, also to clients that do not read for a while', async (t) => {
  const pieces = Array.from({ length: 256 }, (_, seed) => bytes(60 * KiB, seed))
  // More than the system takes for a client that does not read.
  const script = await serve(
    async ({ params }, reply) => {
      const from = Number(params.get('QUERY_STRING'))
      await reply.stdout('Content-Type: text/plain\r\n\r\n')
      for (let at = 0; at < 128; at++) await reply.stdout(pieces[from + at]!)
    },
    { listen: '127.0.0.1:0' },
  )
  const { port } = await startGateway(t, {
    backend: { address: formatAddress(script.address) },
    frontController: '/index.php',
  })
  t.after(() => script.destroy())
  const answerTo = (from: number): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const request = get({ port, path: `/index.php?${from}`, agent: false }, resolve)
      request.on('error', reject)
    })
  const check = async (from: number, answer: IncomingMessage): Promise<void> => {
    const content = createHash('sha256')
    for await (const chunk of answer) content.update(chunk as Buffer)
    const expected = Buffer.concat(pieces.slice(from, from + 128))
    assert.equal(content.digest('hex'), hash(expected), `the answer from piece ${from} on`)
  }
  const slow = await Promise.all([0, 40, 80].map(answerTo))
  for (const from of [20, 60, 100, 120]) await check(from, await answerTo(from))
  for (const [at, answer] of slow.entries()) await check(at * 40, answer)
})
