// Compression on the way out: only what is worth it, for those who take it, and never at the price of a page that is held back.

import assert from 'node:assert/strict'
import { syncBuiltinESMExports } from 'node:module'
import { test, type TestContext } from 'node:test'
import zlib from 'node:zlib'
import { type HeaderFields } from '@fastcgi/gateway'
import { checkResponse, CompressedReply, type CompressRules } from '@fastcgi/gateway/parts'
import { bytes, HeldReply, incoming, listen, RawClient } from '../support/pipe-reply.ts'
import { until } from '../support/process.ts'

const RULES: CompressRules = checkResponse().compress!
const TEXT = Buffer.from('The quick brown fox jumps over the lazy dog. '.repeat(2000))
const PAGE: HeaderFields = [['Content-Type', 'text/html; charset=utf-8']]
const hasZstd = 'createZstdCompress' in zlib
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

interface Asked {
  readonly status?: number
  readonly headers?: HeaderFields
  readonly accepts?: string
  readonly method?: string
  readonly known?: string
  readonly rules?: CompressRules
}

function compressed(asked: Asked): { held: HeldReply; reply: CompressedReply } {
  const { status = 200, headers = PAGE, accepts = 'gzip', method, known, rules = RULES } = asked
  const fields: [string, string][] = [['accept-encoding', accepts]]
  if (known !== undefined) fields.push(['if-none-match', known])
  const held = new HeldReply()
  const reply = new CompressedReply(held, incoming(fields, method), rules)
  reply.head(status, '', headers)
  return { held, reply }
}

/** The head that goes out, names in lower case. */
function headOf(asked: Asked): Record<string, string> {
  const { held, reply } = compressed(asked)
  reply.abort()
  const head: Record<string, string> = {}
  for (const [key, value] of held.headers) {
    const name = key.toLowerCase()
    assert.ok(!(name in head), `${name} is there twice`)
    head[name] = value
  }
  return head
}

/** How often gzip was flushed: each time ends with an empty block (RFC 1951 §3.2.4). */
function flushesIn(held: HeldReply): number {
  return held.body.toString('latin1').split('\0\0\xff\xff').length - 1
}

/** The next compressor that is made for gzip. */
function nextGzip(t: TestContext): { readonly made: zlib.Gzip[] } {
  const made: zlib.Gzip[] = []
  const { createGzip } = zlib
  t.mock.method(zlib, 'createGzip', (options: zlib.ZlibOptions) => {
    const gzip = createGzip(options)
    made.push(gzip)
    return gzip
  })
  syncBuiltinESMExports()
  t.after(() => {
    t.mock.restoreAll()
    syncBuiltinESMExports()
  })
  return { made }
}

function decode(held: HeldReply): Buffer {
  const coding = new Map(held.headers).get('content-encoding')
  return coding === 'br' ? zlib.brotliDecompressSync(held.body) : zlib.gunzipSync(held.body)
}

for (const coding of ['br', 'gzip']) {
  test(`a page comes back whole from ${coding}, and is smaller`, async () => {
    const { held, reply } = compressed({ accepts: coding })
    reply.write(TEXT.subarray(0, 10_000))
    reply.end(TEXT.subarray(10_000))
    await until('the end', () => held.outcome === 'complete')
    assert.ok(decode(held).equals(TEXT))
    assert.ok(held.body.length < TEXT.length / 20)
  })
}

test('zstd is used where this runtime has it', async (t) => {
  if (!hasZstd) {
    assert.equal(headOf({ accepts: 'zstd' })['content-encoding'], undefined)
    return t.skip('this Node.js has no zstd: it is left out')
  }
  const { held, reply } = compressed({ accepts: 'zstd' })
  reply.end(TEXT)
  await until('the end', () => held.outcome === 'complete')
  const { zstdDecompressSync } = zlib as unknown as { zstdDecompressSync: typeof zlib.gunzipSync }
  assert.ok(zstdDecompressSync(held.body).equals(TEXT))
})

const CHOICES: readonly [accepts: string, coding: string | undefined][] = [
  ['gzip, deflate, br', 'br'],
  ['gzip;q=1, br;q=0.5', 'gzip'],
  ['br;q=0, gzip', 'gzip'],
  ['*', 'br'],
  ['identity', undefined],
  ['identity;q=1, gzip;q=0.5', undefined],
  ['gzip;q=0', undefined],
  ['*;q=0', undefined],
  ['deflate', undefined],
  ['', undefined],
  [';;,q=', undefined],
]
for (const [accepts, coding] of CHOICES) {
  test(`a client that accepts ${JSON.stringify(accepts)} gets ${coding ?? 'the page as it is'}`, () => {
    assert.equal(headOf({ accepts })['content-encoding'], coding)
  })
}

