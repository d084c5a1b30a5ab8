// Early worker release: the backend is done when it is done, however slow the client is, and the client still gets every byte.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import fc from 'fast-check'
import { type Reply } from '@fastcgi/gateway'
import { checkResponse, SpooledReply, type SpoolSetting } from '@fastcgi/gateway/parts'
import {
  bytes,
  HeldReply,
  listen,
  NO_TINY_DISK,
  openFiles,
  RawClient,
  tinyDisk,
} from '../support/pipe-reply.ts'
import { temporaryDirectory, until } from '../support/process.ts'
import { SEED } from '../support/seed.ts'

fc.configureGlobal({ seed: SEED })

const CHUNK = 32 * 1024
/** More than the system takes for a client that does not read. */
const LARGE = 24 * 1024 * 1024
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const hash = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex')

function spooled(
  reply: Reply,
  options: Parameters<typeof checkResponse>[0] = {},
  setting?: SpoolSetting,
): SpooledReply {
  return new SpooledReply(reply, checkResponse(options), setting)
}

/** Writes as a backend does: as long as more is wanted, and then when it is wanted again. */
function writeAll(reply: Reply, body: Uint8Array): void {
  let at = 0
  const more = (): void => {
    while (at < body.length) {
      const chunk = body.subarray(at, at + CHUNK)
      at += chunk.length
      if (!reply.write(chunk)) return
    }
    reply.end()
  }
  reply.onDrain(more)
  more()
}

/** An answer of a real server to a client that reads nothing yet. */
async function answered(
  t: TestContext,
  options: Parameters<typeof checkResponse>[0],
  answer: (reply: SpooledReply) => void,
  setting?: SpoolSetting,
): Promise<{ client: RawClient; reply: SpooledReply }> {
  const started = deferred<SpooledReply>()
  const port = await listen(t, (visit) => {
    const reply = spooled(visit.reply, options, setting)
    reply.head(200, '', [['content-length', String(LARGE)]])
    answer(reply)
    started.resolve(reply)
  })
  const client = new RawClient(t, port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
  return { client, reply: await started.promise }
}

function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve!: (value: T) => void
  const promise = new Promise<T>((settle) => (resolve = settle))
  return { promise, resolve }
}

test('a client that keeps up gets each chunk at once: no copy, no file, no timer', async (t) => {
  const directory = await temporaryDirectory(t)
  const timers = t.mock.method(globalThis, 'setTimeout')
  const held = new HeldReply()
  const reply = spooled(held, { directory })
  reply.head(200, '', [])
  const chunks = [bytes(5000), bytes(6000, 2)]
  for (const chunk of chunks) assert.equal(reply.write(chunk), true)
  reply.end(bytes(7))
  assert.equal(held.outcome, 'complete')
  assert.equal(held.chunks[0], chunks[0])
  assert.equal(held.chunks[1], chunks[1])
  assert.deepEqual(reply.held, { memory: 0, file: 0 })
  assert.equal(timers.mock.callCount(), 0)
  assert.deepEqual(openFiles(directory) ?? [], [])
})

test('the backend is done while the client has read nothing, and the client gets every byte', async (t) => {
  const directory = await temporaryDirectory(t)
  const body = bytes(LARGE)
  const { client, reply } = await answered(t, { directory }, (each) => writeAll(each, body))
  await until('the worker is released', () => reply.releasedAt !== undefined)
  assert.equal(client.bytes.length, 0)
  assert.ok(reply.held.file > 1024 * 1024, `${reply.held.file} bytes in the file`)
  client.read()
  await client.ended
  assert.equal(hash(client.body), hash(body))
  assert.deepEqual(reply.held, { memory: 0, file: 0 })
  await until('the file is given back', () => (openFiles(directory) ?? []).length === 0)
})

test('memory has a limit, and beyond the limit of the file the backend waits', async (t) => {
  const options = { memory: 100_000, maxFile: 1_000_000, directory: await temporaryDirectory(t) }
  const body = bytes(LARGE)
  let most = { memory: 0, file: 0 }
  const { client, reply } = await answered(t, options, (each) => writeAll(each, body))
  const look = (): void => {
    const { memory, file } = reply.held
    most = { memory: Math.max(most.memory, memory), file: Math.max(most.file, file) }
  }
  await until('the file is full', async () => {
    look()
    await turn()
    return reply.held.file + reply.held.memory > 1_000_000
  })
  assert.equal(reply.releasedAt, undefined)
  client.socket.on('data', look)
  client.read()
  await client.ended
  assert.equal(hash(client.body), hash(body))
  assert.ok(most.file <= 1_000_000, `${most.file} bytes in the file`)
  // What is kept for the client, what waits for the disk, and what was read from it.
  assert.ok(most.memory <= 100_000 + 256 * 1024 + CHUNK + 64 * 1024, `${most.memory} in memory`)
})

