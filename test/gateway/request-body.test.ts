// Request bodies: whole and of a known length before PHP sees them, whatever the client does.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import { HttpRequestError, Pool, type StdinBody } from '@fastcgi/client'
import { serve } from '@fastcgi/client/responder'
import { type IncomingBody, type RequestBodyOptions } from '@fastcgi/gateway'
import {
  BodyMemory,
  checkRequestBody,
  SpoolError,
  takeBody,
  type TakenBody,
} from '@fastcgi/gateway/parts'
import {
  bytes,
  listen,
  NO_TINY_DISK,
  openFiles,
  RawClient,
  tinyDisk,
} from '../support/pipe-reply.ts'
import { temporaryDirectory, until } from '../support/process.ts'

const hash = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex')

async function contentOf(stdin: StdinBody): Promise<Buffer> {
  if (stdin instanceof Uint8Array) return Buffer.from(stdin)
  const chunks: Uint8Array[] = []
  for await (const chunk of stdin as AsyncIterable<Uint8Array>) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** A body of these chunks; it notes what was asked of it. */
class Chunks implements IncomingBody {
  readonly length: number | undefined
  read = 0
  returned = false
  readonly #chunks: readonly (Uint8Array | Promise<Uint8Array>)[]

  constructor(chunks: readonly (Uint8Array | Promise<Uint8Array>)[], length?: number) {
    this.#chunks = chunks
    this.length = length
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return {
      next: async () => {
        if (this.read === this.#chunks.length) return { done: true, value: undefined }
        return { done: false, value: await this.#chunks[this.read++]! }
      },
      return: () => {
        this.returned = true
        return Promise.resolve({ done: true, value: undefined })
      },
    }
  }
}

const never = new Promise<Uint8Array>(() => {})

function take(
  body: IncomingBody,
  options: RequestBodyOptions = {},
  memory?: BodyMemory,
): Promise<TakenBody> {
  const rules = checkRequestBody(options)
  return takeBody(body, rules, memory ?? new BodyMemory(rules.totalMemory))
}

/** What became of the body of one request to a real server. */
async function upload(
  t: TestContext,
  options: RequestBodyOptions,
  text: string,
): Promise<{ client: RawClient; outcome: Promise<TakenBody> }> {
  let settle!: (outcome: Promise<TakenBody>) => void
  const visited = new Promise<TakenBody>((resolve) => (settle = resolve))
  visited.catch(() => {})
  const port = await listen(t, ({ body, reply }) => {
    const taken = take(body, options)
    settle(taken)
    const answer = (status: number): void => {
      reply.head(status, '', [['connection', 'close']])
      reply.end()
    }
    taken.then(
      () => answer(200),
      (error: unknown) => answer(error instanceof HttpRequestError ? error.status : 500),
    )
  })
  const client = new RawClient(t, port, text)
  client.read()
  return { client, outcome: visited }
}

function refused(status: number, pattern: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof HttpRequestError, String(error))
    assert.equal(error.status, status)
    assert.match(error.message, pattern)
    return true
  }
}

test('a small body that fits is in memory, as bytes', async (t) => {
  const directory = await temporaryDirectory(t)
  const body = bytes(1000)
  const parts = [body.subarray(0, 1), body.subarray(1, 600), body.subarray(600)]
  const taken = await take(new Chunks(parts, 1000), { memory: 1000, directory })
  assert.equal(taken.spooled, 'memory')
  assert.equal(taken.length, 1000)
  assert.ok(taken.stdin instanceof Uint8Array)
  assert.deepEqual(Buffer.from(taken.stdin), Buffer.from(body))
  assert.deepEqual(openFiles(directory) ?? [], [])
})

test('one byte more goes to a file, which can be read again until it is given back', async (t) => {
  const directory = await temporaryDirectory(t)
  const body = bytes(1001)
  const parts = [body.subarray(0, 1000), body.subarray(1000)]
  const taken = await take(new Chunks(parts), { memory: 1000, directory })
  assert.equal(taken.spooled, 'file')
  assert.equal(taken.length, 1001)
  assert.equal(hash(await contentOf(taken.stdin)), hash(body))
  assert.equal(hash(await contentOf(taken.stdin)), hash(body))
  taken.dispose()
  await until('the file is given back', () => (openFiles(directory) ?? []).length === 0)
})

test('bodies keep little in memory while all of them together have used it up', async (t) => {
  const directory = await temporaryDirectory(t)
  const memory = new BodyMemory(100_000)
  const one = (length: number): Promise<TakenBody> =>
    take(new Chunks([bytes(length)]), { directory, memory: 1_000_000 }, memory)
  const first = await one(99_999)
  const small = await one(16 * 1024)
  const large = await one(16 * 1024 + 1)
  assert.deepEqual([first.spooled, small.spooled, large.spooled], ['memory', 'memory', 'file'])
  assert.equal(memory.used, 99_999 + 16 * 1024)
  first.dispose()
  first.dispose()
  const later = await one(60_000)
  assert.equal(later.spooled, 'memory')
  for (const taken of [small, large, later]) taken.dispose()
  assert.equal(memory.used, 0)
})

test('a body that fails gives its memory back, also what is being written', async (t) => {
  const directory = await temporaryDirectory(t)
  const memory = new BodyMemory(100_000)
  const cut = Promise.reject(new Error('cut'))
  cut.catch(() => {})
  const broken = [bytes(80_000), bytes(300_000), bytes(300_000), cut]
  for (const limit of [0, 1_000_000]) {
    await assert.rejects(take(new Chunks(broken), { directory, memory: limit }, memory), /cut/)
    assert.equal(memory.used, 0)
  }
})

test('a large upload in pieces of every size is exact', async (t) => {
  const directory = await temporaryDirectory(t)
  const body = bytes(3_000_000)
  const parts: Uint8Array[] = []
  for (let at = 0, size = 1; at < body.length; at += size, size = (size * 7) % 65_521) {
    parts.push(body.subarray(at, at + size))
  }
  const taken = await take(new Chunks(parts, body.length), { directory })
  assert.equal(hash(await contentOf(taken.stdin)), hash(body))
  taken.dispose()
})

test('a chunked upload over HTTP gets its length', async (t) => {
  const text =
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n'
  const { outcome } = await upload(t, {}, text)
  const { length, stdin } = await outcome
  assert.equal(length, 7)
  assert.equal((await contentOf(stdin)).toString(), 'abcdefg')
})

test('an announced length that is too large is refused before anything is read', async () => {
  const body = new Chunks([bytes(101)], 101)
  await assert.rejects(take(body, { maxSize: 100 }), refused(413, /larger than 100 bytes/))
  assert.equal(body.read, 0)
  const stream = new Chunks([bytes(101)], 101)
  await assert.rejects(take(stream, { maxSize: 100, mode: 'stream' }), refused(413, /maxSize/))
  assert.equal(stream.read, 0)
})

test('a client that waits for 100 Continue is told to go on, unless its body is too large', async (t) => {
  const head = 'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n'
  const large = await upload(t, { maxSize: 4 }, head)
  await assert.rejects(large.outcome, refused(413, /maxSize/))
  await large.client.ended
  assert.match(large.client.text, /^HTTP\/1\.1 413 /)
  const fitting = await upload(t, { maxSize: 5 }, head)
  await until('100 Continue', () => fitting.client.text.startsWith('HTTP/1.1 100 '))
  fitting.client.socket.write('hello')
  assert.equal((await fitting.outcome).length, 5)
})

test('a chunked upload is refused as soon as it is too large, not at its end', async (t) => {
  const directory = await temporaryDirectory(t)
  const body = new Chunks([bytes(60), bytes(60), never])
  const options = { maxSize: 100, memory: 10, directory }
  await assert.rejects(take(body, options), refused(413, /larger than 100 bytes/))
  assert.equal(body.returned, true)
  await until('the file is given back', () => (openFiles(directory) ?? []).length === 0)
  assert.equal((await take(new Chunks([bytes(60), bytes(40)]), { maxSize: 100 })).length, 100)
  assert.equal((await take(new Chunks([bytes(6000)], 6000), { maxSize: 0 })).length, 6000)
})

test('a body that is not as long as announced is refused', async () => {
  await assert.rejects(take(new Chunks([bytes(9)], 10)), refused(400, /has 9 bytes, and 10/))
  const long = new Chunks([bytes(9), bytes(9), never], 10)
  await assert.rejects(take(long), refused(400, /has 18 bytes, and 10/))
})

test('an upload that stands still is given up, and nothing of it is left', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const body = new Chunks([bytes(100), never], 1000)
  const taken = take(body, { timeout: 5000, memory: 1_000_000 })
  const rejected = assert.rejects(taken, refused(408, /came for 5000 ms, after 100 bytes/))
  while (body.read < 2) await Promise.resolve()
  t.mock.timers.tick(5000)
  await rejected
  assert.equal(body.returned, true)
})

