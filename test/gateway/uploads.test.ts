// Request bodies: taken whole before a script runs, or passed on as they come; never too large, never too slow, and nothing is left behind.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { connect, type Socket } from 'node:net'
import { describe, test, type TestContext } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { MockPool } from '@fastcgi/client/testing'
import {
  createGateway,
  type AccessLogEntry,
  type GatewayOptions,
  type IncomingBody,
  type RequestBodyOptions,
} from '@fastcgi/gateway'
import {
  rawRequest,
  RecordingLogger,
  startGateway,
  type RunningGateway,
} from '../support/gateway.ts'
import { HandPlayed } from '../support/hand-played.ts'
import { NO_OPEN_FILES, openFilesIn } from '../support/open-files.ts'
import { PHP_ROOT } from '../support/paths.ts'
import { temporaryDirectory, until } from '../support/process.ts'
import { nextTurn } from '../support/requests.ts'
import { poolOf } from '../support/scripted-pool.ts'
import { portOf, startServer } from '../support/serving.ts'
import { NO_SMALL_DISK, smallDisk } from '../support/small-disk.ts'

const KiB = 1024
const MEMORY = 64 * KiB
const FILES = { skip: NO_OPEN_FILES, timeout: 20_000 }
const OK = 'Content-Type: text/plain\r\n\r\n'

const hash = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex')

function bytes(length: number, seed = 7): Buffer {
  const block = Buffer.alloc(length)
  for (let at = 0; at < length; at++) block[at] = (at * seed + (at >> 8)) & 0xff
  return block
}

interface Uploads extends RunningGateway {
  readonly directory: string
  readonly php: MockPool
  /** How many temporary files there were when each script ran. */
  readonly files: number[]
}

/** A gateway whose script says what it got. */
async function startUploads(
  t: TestContext,
  requestBody: RequestBodyOptions = {},
): Promise<Uploads> {
  const directory = await temporaryDirectory(t)
  const files: number[] = []
  const php = new MockPool().on('*', ({ params, stdin }) => {
    files.push(openFilesIn(directory).length)
    return { stdout: `${OK}${params.get('CONTENT_LENGTH')} ${hash(stdin)}` }
  })
  const options = { directory, memory: MEMORY, ...requestBody }
  const running = await startGateway(t, { backend: php, requestBody: options })
  return { ...running, directory, php, files }
}

/** A whole upload by a real client. */
function upload(
  port: number,
  body: Buffer,
  { chunked = false, method = 'POST' } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = chunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': body.length }
    const request = httpRequest({ port, method, path: '/hello.php', headers, agent: false })
    request.on('error', reject)
    request.on('response', (response) => {
      let text = ''
      response.setEncoding('latin1').on('data', (chunk: string) => (text += chunk))
      response.on('end', () => resolve(`${response.statusCode} ${text}`))
    })
    const pieces = chunked ? Math.ceil(body.length / 10_000) : 0
    for (let piece = 0; piece < pieces; piece++) {
      request.write(body.subarray(piece * 10_000, (piece + 1) * 10_000))
    }
    request.end(chunked ? undefined : body)
  })
}

/** The beginning of an upload that goes on by hand. */
function begin(t: TestContext, port: number, head: string, body = ''): Socket & { text: string } {
  const socket = Object.assign(connect(port, '127.0.0.1'), { text: '' })
  t.after(() => socket.destroy())
  socket.on('error', () => {})
  socket.on('data', (chunk: Buffer) => (socket.text += chunk.toString('latin1')))
  socket.write(`POST /hello.php HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${head}\r\n\r\n${body}`)
  return socket
}

/** Chunks that come when the test gives them. */
class ByHand implements IncomingBody {
  readonly length: number | undefined
  /** How many were asked for. */
  asked = 0
  returned = false
  #give: ((result: IteratorResult<Uint8Array>) => void) | undefined