test('the head of a compressed answer tells what it is now', () => {
  const headers: HeaderFields = [
    ['Content-Type', 'text/css'],
    ['Content-Length', '5000'],
    ['ETag', '"abc"'],
    ['Accept-Ranges', 'bytes'],
    ['Vary', 'Cookie'],
    ['X-Other', 'stays'],
  ]
  const coded = {
    'content-type': 'text/css',
    etag: 'W/"abc"',
    vary: 'Cookie, Accept-Encoding',
    'x-other': 'stays',
    'content-encoding': 'gzip',
  }
  assert.deepEqual(headOf({ headers }), coded)
  assert.deepEqual(headOf({ headers, method: 'HEAD' }), coded)
  const plain = headOf({ headers, accepts: 'identity' })
  assert.equal(plain['vary'], 'Cookie, Accept-Encoding')
  assert.equal(plain['content-length'], '5000')
  assert.equal(plain['etag'], '"abc"')
})

test('Vary is added once, and never to a *', () => {
  const vary = (value: string): string | undefined =>
    headOf({ headers: [...PAGE, ['vary', value]] })['vary']
  assert.equal(vary('*'), '*')
  assert.equal(vary('Accept, accept-encoding'), 'Accept, accept-encoding')
  assert.equal(vary(''), 'Accept-Encoding')
  assert.equal(headOf({})['vary'], 'Accept-Encoding')
})

const UNTOUCHED: readonly [what: string, asked: Asked][] = [
  ['a picture', { headers: [['content-type', 'image/png']] }],
  ['an answer without a type', { headers: [] }],
  ['what is compressed already', { headers: [...PAGE, ['content-encoding', 'br']] }],
  ['what must not be changed', { headers: [...PAGE, ['cache-control', 'public, No-Transform']] }],
  ['what is too small', { headers: [...PAGE, ['content-length', '1023']] }],
  ['a part of a file', { status: 206, headers: [...PAGE, ['content-range', 'bytes 0-4/5']] }],
  ['an answer without a body', { status: 204, headers: PAGE }],
  ['an event stream', { headers: [['content-type', 'text/event-stream; charset=utf-8']] }],
]
for (const [what, asked] of UNTOUCHED) {
  test(`${what} goes out as it is`, () => {
    const { held, reply } = compressed(asked)
    assert.deepEqual(held.headers, asked.headers)
    reply.write(Buffer.from('as it is'))
    reply.end()
    assert.equal(held.body.toString(), 'as it is')
    assert.equal(held.outcome, 'complete')
  })
}

test('types and the smallest size are options', () => {
  const rules = checkResponse({ compress: { minSize: 10, types: ['Image/*', 'a/b'] } }).compress!
  const coding = (type: string, length: string): string | undefined =>
    headOf({
      rules,
      headers: [
        ['content-type', type],
        ['content-length', length],
      ],
    })['content-encoding']
  assert.equal(coding('image/png', '10'), 'gzip')
  assert.equal(coding('A/B; x=y', '10'), 'gzip')
  assert.equal(coding('a/c', '10'), undefined)
  assert.equal(coding('a/b', '9'), undefined)
  assert.equal(checkResponse({ compress: false }).compress, undefined)
})

test('an answer to HEAD has the head of GET, and no body', async () => {
  const { held, reply } = compressed({ method: 'HEAD' })
  reply.end()
  assert.equal(held.outcome, 'complete')
  await turn()
  assert.equal(held.body.length, 0)
})

test('a 304 has the tag that the client knows the answer by', () => {
  const headers: HeaderFields = [['ETag', '"abc"']]
  assert.equal(headOf({ status: 304, headers, known: 'W/"abc"' })['etag'], 'W/"abc"')
  assert.equal(headOf({ status: 304, headers, known: '"abc"' })['etag'], '"abc"')
  assert.equal(headOf({ status: 304, headers })['etag'], '"abc"')
})

for (const coding of ['br', 'gzip']) {
  test(`a page that comes in parts is not held back (${coding})`, async () => {
    const { held, reply } = compressed({ accepts: coding })
    const decoder = coding === 'br' ? zlib.createBrotliDecompress() : zlib.createGunzip()
    let text = ''
    decoder.on('data', (chunk: Buffer) => (text += chunk.toString()))
    let seen = 0
    for (const part of ['first ', 'second ', 'third']) {
      reply.write(Buffer.from(part))
      await until(`"${part}" is out`, () => {
        for (; seen < held.chunks.length; seen++) decoder.write(held.chunks[seen])
        return text.endsWith(part)
      })
    }
    reply.end()
    await until('the end', () => held.outcome === 'complete')
    assert.equal(text, 'first second third')
  })
}