test('without a file the backend waits once the memory is full', async () => {
  const held = new HeldReply()
  const reply = spooled(held, { memory: 10_000, maxFile: 0 })
  let wanted = 0
  reply.onDrain(() => wanted++)
  reply.head(200, '', [])
  held.fast = false
  assert.equal(reply.write(bytes(5000)), true)
  assert.equal(reply.write(bytes(6000, 2)), true)
  assert.equal(reply.write(bytes(4000, 3)), false)
  assert.deepEqual(reply.held, { memory: 10_000, file: 0 })
  held.drain()
  assert.equal(wanted, 1)
  assert.equal(reply.held.memory, 4000)
  reply.end(bytes(1, 4))
  assert.equal(held.outcome, undefined)
  held.drain(true)
  assert.equal(held.outcome, 'complete')
  const all = [bytes(5000), bytes(6000, 2), bytes(4000, 3), bytes(1, 4)]
  assert.ok(held.body.equals(Buffer.concat(all)))
})

test('with neither memory nor file the backend goes as fast as the client', () => {
  const held = new HeldReply()
  const reply = spooled(held, { memory: 0, maxFile: 0 })
  reply.head(200, '', [])
  held.fast = false
  assert.equal(reply.write(bytes(10)), false)
  let wanted = 0
  reply.onDrain(() => wanted++)
  held.drain(true)
  assert.equal(wanted, 1)
  assert.equal(reply.write(bytes(10)), true)
})

test('any order of writes and pauses gives the same bytes, and the end behind them', async (t) => {
  const directory = await temporaryDirectory(t)
  const limits = fc.record({
    memory: fc.constantFrom(0, 100, 20_000),
    maxFile: fc.constantFrom(0, 5000, 1_000_000),
  })
  const step = fc.oneof(
    fc.record({ write: fc.integer({ min: 0, max: 9000 }) }),
    fc.constantFrom('drain', 'drain fast', 'slow', 'wait'),
  )
  await fc.assert(
    fc.asyncProperty(limits, fc.array(step, { maxLength: 40 }), async (options, steps) => {
      const held = new HeldReply()
      const reply = spooled(held, { ...options, directory, timeout: 0 })
      reply.head(200, '', [])
      const written: Uint8Array[] = []
      for (const [at, what] of steps.entries()) {
        if (what === 'drain') held.drain()
        else if (what === 'drain fast') held.drain(true)
        else if (what === 'slow') held.fast = false
        else if (what === 'wait') await turn()
        else if (typeof what === 'object') {
          const chunk = bytes(what.write, at + 1)
          written.push(chunk)
          reply.write(chunk)
        }
      }
      reply.end(bytes(3))
      written.push(bytes(3))
      for (let turns = 0; held.outcome === undefined; turns++) {
        assert.ok(turns < 100_000, 'there is no end')
        held.drain(turns % 2 === 0)
        await turn()
      }
      assert.equal(held.outcome, 'complete')
      assert.ok(held.body.equals(Buffer.concat(written)))
    }),
    { numRuns: 100 },
  )
  await until('no descriptor is left', () => (openFiles(directory) ?? []).length === 0)
})

test('an answer that is aborted is never whole for the client', async (t) => {
  const directory = await temporaryDirectory(t)
  const { client, reply } = await answered(t, { directory }, (each) => {
    each.write(bytes(LARGE / 2))
    for (let at = 0; at < 20; at++) each.write(bytes(CHUNK, at + 1))
  })
  await until('something is in the file', () => reply.held.file > 0)
  reply.abort(new Error('the backend is gone'))
  assert.deepEqual(reply.held, { memory: 0, file: 0 })
  client.read()
  await client.ended
  assert.ok(client.body.length < LARGE, `${client.body.length} of ${LARGE} bytes`)
  await until('the file is given back', () => (openFiles(directory) ?? []).length === 0)
})

test('an abort overtakes what is kept, also behind the end', () => {
  const held = new HeldReply()
  const reply = spooled(held, { timeout: 0 })
  reply.head(200, '', [])
  held.fast = false
  reply.write(bytes(10))
  reply.write(bytes(20, 2))
  reply.end()
  assert.equal(held.outcome, undefined)
  const reason = new Error('the gateway is destroyed')
  reply.abort(reason)
  assert.equal(held.outcome, 'aborted')
  assert.equal(held.reason, reason)
  assert.equal(held.body.length, 10)
})