test('an upload that stands still over HTTP is answered with 408', async (t) => {
  const directory = await temporaryDirectory(t)
  const text = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nonly this'
  const { client, outcome } = await upload(t, { timeout: 30, memory: 4, directory }, text)
  await assert.rejects(outcome, refused(408, /after 9 bytes/))
  await client.ended
  assert.match(client.text, /^HTTP\/1\.1 408 /)
  await until('the file is given back', () => (openFiles(directory) ?? []).length === 0)
})

test('an upload that crawls is given up, however often it moves', async (t) => {
  const options = { timeout: 100, minRate: 1_000_000_000 }
  const head = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n'
  const { client, outcome } = await upload(t, options, head)
  const dribble = setInterval(() => client.socket.write('x'), 2)
  t.after(() => clearInterval(dribble))
  await assert.rejects(outcome, refused(408, /bytes per second on average, and 1000000000/))
})

test('without limits of time a slow upload is taken', async (t) => {
  const timers = t.mock.method(globalThis, 'setTimeout')
  await take(new Chunks([bytes(1), bytes(1)], 2), { timeout: 0 })
  assert.equal(timers.mock.callCount(), 0)
})

test('a client that goes away in the middle leaves nothing behind', async (t) => {
  const directory = await temporaryDirectory(t)
  const text = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n${'x'.repeat(50_000)}`
  const { client, outcome } = await upload(t, { memory: 10, directory }, text)
  if (process.platform === 'linux') {
    await until('the file is there', () => openFiles(directory)!.length > 0)
  }
  client.socket.resetAndDestroy()
  await assert.rejects(outcome, /aborted/)
  await until('the file is given back', () => (openFiles(directory) ?? []).length === 0)
})

test('a full disk refuses the upload with 507 and says why', async (t) => {
  const directory = await tinyDisk(t)
  if (directory === undefined) return t.skip(NO_TINY_DISK)
  const parts = Array.from({ length: 40 }, (_, at) => bytes(64 * 1024, at + 1))
  const body = new Chunks([...parts, never])
  await assert.rejects(take(body, { directory, memory: 1000 }), (error) => {
    assert.ok(error instanceof SpoolError)
    assert.equal(error.status, 507)
    assert.equal(error.isFull, true)
    assert.match(error.message, /requestBody\.directory/)
    return true
  })
  assert.equal(body.returned, true)
  await until('the file is given back', () => (openFiles(directory) ?? []).length === 0)
})

test('a disk that is full only for the last bytes refuses the upload as well', async (t) => {
  const directory = await tinyDisk(t)
  if (directory === undefined) return t.skip(NO_TINY_DISK)
  const body = new Chunks([bytes(1000 * 1024), bytes(60 * 1024)])
  await assert.rejects(take(body, { directory, memory: 1000 }), /ENOSPC/)
})

test('the pool sends what is in a file as it sends what is in memory', async (t) => {
  const server = await serve(
    async ({ stdin }, reply) => {
      for await (const chunk of stdin) await reply.stdout(chunk)
    },
    { listen: '127.0.0.1:0' },
  )
  const pool = new Pool(server.address)
  t.after(async () => {
    pool.destroy()
    await server.destroy()
  })
  const body = bytes(1_000_000)
  for (const memory of [0, 2_000_000]) {
    const taken = await take(new Chunks([body], body.length), { memory })
    const { stdin, length } = taken
    const params = { REQUEST_METHOD: 'POST', CONTENT_LENGTH: String(length) }
    const { stdout } = await pool.execute({ params, stdin })
    taken.dispose()
    assert.equal(hash(stdout), hash(body))
  }
})

test('a streamed body is read as it is asked for, and keeps its limits', async () => {
  const body = new Chunks([bytes(10), bytes(10, 2), bytes(10, 3)], 30)
  const taken = await take(body, { mode: 'stream' })
  assert.equal(taken.spooled, undefined)
  assert.equal(taken.length, 30)
  assert.equal(body.read, 0)
  const stdin = (taken.stdin as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]()
  await stdin.next()
  assert.equal(body.read, 1)
  await stdin.return?.()
  assert.equal(body.returned, true)
  const short = await take(new Chunks([bytes(10)], 30), { mode: 'stream' })
  await assert.rejects(contentOf(short.stdin), refused(400, /has 10 bytes, and 30/))
})

test('a streamed body that stands still is given up, but not while the backend takes its time', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const body = new Chunks([bytes(10), never], 30)
  const { stdin } = await take(body, { mode: 'stream', timeout: 5000 })
  const chunks = (stdin as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]()
  await chunks.next()
  t.mock.timers.tick(4999)
  const rejected = assert.rejects(chunks.next(), refused(408, /after 10 bytes/))
  while (body.read < 2) await Promise.resolve()
  t.mock.timers.tick(5000)
  await rejected
})

test('a streamed body of unknown length is taken to its end first', async () => {
  const taken = await take(new Chunks([bytes(10)]), { mode: 'stream' })
  assert.equal(taken.length, 10)
  assert.equal(taken.spooled, 'memory')
})

test('options for bodies that cannot be are refused by their names', () => {
  const mode = (): unknown => checkRequestBody({ mode: 'fast' as never })
  assert.throws(mode, /^TypeError: requestBody\.mode must be 'buffer' or 'stream', not "fast"/)
  assert.throws(() => checkRequestBody({ maxSize: -1 }), /requestBody\.maxSize must be a whole/)
  assert.throws(() => checkRequestBody({ directory: '' }), /requestBody\.directory must be a text/)
  assert.throws(() => checkRequestBody({ size: 1 } as never), /requestBody.*size/)
  assert.deepEqual(checkRequestBody(), {
    mode: 'buffer',
    maxSize: 134_217_728,
    memory: 2_097_152,
    totalMemory: 67_108_864,
    directory: undefined,
    timeout: 30_000,
    minRate: 64,
  })
})