test('what is written in one go is flushed once', async () => {
  const { held, reply } = compressed({})
  for (let at = 0; at < 100; at++) reply.write(Buffer.from(`line ${at}\n`))
  await until('it is out', () => held.chunks.length > 0 && held.body.length > 100)
  for (let turns = 0; turns < 20; turns++) await turn()
  assert.equal(flushesIn(held), 1)
  reply.abort()
})

test('what is written meanwhile is flushed with what was there', async (t) => {
  const { held, reply } = compressed({})
  const later: (() => void)[] = []
  t.mock.method(globalThis, 'setImmediate', (callback: () => void) => later.push(callback))
  reply.write(Buffer.from('first '))
  await until('it is compressed', () => later.length === 1)
  reply.write(Buffer.from('second '))
  later.shift()!()
  reply.write(Buffer.from('third'))
  await until('that is compressed, too', () => later.length === 1)
  later.shift()!()
  const finishFlush = zlib.constants.Z_SYNC_FLUSH
  await until('all of it is out', () => {
    return zlib.gunzipSync(held.body, { finishFlush }).toString() === 'first second third'
  })
  assert.equal(flushesIn(held), 1)
  t.mock.restoreAll()
  reply.abort()
})

test('a slow client holds the source up, and nothing is lost', async () => {
  const { held, reply } = compressed({})
  const body = bytes(4_000_000)
  let at = 0
  const more = (): void => {
    while (at < body.length) {
      const chunk = body.subarray(at, at + 50_000)
      at += chunk.length
      if (!reply.write(chunk)) return
    }
    reply.end()
  }
  reply.onDrain(more)
  held.fast = false
  more()
  await until('the first is out', () => held.chunks.length > 0)
  // As long as it takes to compress all of it twice for clients that are faster.
  for (let round = 0; round < 2; round++) {
    const other = compressed({})
    other.reply.end(body)
    await until('the other is done', () => other.held.outcome === 'complete')
  }
  assert.ok(at < 1_000_000, `${at} bytes were taken for a client that takes nothing`)
  await until('the end', () => {
    held.drain()
    return held.outcome !== undefined
  })
  assert.ok(decode(held).equals(Buffer.from(body)))
})

test('an abort goes through, and no end comes behind it', async () => {
  const { held, reply } = compressed({})
  reply.write(TEXT)
  reply.end()
  const reason = new Error('cut off')
  reply.abort(reason)
  assert.equal(held.outcome, 'aborted')
  assert.equal(held.reason, reason)
  const { length } = held.chunks
  for (let turns = 0; turns < 50; turns++) await turn()
  assert.equal(held.outcome, 'aborted')
  assert.equal(held.chunks.length, length)
})

test('a client that goes away ends the compressor', async (t) => {
  const { made } = nextGzip(t)
  const { held, reply } = compressed({})
  reply.write(TEXT)
  held.leave()
  assert.equal(made[0]?.destroyed, true)
  assert.equal(reply.write(TEXT), true)
  reply.end()
  for (let turns = 0; turns < 50; turns++) await turn()
  assert.equal(held.outcome, 'closed')
})

test('a compressor that fails aborts the answer', async (t) => {
  const { made } = nextGzip(t)
  const { held, reply } = compressed({})
  reply.write(TEXT)
  const failure = new Error('out of memory')
  made[0]?.destroy(failure)
  await until('the answer is over', () => held.outcome)
  assert.equal(held.outcome, 'aborted')
  assert.equal(held.reason, failure)
})

test('a browser gets a page that it can decode, over HTTP', async (t) => {
  const port = await listen(t, ({ request, reply }) => {
    const answer = new CompressedReply(reply, request, RULES)
    answer.head(200, '', [...PAGE, ['content-length', String(TEXT.length)]])
    answer.write(TEXT.subarray(0, 100))
    answer.end(TEXT.subarray(100))
  })
  const response = await fetch(`http://127.0.0.1:${port}/`)
  assert.match(response.headers.get('content-encoding') ?? '', /br|gzip|zstd/)
  assert.ok(Buffer.from(await response.arrayBuffer()).equals(TEXT))
})

test('an answer that is cut off is not whole over HTTP either', async (t) => {
  const port = await listen(t, ({ request, reply }) => {
    const answer = new CompressedReply(reply, request, RULES)
    answer.head(200, '', PAGE)
    answer.write(TEXT)
    setImmediate(() => answer.abort())
  })
  const client = new RawClient(
    t,
    port,
    'GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n',
  )
  client.read()
  await client.ended
  assert.ok(!client.text.endsWith('0\r\n\r\n'))
})
