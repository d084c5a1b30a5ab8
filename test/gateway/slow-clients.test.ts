// A script is free as soon as it has written its answer, however slow the client: through the whole gateway, from stdout to the reply.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import fc from 'fast-check'
import { NO_OPEN_FILES, openFilesIn } from '../support/open-files.ts'
import { temporaryDirectory, until } from '../support/process.ts'
import { nextTurn } from '../support/requests.ts'
import { SEED } from '../support/seed.ts'
import { NO_SMALL_DISK, smallDisk } from '../support/small-disk.ts'
import { play, type Played } from '../support/spooling.ts'

const KiB = 1024
const HEAD = 'Content-Type: text/plain\r\n\r\n'
const SLOW = { skip: NO_OPEN_FILES, timeout: 20_000 }

/** Bytes that are not like those beside them. */
function bytes(length: number, from = 0): Buffer {
  const block = Buffer.alloc(length)
  for (let at = 0; at < length; at++) block[at] = ((from + at) * 31 + ((from + at) >> 8)) & 0xff
  return block
}

const hash = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex')

/** A script that has begun, for a client that takes nothing. */
async function blocked(
  t: TestContext,
  response: Parameters<typeof play>[1] = {},
  head = HEAD,
): Promise<Played> {
  const played = play(t, response)
  played.reply.room = 0
  played.run.stdout(head)
  played.run.stdout('first')
  await until('the first chunk', () => played.reply.text === 'first')
  return played
}