  constructor(length?: number) {
    this.length = length
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return {
      next: () => {
        this.asked++
        return new Promise((resolve) => (this.#give = resolve))
      },
      return: () => {
        this.returned = true
        return Promise.resolve({ done: true, value: undefined })
      },
    }
  }

  give(text: string): void {
    this.#give?.({ done: false, value: Buffer.from(text) })
  }

  end(): void {
    this.#give?.({ done: true, value: undefined })
  }
}

/** A request whose body comes by the hand of the test. */
function receive(
  body: IncomingBody,
  options: GatewayOptions,
): { answer: Promise<Response>; log: RecordingLogger } {
  const log = new RecordingLogger()
  const gateway = createGateway({
    root: PHP_ROOT,
    logger: log,
    use: [
      (next) => (exchange) => {
        const came = exchange.request
        exchange.request = new Proxy(came, {
          get: (_, name) => {
            const value: unknown = name === 'body' ? body : Reflect.get(came, name, came)
            return typeof value === 'function' ? value.bind(came) : value
          },
        })
        return next(exchange)
      },
    ],
    ...options,
  })
  const method = 'POST'
  return { answer: gateway.fetch(new Request('http://a.example/hello.php', { method })), log }
}

describe('a body that is taken whole', () => {
  for (const size of [0, 1, MEMORY - 1, MEMORY, MEMORY + 1, 5 * 1024 * KiB]) {
    for (const chunked of [false, true]) {
      const where = size > MEMORY ? 'by a file' : 'in memory'
      const how = chunked ? 'without a length' : 'with its length'
      test(`of ${size} bytes ${how} reaches the script exactly, ${where}`, FILES, async (t) => {
        const { port, directory, files } = await startUploads(t)
        const body = bytes(size)
        const length = size === 0 && !chunked ? '' : String(size)
        const answer = await upload(port, body, { chunked })
        assert.match(answer, new RegExp(`^200 (?:${length || '0|undefined'}) ${hash(body)}$`))
        assert.deepEqual(files, [size > MEMORY ? 1 : 0])
        await until('no file is left', () => openFilesIn(directory).length === 0)
      })
    }
  }

  test('comes with a GET as well', FILES, async (t) => {
    const { port } = await startUploads(t)
    assert.equal(
      await upload(port, Buffer.from('query'), { method: 'GET' }),
      `200 5 ${hash(Buffer.from('query'))}`,
    )
  })

  test('is not mixed up with others that come at the same time', FILES, async (t) => {
    const { port, directory } = await startUploads(t)
    const bodies = [3, 5, 7, 11, 13, 17, 19, 23].map((seed) => bytes(1024 * KiB + seed, seed))
    const answers = await Promise.all(
      bodies.map((body, index) => upload(port, body, { chunked: index % 2 === 0 })),
    )
    assert.deepEqual(
      answers,
      bodies.map((body) => `200 ${body.length} ${hash(body)}`),
    )
    await until('no file is left', () => openFilesIn(directory).length === 0)
  })

  test('does not run the script before its last byte is there', async (t) => {
    const { port, php } = await startUploads(t)
    const client = begin(t, port, 'Content-Length: 4', 'abc')
    const other = await upload(port, Buffer.from('x'))
    assert.match(other, /^200/)
    assert.equal(php.calls.length, 1, 'only the other one has run')
    client.write('d')
    await until('the answer', () => client.text.includes(hash(Buffer.from('abcd'))))
  })

  test('in single bytes takes no more memory than its bytes', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const heap = (): number => {
      collect()
      return process.memoryUsage().heapUsed
    }
    const count = 100_000
    const before = heap()
    let during = 0
    const body: IncomingBody = {
      length: undefined,
      // oxlint-disable-next-line require-await -- the iterator of a body is asynchronous
      async *[Symbol.asyncIterator]() {
        for (let sent = 0; sent < count; sent++) yield Buffer.from([sent & 0xff])
        during = heap()
      },
    }
    const php = new MockPool().on('*', ({ stdin }) => ({ stdout: `${OK}${stdin.length}` }))
    const { answer } = receive(body, { backend: php })
    assert.equal(await (await answer).text(), String(count))
    assert.ok(during - before < 4_000_000, `${during - before} bytes for ${count}`)
  })

  test('is given up with its file when the client goes away', FILES, async (t) => {
    const { port, directory, php, gateway, log } = await startUploads(t)
    const client = begin(t, port, 'Content-Length: 1000000', 'x'.repeat(200_000))
    await until('the file', () => openFilesIn(directory).length === 1)
    client.destroy()
    await until('no file is left', () => openFilesIn(directory).length === 0)
    await until('it is over', () => gateway.active === 0)
    assert.equal(php.calls.length, 0)
    assert.deepEqual(
      log.entries.filter(({ level }) => level !== 'info'),
      [],
    )
  })

  test('that the disk does not take is 507, and the log says what to do', FILES, async (t) => {
    const directory = await smallDisk(t)
    if (directory === undefined) return t.skip(NO_SMALL_DISK)
    const { port, php, log } = await startUploads(t, { directory })
    const answer = await upload(port, bytes(5 * 1024 * KiB), { chunked: true })
    assert.match(answer, /^507 507 No room/)
    assert.equal(php.calls.length, 0)
    assert.equal(log.entries.length, 1)
    assert.equal(log.entries[0]!.level, 'error')
    assert.match(log.text, /cannot write to a temporary file in \S+ \(ENOSPC: .*\): make room/)
    await until('no file is left', () => openFilesIn(directory).length === 0)
    assert.match(await upload(port, bytes(100 * KiB)), /^200/, 'the room is there again')
  })

  test('that finds no folder for its file is 507', async (t) => {
    const { port, log } = await startUploads(t, { directory: '/nowhere/at/all' })
    assert.match(await upload(port, bytes(MEMORY + 1)), /^507/)
    assert.match(log.text, /cannot open a temporary file in \/nowhere\/at\/all \(ENOENT/)
    assert.match(await upload(port, bytes(MEMORY)), /^200/)
  })
})

describe('a body that is too large', () => {
  test('by its length is 413 before anything of it is read', async () => {
    const body = new ByHand(11)
    const { answer } = receive(body, { backend: new MockPool(), requestBody: { maxSize: 10 } })
    assert.equal((await answer).status, 413)
    assert.equal(body.asked, 0)
  })

  for (const mode of ['buffer', 'stream'] as const) {
    test(`is 413 once it is (${mode}), and no script runs`, FILES, async (t) => {
      const { port, php, directory } = await startUploads(t, { mode, maxSize: 100 * KiB })
      assert.match(await upload(port, bytes(100 * KiB), { chunked: true }), /^200/)
      const client = begin(t, port, 'Transfer-Encoding: chunked', `${(200 * KiB).toString(16)}\r\n`)
      client.write('x'.repeat(150 * KiB))
      await until('the answer', () => client.text.startsWith('HTTP/1.1 413'))
      assert.equal(php.calls.length, 1)
      await until('no file is left', () => openFilesIn(directory).length === 0)
    })
  }

  test('is never asked for with 100, and counts as answered', async (t) => {
    const entries: AccessLogEntry[] = []
    const server = await startServer(t, {
      backend: new MockPool().on('*', { stdout: `${OK}fine` }),
      requestBody: { maxSize: 10 },
      accessLog: { write: (entry) => entries.push(entry) },
    })
    const head = (length: number): string =>
      `POST /hello.php HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: ${length}\r\n\r\n`
    const port = portOf(server.addresses[0])
    const { text } = await rawRequest(port, head(11))
    assert.match(text, /^HTTP\/1\.1 413 /)
    assert.doesNotMatch(text, /100 Continue/)
    await until('the entry', () => entries.length === 1)
    assert.equal(entries[0]!.status, 413)
    const client = begin(t, port, 'Expect: 100-continue\r\nContent-Length: 10')
    await until('100', () => client.text.startsWith('HTTP/1.1 100 Continue\r\n\r\n'))
    client.write('0123456789')
    await until('200', () => client.text.includes('HTTP/1.1 200'))
  })
})

describe('a body that is too slow', () => {
  for (const mode of ['buffer', 'stream'] as const) {
    test(`because it stands still is 408 (${mode})`, async (t) => {
      const php =
        mode === 'buffer'
          ? new MockPool()
          : poolOf(t, async (peer) => {
              await peer.request()
            })
      const { port, gateway } = await startGateway(t, {
        backend: php,
        requestBody: { mode, timeout: 50 },
      })
      const client = begin(t, port, 'Content-Length: 10', 'abc')
      await until('the answer', () => client.text.startsWith('HTTP/1.1 408'))
      client.destroy()
      await until('it is over', () => gateway.active === 0)
    })
  }

  test('because it crawls is 408', async (t) => {
    const { port, log } = await startUploads(t, { timeout: 100, minRate: 1_000_000 })
    const client = begin(t, port, 'Content-Length: 1000000')
    await until('the answer', () => {
      if (client.writable) client.write('x')
      return client.text.startsWith('HTTP/1.1 408')
    })
    assert.match(log.text, /bytes per second on average, .*requestBody\.minRate/)
  })

  test('is not when it is the backend that takes its time', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const php = new HandPlayed()
    const body = new ByHand(4)
    const { answer } = receive(body, {
      backend: php,
      requestBody: { mode: 'stream', timeout: 1000 },
    })
    while (!php.runs[0]) await nextTurn()
    const stdin = stdinOf(php)
    const first = stdin.next()
    body.give('ab')
    assert.equal(String((await first).value), 'ab')
    t.mock.timers.tick(100_000)
    const second = stdin.next()
    await nextTurn()
    body.give('cd')
    assert.equal(String((await second).value), 'cd')
    const end = stdin.next()
    await nextTurn()
    body.end()
    assert.equal((await end).done, true)
    php.runs[0].stdout(`${OK}fine`)
    php.runs[0].end()
    assert.equal((await answer).status, 200)
  })
})

function stdinOf(php: HandPlayed): AsyncIterator<Uint8Array> {
  return (php.runs[0]!.request.stdin as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]()
}

describe('a body that is passed on as it comes', () => {
  const options: GatewayOptions = { requestBody: { mode: 'stream' } }

  test('begins to reach the script before its last byte was sent', async (t) => {
    const php = new HandPlayed()
    const { port } = await startGateway(t, { backend: php, ...options })
    const client = begin(t, port, 'Content-Length: 6', 'abc')
    await until('the script', () => php.runs[0])
    const stdin = stdinOf(php)
    assert.equal(String((await stdin.next()).value), 'abc')
    client.write('def')
    assert.equal(String((await stdin.next()).value), 'def')
    assert.equal((await stdin.next()).done, true)
    php.runs[0]!.stdout(`${OK}fine`)
    php.runs[0]!.end()
    await until('the answer', () => client.text.includes('fine'))
  })

  test('and turns out too short never ends like a whole one', async (t) => {
    const php = new HandPlayed()
    const { port } = await startGateway(t, { backend: php, ...options })
    const client = begin(t, port, 'Content-Length: 6', 'abc')
    await until('the script', () => php.runs[0])
    const stdin = stdinOf(php)
    await stdin.next()
    client.destroy()
    await assert.rejects(async () => stdin.next())
    await until('the script is given up', () => php.runs[0]!.aborted)
  })

  test('and says another length than it has is 400', async (t) => {
    const pool = poolOf(t, async (peer) => {
      await peer.request()
    })
    const body = new ByHand(6)
    const { answer, log } = receive(body, { backend: pool, ...options })
    await until('it is read', () => body.asked === 1)
    body.give('abc')
    await until('more is wanted', () => body.asked === 2)
    body.end()
    assert.equal((await answer).status, 400)
    assert.match(log.text, /has 3 bytes, and 6 were announced/)
  })

  test('without a length is taken whole all the same', FILES, async (t) => {
    const { port, files } = await startUploads(t, { mode: 'stream' })
    const body = bytes(MEMORY + 1)
    assert.equal(await upload(port, body, { chunked: true }), `200 ${body.length} ${hash(body)}`)
    assert.deepEqual(files, [1])
  })
})