test('a client that goes away frees file and memory at once, and that is told', async (t) => {
  const directory = await temporaryDirectory(t)
  const { client, reply } = await answered(t, { directory }, (each) => {
    writeAll(each, bytes(LARGE))
  })
  const closed = new Promise<void>((resolve) => reply.onClose(resolve))
  await until('something is in the file', () => reply.held.file > 0)
  client.socket.resetAndDestroy()
  await closed
  assert.deepEqual(reply.held, { memory: 0, file: 0 })
  assert.equal(reply.write(bytes(10)), true)
  assert.deepEqual(reply.held, { memory: 0, file: 0 })
  await until('the file is given back', () => (openFiles(directory) ?? []).length === 0)
})

for (const memory of [0, 262_144]) {
  test(`on a full disk the answer goes on at the speed of the client, whole (memory: ${memory})`, async (t) => {
    const directory = await tinyDisk(t)
    if (directory === undefined) return t.skip(NO_TINY_DISK)
    const failures: unknown[] = []
    const body = bytes(LARGE)
    const { client, reply } = await answered(
      t,
      { directory, memory },
      (each) => writeAll(each, body),
      {
        streaming: false,
        onDiskFailure: (error) => failures.push(error),
      },
    )
    await until('the disk is full', () => failures.length > 0)
    assert.equal(reply.releasedAt, undefined)
    client.read()
    await client.ended
    assert.equal(hash(client.body), hash(body))
    assert.equal(failures.length, 1)
    assert.match(String(failures[0]), /ENOSPC/)
  })
}

test('an event stream is never kept: each event goes out, and the backend waits for the client', () => {
  const held = new HeldReply()
  const reply = spooled(held, {}, { streaming: true })
  reply.head(200, '', [])
  let wanted = 0
  reply.onDrain(() => wanted++)
  assert.equal(reply.write(bytes(10)), true)
  held.fast = false
  assert.equal(reply.write(bytes(20)), false)
  assert.equal(held.chunks.length, 2)
  held.drain(true)
  assert.equal(wanted, 1)
  assert.deepEqual(reply.held, { memory: 0, file: 0 })
  reply.abort()
})

test('a client that takes nothing for too long is disconnected; one that takes something is not', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const held = new HeldReply()
  const reply = spooled(held, { timeout: 1000, memory: 1_000_000 })
  reply.head(200, '', [])
  held.fast = false
  for (let at = 0; at < 4; at++) reply.write(bytes(1000))
  t.mock.timers.tick(999)
  held.drain()
  t.mock.timers.tick(999)
  assert.equal(held.outcome, undefined)
  t.mock.timers.tick(1)
  assert.equal(held.outcome, 'aborted')
  assert.match(String(held.reason), /took nothing of the answer for 1000 ms \(response\.timeout\)/)
})

test('the time runs for what the system has not sent yet, also behind the end', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const ended = t.mock.fn()
  const held = new HeldReply()
  // Told the end, but not done with sending.
  held.end = ended
  const reply = spooled(held, { timeout: 1000 })
  reply.head(200, '', [])
  reply.write(bytes(100_000))
  reply.end()
  assert.equal(ended.mock.callCount(), 1)
  t.mock.timers.tick(1000)
  assert.equal(held.outcome, 'aborted')
})

test('a timeout of 0 waits for ever', (t) => {
  const timers = t.mock.method(globalThis, 'setTimeout')
  const held = new HeldReply()
  const reply = spooled(held, { timeout: 0 })
  reply.head(200, '', [])
  held.fast = false
  reply.write(bytes(100_000))
  reply.end(bytes(100_000))
  assert.equal(timers.mock.callCount(), 0)
})

test('options for answers that cannot be are refused by their names', () => {
  assert.throws(() => checkResponse({ memory: -1 }), /^TypeError: response\.memory must be a whole/)
  assert.throws(() => checkResponse({ timeout: '5' as never }), /response\.timeout must be/)
  assert.throws(() => checkResponse({ maxfile: 5 } as never), /maxFile/)
  assert.throws(() => checkResponse({ compress: { minSize: 1.5 } }), /response\.compress\.minSize/)
  const { memory, maxFile, timeout, compress } = checkResponse()
  assert.deepEqual([memory, maxFile, timeout], [262_144, 1_073_741_824, 60_000])
  assert.equal(compress?.minSize, 1024)
})
