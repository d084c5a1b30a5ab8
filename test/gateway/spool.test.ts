// First in, first out, whatever the limits and whatever the order of calls.

import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { ChunkQueue, Spool, type SpoolLimits } from '@fastcgi/gateway/parts'
import { bytes, NO_TINY_DISK, openFiles, tinyDisk } from '../support/pipe-reply.ts'
import { temporaryDirectory, until } from '../support/process.ts'
import { SEED } from '../support/seed.ts'

fc.configureGlobal({ seed: SEED })

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function spoolWith(limits: Partial<SpoolLimits>) {
  const told = { changes: 0, full: [] as unknown[], lost: [] as unknown[] }
  const spool = new Spool(
    { memory: 100, maxFile: 1000, directory: undefined, ...limits },
    {
      onChange: () => told.changes++,
      onFull: (error) => told.full.push(error),
      onLost: (error) => told.lost.push(error),
    },
  )
  return { spool, told }
}

/** Takes everything, waiting for the disk. */
async function drain(spool: Spool, into: Uint8Array[]): Promise<void> {
  for (let turns = 0; spool.size > 0; turns++) {
    assert.ok(turns < 200_000, `${spool.size} bytes do not come out`)
    for (let chunk = spool.take(); chunk; chunk = spool.take()) into.push(chunk)
    await turn()
  }
}

const step = fc.oneof(
  fc.record({ push: fc.integer({ min: 0, max: 9000 }) }),
  fc.constant('take' as const),
  fc.constant('wait' as const),
)

test('any order of pushes and takes, with any limits, gives the same bytes', async (t) => {
  const directory = await temporaryDirectory(t)
  const limits = fc.record({
    memory: fc.constantFrom(0, 1, 100, 5000, 20_000),
    maxFile: fc.constantFrom(0, 700, 3000, 10_000, 1_000_000),
  })
  await fc.assert(
    fc.asyncProperty(limits, fc.array(step, { maxLength: 40 }), async (given, steps) => {
      const { spool, told } = spoolWith({ ...given, directory })
      const taken: Uint8Array[] = []
      const pushed: Uint8Array[] = []
      for (const [at, what] of steps.entries()) {
        if (what === 'wait') await turn()
        else if (what === 'take') {
          const chunk = spool.take()
          if (chunk) taken.push(chunk)
        } else {
          const chunk = bytes(what.push, at + 1)
          pushed.push(chunk)
          spool.push(chunk)
        }
        assert.ok(spool.inFile <= given.maxFile)
        const held = pushed.reduce((sum, { length }) => sum + length, 0)
        assert.equal(spool.size, held - taken.reduce((sum, { length }) => sum + length, 0))
      }
      await drain(spool, taken)
      spool.close()
      assert.ok(Buffer.concat(taken).equals(Buffer.concat(pushed)))
      assert.equal(spool.hasRoom, given.memory > 0 || given.maxFile > 0)
      assert.deepEqual(told.lost, [])
    }),
    { numRuns: 150 },
  )
  await until('no descriptor is left', () => (openFiles(directory) ?? []).length === 0)
})

test('a queue of chunks gives back what it got, however it is asked', () => {
  const size = fc.integer({ min: 0, max: 20_000 })
  const asked = fc.oneof(
    fc.record({ push: size }),
    fc.record({ drop: size }),
    fc.record({ peek: size }),
    fc.constant('shift' as const),
  )
  fc.assert(
    fc.property(fc.array(asked, { maxLength: 30 }), (calls) => {
      const queue = new ChunkQueue()
      let model = Buffer.alloc(0)
      for (const [at, call] of calls.entries()) {
        if (call === 'shift') {
          const chunk = queue.shift()
          assert.equal(chunk === undefined, model.length === 0)
          assert.ok(model.subarray(0, chunk?.length ?? 0).equals(chunk ?? new Uint8Array()))
          model = model.subarray(chunk?.length ?? 0)
        } else if ('push' in call) {
          const chunk = bytes(call.push, at + 1)
          queue.push(chunk)
          model = Buffer.concat([model, chunk])
        } else if ('drop' in call) {
          queue.drop(call.drop)
          model = model.subarray(call.drop)
        } else {
          assert.ok(Buffer.concat(queue.peek(call.peek)).equals(model.subarray(0, call.peek)))
        }
        assert.equal(queue.size, model.length)
      }
      const rest = queue.takeAll()
      assert.ok(model.equals(Array.isArray(rest) ? Buffer.concat(rest) : rest))
      assert.equal(queue.size, 0)
    }),
  )
})