const CHUNK = fc.oneof(fc.nat(40), fc.nat(5 * KiB), fc.nat(300 * KiB))
const STEP = fc.oneof(
  { weight: 4, arbitrary: fc.record({ write: CHUNK }) },
  { weight: 2, arbitrary: fc.record({ drain: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 2, arbitrary: fc.record({ turns: fc.integer({ min: 1, max: 3 }) }) },
)
type Step = { write: number } | { drain: number } | { turns: number }

/** A backend that goes on writing for a while after it was told to wait, as a real one does with what was read already. */
class Writer {
  readonly sent: Buffer[] = []
  readonly #played: Played
  readonly #wanted: number[] = []
  #length = 0
  #late = 0

  constructor(played: Played) {
    this.#played = played
  }

  get length(): number {
    return this.#length
  }

  get isDone(): boolean {
    return this.#wanted.length === 0
  }

  write(length: number): void {
    this.#wanted.push(length)
    this.go()
  }

  go(): void {
    const { run } = this.#played
    for (;;) {
      const next = this.#wanted[0]
      if (next === undefined) return
      if (run.paused && (this.#late += next) > 64 * KiB) {
        this.#late -= next
        return
      }
      if (!run.paused) this.#late = 0
      this.#wanted.shift()
      const chunk = bytes(next, this.#length)
      this.#length += next
      this.sent.push(chunk)
      run.stdout(chunk)
    }
  }
}

test(
  'any rhythm of writing and taking gives the same bytes, once, within the limits',
  SLOW,
  async (t) => {
    const directory = await temporaryDirectory(t)
    const limits = fc.record({
      memory: fc.constantFrom(0, KiB, 64 * KiB),
      maxFile: fc.constantFrom(0, 4 * KiB, 256 * KiB),
    })
    const property = fc.asyncProperty(
      limits,
      fc.nat(3),
      fc.array(STEP, { maxLength: 30 }),
      async ({ memory, maxFile }, room, steps: Step[]) => {
        const played = play(undefined, { directory, memory, maxFile, timeout: 0 })
        const { run, reply } = played
        const writer = new Writer(played)
        // What is read already may still come, and the chunk that fills the last of the room may be a large one.
        const beyond = 64 * KiB + 300 * KiB
        const taken = (): number => reply.chunks.reduce((sum, { length }) => sum + length, 0)
        const check = (): void => {
          const held = writer.length - taken()
          assert.ok(held <= memory + maxFile + beyond, `${held} bytes are held`)
          for (const size of openFilesIn(directory)) {
            assert.ok(maxFile > 0, 'a file where there is to be none')
            assert.ok(size <= maxFile + beyond, `a file of ${size} bytes`)
          }
          if (run.paused) assert.ok(held > 0 || reply.room <= 0, 'held up by nothing')
        }
        reply.room = room
        run.stdout(HEAD)
        for (const step of steps) {
          if ('write' in step) writer.write(step.write)
          else if ('drain' in step) reply.drain(step.drain)
          else for (let turn = 0; turn < step.turns; turn++) await nextTurn()
          writer.go()
          check()
        }
        await until('everything is written', () => {
          reply.drain(3)
          writer.go()
          check()
          return writer.isDone
        })
        run.end()
        await until('the end', () => {
          if (reply.outcome === undefined) reply.drain(2)
          return reply.outcome
        })
        assert.equal(reply.outcome, 'complete')
        assert.equal(hash(reply.body), hash(Buffer.concat(writer.sent)))
        await until('no file is left', () => openFilesIn(directory).length === 0)
      },
    )
    await fc.assert(property, { seed: SEED, numRuns: 150 })
  },
)

test(
  'a script ends long before its slow client, and the client gets everything',
  SLOW,
  async (t) => {
    const directory = await temporaryDirectory(t)
    const { run, reply } = await blocked(t, { directory })
    const rest = bytes(3 * 1024 * KiB)
    for (let at = 0; at < rest.length; at += 64 * KiB) run.stdout(rest.subarray(at, at + 64 * KiB))
    run.end()
    await until('the file', () => openFilesIn(directory)[0] ?? 0 > 2 * 1024 * KiB)
    assert.equal(reply.text, 'first')
    assert.equal(reply.outcome, undefined)
    reply.drain()
    await until('the end', () => reply.outcome)
    assert.equal(reply.outcome, 'complete')
    assert.equal(hash(reply.body), hash(Buffer.concat([Buffer.from('first'), rest])))
    assert.deepEqual(openFilesIn(directory), [])
  },
)

test('a client that keeps up gets each chunk as it comes, and no file is made', SLOW, async (t) => {
  const directory = await temporaryDirectory(t)
  const { run, reply } = play(t, { directory, memory: 0 })
  run.stdout(HEAD)
  for (let count = 1; count <= 40; count++) {
    run.stdout(bytes(50 * KiB))
    await nextTurn()
    assert.equal(reply.body.length, count * 50 * KiB)
    assert.deepEqual(openFilesIn(directory), [])
  }
  run.end()
  assert.equal(reply.outcome, 'complete')
})

test('what fits into memory makes no file', SLOW, async (t) => {
  const directory = await temporaryDirectory(t)
  const { run, reply } = await blocked(t, { directory, memory: 8 * KiB })
  run.stdout(bytes(4 * KiB))
  run.stdout(bytes(4 * KiB))
  await nextTurn()
  assert.deepEqual(openFilesIn(directory), [])
  run.stdout('x')
  await until('a file', () => openFilesIn(directory)[0] === 1)
  reply.drain()
})

test('PHP waits when the file is full, and goes on once it was taken', SLOW, async (t) => {
  const directory = await temporaryDirectory(t)
  const limit = 256 * KiB
  const { run, reply } = await blocked(t, { directory, memory: 0, maxFile: limit })
  let sent = Buffer.from('first')
  for (let round = 0; round < 5; round++) {
    while (!run.paused) {
      const chunk = bytes(50 * KiB, sent.length)
      run.stdout(chunk)
      sent = Buffer.concat([sent, chunk])
    }
    await until('the file', () => openFilesIn(directory)[0]! >= limit)
    assert.ok(
      openFilesIn(directory)[0]! <= limit + 50 * KiB,
      'the file is used from its front again',
    )
    reply.drain()
    await until('PHP may go on', () => !run.paused)
    await until('all of it', () => reply.body.length === sent.length)
    assert.equal(hash(reply.body), hash(sent))
    await until('the room on the disk is given back', () => openFilesIn(directory)[0] === 0)
    reply.room = 0
    run.stdout('.')
    sent = Buffer.concat([sent, Buffer.from('.')])
  }
  run.end()
  reply.drain()
  await until('the end', () => reply.outcome)
  assert.equal(hash(reply.body), hash(sent))
})

test(
  'what still comes after PHP was told to wait does not make anybody forget to wake it',
  SLOW,
  async (t) => {
    const directory = await temporaryDirectory(t)
    const { run, reply } = await blocked(t, { directory, memory: 0, maxFile: 4 * KiB })
    run.stdout(bytes(4 * KiB))
    await until('the file', () => openFilesIn(directory)[0] === 4 * KiB)
    assert.equal(run.paused, true)
    reply.drain()
    for (let late = 0; late < 20; late++) {
      run.stdout('late')
      await nextTurn()
    }
    await until('PHP may go on', () => !run.paused)
    run.end()
    await until('the end', () => reply.outcome === 'complete')
    assert.equal(reply.body.length, 5 + 4 * KiB + 20 * 4)
  },
)

for (const [how, cut] of [
  ['the script fails', ({ run }: Played) => run.fail(new Error('the backend died'))],
  ['the client goes away', ({ reply }: Played) => reply.disconnect()],
] as const) {
  test(
    `when ${how} in the middle, the answer has no end, and its file is gone`,
    SLOW,
    async (t) => {
      const directory = await temporaryDirectory(t)
      const played = await blocked(t, { directory, memory: KiB })
      const { run, reply } = played
      run.stdout(bytes(100 * KiB))
      await until('the file', () => openFilesIn(directory)[0] === 100 * KiB)
      // Two more are on their way in and out of the file while it happens.
      run.stdout(bytes(100 * KiB))
      reply.drain(1)
      cut(played)
      const given = reply.chunks.length
      assert.match(reply.outcome!, /aborted|closed/)
      await until('the file is closed', () => openFilesIn(directory).length === 0)
      assert.equal(run.over, true)
      reply.drain()
      for (let turn = 0; turn < 5; turn++) await nextTurn()
      assert.equal(reply.chunks.length, given)
    },
  )
}

test('on a full disk PHP waits, nothing is lost, and somebody is told once', SLOW, async (t) => {
  const directory = await smallDisk(t)
  if (directory === undefined) return t.skip(NO_SMALL_DISK)
  const { run, reply, log } = await blocked(t, { directory, memory: KiB })
  let sent = Buffer.from('first')
  const more = (): void => {
    const chunk = bytes(64 * KiB, sent.length)
    run.stdout(chunk)
    sent = Buffer.concat([sent, chunk])
  }
  await until('the disk is full, and PHP waits', () => {
    if (!run.paused) more()
    return log.entries.length > 0 && run.paused
  })
  reply.drain()
  await until('PHP may go on', () => !run.paused)
  await until('all of it', () => reply.body.length === sent.length)
  assert.equal(hash(reply.body), hash(sent))
  reply.room = 0
  while (!run.paused) more()
  run.end()
  reply.drain()
  await until('the end', () => reply.outcome === 'complete')
  assert.equal(hash(reply.body), hash(sent))
  assert.equal(log.entries.length, 1, log.text)
  assert.equal(log.entries[0]!.level, 'warn')
  assert.match(String(log.entries[0]!.fields['error']), /ENOSPC.*make room/)
})

test('where no file can be made, PHP waits for the client', async (t) => {
  const directory = `${await temporaryDirectory(t)}/nowhere`
  const { run, reply, log } = await blocked(t, { directory, memory: KiB })
  run.stdout(bytes(KiB))
  assert.equal(run.paused, false)
  run.stdout(bytes(KiB, KiB))
  await until('somebody is told', () => log.entries.length > 0)
  assert.match(String(log.entries[0]!.fields['error']), /cannot open a temporary file in .*nowhere/)
  run.stdout('late')
  assert.equal(run.paused, true)
  reply.drain()
  assert.equal(run.paused, false)
  run.end()
  assert.equal(reply.outcome, 'complete')
  assert.equal(reply.body.length, 9 + 2 * KiB)
  assert.equal(log.entries.length, 1)
})

test('maxFile: 0 makes no file, and does not hold up what a fast client takes', SLOW, async (t) => {
  const directory = await temporaryDirectory(t)
  const { run, reply } = play(t, { directory, memory: KiB, maxFile: 0 })
  run.stdout(HEAD)
  run.stdout('first')
  await nextTurn()
  assert.equal(run.paused, false)
  reply.room = 1
  run.stdout('second')
  assert.equal(run.paused, false, 'there is room in memory')
  run.stdout(bytes(2 * KiB))
  assert.equal(run.paused, true)
  await nextTurn()
  assert.deepEqual(openFilesIn(directory), [])
  reply.drain()
  assert.equal(run.paused, false)
  run.end()
  assert.equal(reply.body.length, 11 + 2 * KiB)
  assert.equal(reply.outcome, 'complete')
})

for (const head of [
  'Content-Type: text/event-stream\r\n\r\n',
  'X-Accel-Buffering: no\r\nContent-Type: text/html\r\n\r\n',
]) {
  test(
    `an answer with ${head.split('\r\n', 1)[0]} goes out chunk by chunk, and PHP waits for a slow client`,
    SLOW,
    async (t) => {
      const directory = await temporaryDirectory(t)
      const { run, reply } = play(t, { directory, memory: 0 })
      run.stdout(head)
      await nextTurn()
      assert.equal(reply.status, 200, 'the head does not wait for the first event')
      for (const event of ['data: 1\n\n', 'data: 2\n\n']) {
        run.stdout(event)
        await nextTurn()
        assert.equal(Buffer.from(reply.chunks.at(-1)!).toString(), event)
      }
      reply.room = 1
      run.stdout('data: 3\n\n')
      assert.equal(run.paused, true)
      run.stdout('data: 4\n\n')
      assert.deepEqual(openFilesIn(directory), [])
      reply.drain()
      assert.equal(run.paused, false)
      assert.equal(reply.chunks.length, 4)
    },
  )
}

test('a client that takes nothing for response.timeout is disconnected; one that takes a little is not', async (t) => {
  const { run, reply } = await blocked(t, { timeout: 0 })
  run.stdout(bytes(10))
  const slow = await blocked(t, { timeout: 1000, memory: 1024 * KiB })
  for (let chunk = 0; chunk < 5; chunk++) slow.run.stdout(bytes(64 * KiB))
  t.mock.timers.enable({ apis: ['setTimeout'] })
  slow.reply.drain(1)
  for (let piece = 0; piece < 3; piece++) {
    t.mock.timers.tick(999)
    assert.equal(slow.reply.outcome, undefined)
    slow.reply.drain(1)
  }
  t.mock.timers.tick(1000)
  assert.equal(slow.reply.outcome, 'aborted')
  assert.match(String(slow.reply.reason), /took nothing .*1000 ms \(response.timeout\)/)
  assert.equal(slow.run.over, true)
  t.mock.timers.tick(1_000_000)
  assert.equal(reply.outcome, undefined, '0 waits for ever')
})

test('the last bytes have to be taken, too', async (t) => {
  const { run, reply } = play(t, { timeout: 1000 })
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let ended = false
  // As a socket that takes its time: everything is handed over, and not yet gone.
  reply.end = () => (ended = true)
  run.stdout(HEAD)
  run.stdout('all')
  await nextTurn()
  run.end()
  assert.equal(ended, true)
  t.mock.timers.tick(999)
  reply.drain()
  t.mock.timers.tick(999)
  assert.equal(reply.outcome, undefined)
  t.mock.timers.tick(1)
  assert.equal(reply.outcome, 'aborted')
})