test('a queue holds as many bytes as it counts, also when they come one by one', () => {
  const queue = new ChunkQueue()
  for (let at = 0; at < 100_000; at++) queue.push(new Uint8Array(1))
  const buffers = new Set(queue.peek(100_000).map(({ buffer }) => buffer))
  let held = 0
  for (const { byteLength } of buffers) held += byteLength
  assert.equal(buffers.size, 7)
  assert.ok(held < 100_000 + 16 * 1024, `${held} bytes are held for 100000`)
})

test('a stream that never ends takes no more of the disk than it may', async (t) => {
  if (process.platform !== 'linux') return t.skip('looks into /proc')
  const directory = await temporaryDirectory(t)
  const maxFile = 100_000
  const { spool } = spoolWith({ memory: 0, maxFile, directory })
  t.after(() => spool.close())
  const pushed: Uint8Array[] = []
  const taken: Uint8Array[] = []
  let pushedSize = 0
  let largest = 0
  while (pushedSize < 20 * maxFile) {
    while (spool.hasRoom) {
      const chunk = bytes(3001, pushed.length + 1)
      pushed.push(chunk)
      pushedSize += chunk.length
      spool.push(chunk)
    }
    // One at a time, so that there is always something left.
    const chunk = await until('something can be taken', () => spool.take())
    taken.push(chunk)
    const [path] = openFiles(directory)!
    if (path !== undefined) largest = Math.max(largest, statSync(path).size)
  }
  await drain(spool, taken)
  assert.ok(Buffer.concat(taken).equals(Buffer.concat(pushed)))
  assert.ok(largest > 0 && largest <= maxFile, `the file had ${largest} bytes`)
  const [path] = openFiles(directory)!
  await until('the room on the disk is given back', () => statSync(path!).size === 0)
})

test('a full disk loses nothing, and holds the source up from then on', async (t) => {
  const directory = await tinyDisk(t)
  if (directory === undefined) return t.skip(NO_TINY_DISK)
  const { spool, told } = spoolWith({ memory: 1000, maxFile: 100_000_000, directory })
  t.after(() => spool.close())
  const pushed: Uint8Array[] = []
  while (told.full.length === 0) {
    const chunk = bytes(50_000, pushed.length + 1)
    pushed.push(chunk)
    spool.push(chunk)
    await turn()
  }
  assert.equal(spool.hasRoom, false)
  assert.match(String(told.full[0]), /ENOSPC/)
  const taken: Uint8Array[] = []
  await drain(spool, taken)
  assert.ok(Buffer.concat(taken).equals(Buffer.concat(pushed)))
  assert.equal(told.full.length, 1)
  assert.equal(spool.hasRoom, true)
})

test('closing while the disk is at work leaves nothing open and tells nobody', async (t) => {
  const directory = await temporaryDirectory(t)
  const { spool, told } = spoolWith({ memory: 0, maxFile: 10_000_000, directory })
  spool.push(bytes(500_000))
  await until('there is something in the file', async () => spool.inFile > 0 || (await turn()))
  spool.take()
  spool.push(bytes(500_000))
  spool.close()
  const { changes } = told
  await until('no descriptor is left', () => (openFiles(directory) ?? []).length === 0)
  assert.equal(spool.size, 0)
  assert.equal(spool.take(), undefined)
  assert.deepEqual([told.changes, told.full, told.lost], [changes, [], []])
})
