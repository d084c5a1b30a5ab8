// How files are sent: real files, on a reply that writes everything down.

import assert from 'node:assert/strict'
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { type StaticOptions } from '@fastcgi/gateway'
import { compileStatic, FileTree, sendFile, type ChosenHead } from '@fastcgi/gateway/parts'
import { LONG_AGO, writeTree, type Content } from '../support/file-trees.ts'
import { temporaryDirectory, until } from '../support/process.ts'
import { recordedExchange, type AskedFor, type RecordingReply } from '../support/recording-reply.ts'

const TEXT = '0123456789'.repeat(10)
// Larger than what is read at once, and no multiple of anything.
const LARGE = Buffer.from(Uint8Array.from({ length: 300_001 }, (_, index) => index % 251))

const FILES: Readonly<Record<string, Content>> = {
  'a.txt': TEXT,
  'empty.txt': '',
  'large.bin': LARGE,
  'style.css': 'plain css',
  'style.css.gz': 'gzipped css',
  'style.css.br': 'brotli css',
  'style.css.zst': 'zstd css',
  'photo.jpg': 'jpg',
  'photo.jpg.gz': 'jpg gz',
  'page.html': '<p>',
  'data.json': '{}',
  'feed.xml': '<a/>',
  'LOUD.TXT': 'x',
  README: 'x',
  'what.strange': 'x',
  'build/assets/app-1a2b.js': 'x',
}

interface Sent {
  readonly reply: RecordingReply
  readonly root: string
}

interface Asked extends AskedFor {
  readonly rules?: StaticOptions
  readonly chosen?: ChosenHead
  readonly replyHeaders?: readonly (readonly [string, string])[]
}

async function rootOf(t: TestContext): Promise<string> {
  const root = await temporaryDirectory({ after: (clean) => t.after(clean) })
  writeTree(root, FILES)
  return root
}

/** Sends to the end, and sees that nothing is left open. */
async function send(t: TestContext, path: string, asked: Asked = {}): Promise<RecordingReply> {
  const root = await rootOf(t)
  return (await sendFrom(root, path, asked)).reply
}

async function sendFrom(root: string, path: string, asked: Asked = {}): Promise<Sent> {
  const { exchange, reply } = recordedExchange({ target: path, ...asked })
  exchange.replyHeaders.push(...(asked.replyHeaders ?? []))
  await sendFile(exchange, new FileTree(root), path, compileStatic(asked.rules), asked.chosen)
  await until('everything is closed', () => openBelow(root) === 0)
  return { reply, root }
}

function openBelow(folder: string): number {
  const targets = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`)
    } catch {
      return ''
    }
  })
  return targets.filter((target) => target.startsWith(folder)).length
}

/** The header fields of an answer of 200, to ask again with. */
async function validators(root: string, path = '/a.txt'): Promise<Record<string, string>> {
  const { reply } = await sendFrom(root, path)
  return { etag: reply.header('etag') ?? '', date: reply.header('last-modified') ?? '' }
}

describe('a whole file', () => {
  test('goes out with its length, its type, and what tells its version', async (t) => {
    const reply = await send(t, '/a.txt')
    assert.equal(reply.status, 200)
    assert.equal(reply.text, TEXT)
    assert.equal(reply.outcome, 'complete')
    assert.equal(reply.header('content-length'), '100')
    assert.equal(reply.header('content-type'), 'text/plain; charset=utf-8')
    assert.equal(reply.header('last-modified'), LONG_AGO.toUTCString())
    assert.match(reply.header('etag') ?? '', /^"[0-9a-z]+-[0-9a-z]+"$/)
    assert.equal(reply.header('accept-ranges'), 'bytes')
    assert.equal(reply.header('x-content-type-options'), 'nosniff')
    assert.equal(reply.header('cache-control'), undefined)
    assert.equal(reply.header('vary'), undefined)
  })

  test('goes out in one piece when it is small', async (t) => {
    assert.equal((await send(t, '/a.txt')).chunks.length, 1)
  })

  test('goes out piece by piece when it is large', async (t) => {
    const reply = await send(t, '/large.bin')
    assert.ok(reply.body.equals(LARGE))
    assert.equal(reply.header('content-length'), '300001')
    assert.ok(reply.chunks.every((chunk) => chunk.length <= 65_536))
  })

  test('may be empty', async (t) => {
    const reply = await send(t, '/empty.txt')
    assert.equal(reply.header('content-length'), '0')
    assert.equal(reply.outcome, 'complete')
  })

  test('carries the fields that every answer gets', async (t) => {
    const reply = await send(t, '/large.bin', { replyHeaders: [['x-a', 'b']] })
    assert.equal(reply.header('x-a'), 'b')
  })

  for (const path of ['/a.txt', '/large.bin']) {
    test(`has no body for HEAD, and the same head: ${path}`, async (t) => {
      const root = await rootOf(t)
      const { reply: head } = await sendFrom(root, path, { method: 'HEAD' })
      const { reply: get } = await sendFrom(root, path)
      assert.deepEqual(head.headers, get.headers)
      assert.equal(head.body.length, 0)
      assert.equal(head.outcome, 'complete')
    })
  }

  test('is for GET and HEAD only', async (t) => {
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      const reply = await send(t, '/a.txt', { method })
      assert.equal(reply.status, 405)
      assert.equal(reply.header('allow'), 'GET, HEAD')
    }
  })

  test('that is gone is a 404, and nothing was said yet', async (t) => {
    const root = await rootOf(t)
    const tree = new FileTree(root)
    assert.equal(tree.look('/a.txt')?.kind, 'file')
    rmSync(join(root, 'a.txt'))
    const { exchange, reply } = recordedExchange()
    const sending = (): unknown => sendFile(exchange, tree, '/a.txt', compileStatic())
    assert.throws(sending, { code: 'FCGI_ERR_HTTP_REQUEST', status: 404 })
    assert.equal(reply.headSent, false)
  })
})

describe('types', () => {
  const TYPES: readonly (readonly [path: string, type: string, rules?: StaticOptions])[] = [
    ['/page.html', 'text/html; charset=utf-8'],
    ['/data.json', 'application/json'],
    ['/feed.xml', 'text/xml'],
    ['/LOUD.TXT', 'text/plain; charset=utf-8'],
    ['/README', 'application/octet-stream'],
    ['/what.strange', 'application/octet-stream'],
    ['/what.strange', 'text/x-strange', { types: { '.strange': 'text/x-strange' } }],
  ]
  for (const [path, type, rules = {}] of TYPES) {
    test(`${path} is ${type}`, async (t) => {
      assert.equal((await send(t, path, { rules })).header('content-type'), type)
    })
  }
})

describe('caching', () => {
  const ROWS: readonly (readonly [path: string, rules: StaticOptions, expected?: string])[] = [
    ['/a.txt', {}],
    ['/a.txt', { maxAge: 60 }, 'max-age=60'],
    ['/a.txt', { maxAge: 0 }, 'max-age=0'],
    ['/a.txt', { immutable: ['/build/assets/**'] }],
    [
      '/build/assets/app-1a2b.js',
      { maxAge: 60, immutable: ['/build/assets/**'] },
      'public, max-age=31536000, immutable',
    ],
  ]
  for (const [path, rules, expected] of ROWS) {
    test(`${path} with ${JSON.stringify(rules)}`, async (t) => {
      assert.equal((await send(t, path, { rules })).header('cache-control'), expected)
    })
  }
})

describe('conditions', () => {
  type Condition = (its: Record<string, string>) => Record<string, string>
  const BEFORE = new Date(LONG_AGO.getTime() - 1000).toUTCString()
  const ROWS: readonly (readonly [what: string, status: number, headers: Condition])[] = [
    ['the same tag', 304, ({ etag = '' }) => ({ 'if-none-match': etag })],
    ['the same tag, weakly', 304, ({ etag = '' }) => ({ 'if-none-match': `W/${etag}` })],
    ['one of several tags', 304, ({ etag = '' }) => ({ 'if-none-match': `"x", ${etag}` })],
    ['any tag', 304, () => ({ 'if-none-match': '*' })],
    ['another tag', 200, () => ({ 'if-none-match': '"x"' })],
    ['the same date', 304, ({ date = '' }) => ({ 'if-modified-since': date })],
    ['an earlier date', 200, () => ({ 'if-modified-since': BEFORE })],
    ['no date', 200, () => ({ 'if-modified-since': 'yesterday' })],
    [
      'another tag counts more than the date',
      200,
      ({ date = '' }) => ({ 'if-none-match': '"x"', 'if-modified-since': date }),
    ],
    ['a reload', 200, ({ etag = '' }) => ({ 'if-none-match': etag, 'cache-control': 'no-cache' })],
    ['If-Match: the same tag', 200, ({ etag = '' }) => ({ 'if-match': etag })],
    ['If-Match: any', 200, () => ({ 'if-match': '*' })],
    ['If-Match: another tag', 412, () => ({ 'if-match': '"x"' })],
    ['If-Match: the same tag, weakly', 412, ({ etag = '' }) => ({ 'if-match': `W/${etag}` })],
    [
      'If-Unmodified-Since: the same date',
      200,
      ({ date = '' }) => ({ 'if-unmodified-since': date }),
    ],
    ['If-Unmodified-Since: an earlier date', 412, () => ({ 'if-unmodified-since': BEFORE })],
    ['If-Unmodified-Since: no date', 200, () => ({ 'if-unmodified-since': 'yesterday' })],
    [
      'both: 412 comes first',
      412,
      ({ etag = '' }) => ({ 'if-match': '"x"', 'if-none-match': etag }),
    ],
  ]
  for (const [what, status, condition] of ROWS) {
    test(`${what}: ${status}`, async (t) => {
      const root = await rootOf(t)
      const its = await validators(root)
      const { reply } = await sendFrom(root, '/a.txt', {
        headers: condition(its),
        rules: { maxAge: 5 },
      })
      assert.equal(reply.status, status)
      assert.equal(reply.text, status === 200 ? TEXT : '')
      assert.equal(reply.header('etag'), its['etag'])
      assert.equal(reply.header('cache-control'), status === 412 ? undefined : 'max-age=5')
      if (status !== 200) assert.equal(reply.header('content-type'), undefined)
    })
  }

  test('a tag changes with the content, also within one second', async (t) => {
    const root = await rootOf(t)
    const before = await validators(root)
    writeFileSync(join(root, 'a.txt'), TEXT.toUpperCase())
    const later = new Date(LONG_AGO.getTime() + 3)
    utimesSync(join(root, 'a.txt'), later, later)
    const after = await validators(root)
    assert.notEqual(after['etag'], before['etag'])
    assert.equal(after['date'], before['date'])
  })

  test('a tag is weak while another change could look the same', async (t) => {
    const root = await rootOf(t)
    // From the future: a file that was written just now is so for as long as this test takes.
    const soon = new Date(Date.now() + 60_000)
    utimesSync(join(root, 'a.txt'), soon, soon)
    const { etag = '', date = '' } = await validators(root)
    assert.match(etag, /^W\/"/)
    assert.ok(Date.parse(date) <= Date.now(), 'Last-Modified is in the future')
    const headers = { range: 'bytes=0-1', 'if-range': etag }
    assert.equal((await sendFrom(root, '/a.txt', { headers })).reply.status, 200)
  })
})

describe('ranges', () => {
  const ROWS: readonly (readonly [range: string, expected: string | 200 | 416])[] = [
    ['bytes=0-9', '0-9'],
    ['bytes=90-', '90-99'],
    ['bytes=-5', '95-99'],
    ['bytes=-1000', '0-99'],
    ['bytes=50-1000', '50-99'],
    ['BYTES=0-0', '0-0'],
    ['bytes= 0-4 , 5-9', '0-9'],
    ['bytes=10-19,0-30', '0-30'],
    ['bytes=,0-4,', '0-4'],
    ['bytes=200-300,0-4', '0-4'],
    ['bytes=100-', 416],
    ['bytes=-0', 416],
    ['bytes=9-0', 200],
    ['bytes=a-b', 200],
    ['bytes=-', 200],
    ['bytes=', 200],
    ['bytes', 200],
    ['lines=0-1', 200],
    ['bytes=0-1,4-5,8-9,12-13,16-17,20-21,24-25,28-29,32-33', 200],
    [`bytes=${'0-1,'.repeat(5000)}5-6`, 200],
  ]
  for (const [range, expected] of ROWS) {
    test(`${range.slice(0, 60)}: ${expected}`, async (t) => {
      const reply = await send(t, '/a.txt', { headers: { range }, rules: { maxAge: 5 } })
      assert.equal(reply.header('cache-control'), expected === 416 ? undefined : 'max-age=5')
      if (expected === 200) {
        assert.equal(reply.status, 200)
        assert.equal(reply.text, TEXT)
      } else if (expected === 416) {
        assert.equal(reply.status, 416)
        assert.equal(reply.header('content-range'), 'bytes */100')
        assert.equal(reply.text, '')
      } else {
        const [first = 0, last = 0] = expected.split('-').map(Number)
        assert.equal(reply.status, 206)
        assert.equal(reply.header('content-range'), `bytes ${expected}/100`)
        assert.equal(reply.header('content-length'), String(last - first + 1))
        assert.equal(reply.text, TEXT.slice(first, last + 1))
      }
    })
  }

  test('of a large file, beyond what is read at once', async (t) => {
    const reply = await send(t, '/large.bin', { headers: { range: 'bytes=100000-250000' } })
    assert.equal(reply.status, 206)
    assert.ok(reply.body.equals(LARGE.subarray(100_000, 250_001)))
  })

  for (const [path, size] of [
    ['/a.txt', 100],
    ['/large.bin', LARGE.length],
  ] as const) {
    test(`several come as parts: ${path}`, async (t) => {
      const root = await rootOf(t)
      const whole = (await sendFrom(root, path)).reply.body
      const last = size - 7
      const headers = { range: `bytes=0-3,10-${last - 20},-7` }
      const { reply } = await sendFrom(root, path, { headers })
      assert.equal(reply.status, 206)
      const type = reply.header('content-type') ?? ''
      const boundary = /^multipart\/byteranges; boundary=([0-9a-f]{36})$/.exec(type)?.[1] ?? ''
      assert.equal(reply.header('content-length'), String(reply.body.length))
      assert.equal(reply.header('content-range'), undefined)
      const parts = reply.text.split(`--${boundary}`)
      assert.equal(parts[0], '')
      assert.equal(parts.at(-1), '--\r\n')
      const found = parts.slice(1, -1).map((part) => {
        const end = part.indexOf('\r\n\r\n')
        const range = /\r\ncontent-range: bytes (\d+-\d+)\/(\d+)/.exec(part.slice(0, end))
        assert.match(part.slice(0, end), /\r\ncontent-type: (?:text\/plain|application\/octet)/)
        assert.equal(range?.[2], String(size))
        assert.ok(part.endsWith('\r\n'))
        return [range[1], part.slice(end + 4, -2)]
      })
      const text = whole.toString('latin1')
      assert.deepEqual(found, [
        ['0-3', text.slice(0, 4)],
        [`10-${last - 20}`, text.slice(10, last - 19)],
        [`${last}-${size - 1}`, text.slice(last)],
      ])
    })
  }

  test('count for GET only', async (t) => {
    const reply = await send(t, '/a.txt', { method: 'HEAD', headers: { range: 'bytes=0-1' } })
    assert.equal(reply.status, 200)
    assert.equal(reply.header('content-length'), '100')
  })

  test('of an empty file are none', async (t) => {
    assert.equal((await send(t, '/empty.txt', { headers: { range: 'bytes=0-' } })).status, 416)
  })

  test('count with If-Range while the file is the same', async (t) => {
    const root = await rootOf(t)
    const { etag = '', date = '' } = await validators(root)
    const rows = [
      [etag, 206],
      [date, 206],
      ['"x"', 200],
      [`W/${etag}`, 200],
      [new Date(0).toUTCString(), 200],
    ] as const
    for (const [condition, status] of rows) {
      const headers = { range: 'bytes=0-1', 'if-range': condition }
      assert.equal((await sendFrom(root, '/a.txt', { headers })).reply.status, status, condition)
    }
  })
})

describe('compressed neighbours', () => {
  const ROWS: readonly (readonly [accept: string | undefined, encoding?: string])[] = [
    [undefined],
    [''],
    ['gzip', 'gzip'],
    ['gzip, deflate, br, zstd', 'br'],
    ['gzip, zstd', 'zstd'],
    ['gzip;q=1, br;q=0.5', 'gzip'],
    ['br;q=0'],
    ['identity, gzip;q=0.5'],
    ['*', 'br'],
    ['GZip', 'gzip'],
    [';;,;q="'],
    [`gzip${',x'.repeat(600)}`],
  ]
  for (const [accept, encoding] of ROWS) {
    test(`${accept?.slice(0, 40) ?? 'nothing said'}: ${encoding ?? 'as it is'}`, async (t) => {
      const headers = accept === undefined ? {} : { 'accept-encoding': accept }
      const reply = await send(t, '/style.css', { headers })
      assert.equal(reply.header('content-encoding'), encoding)
      const said = { br: 'brotli', zstd: 'zstd', gzip: 'gzipped' }[encoding ?? ''] ?? 'plain'
      assert.equal(reply.text, `${said} css`)
      assert.equal(reply.header('content-type'), 'text/css; charset=utf-8')
      assert.equal(reply.header('vary'), 'Accept-Encoding')
    })
  }

  test('have tags of their own', async (t) => {
    const root = await rootOf(t)
    const tags = new Set<string | undefined>()
    for (const accept of ['identity', 'gzip', 'br', 'zstd']) {
      writeTree(root, {
        'same.css': 'x',
        'same.css.gz': 'x',
        'same.css.br': 'x',
        'same.css.zst': 'x',
      })
      const headers = { 'accept-encoding': accept }
      tags.add((await sendFrom(root, '/same.css', { headers })).reply.header('etag'))
    }
    assert.equal(tags.size, 4)
  })

  test('are not looked for beside what is compressed, or when that is off', async (t) => {
    const headers = { 'accept-encoding': 'gzip' }
    assert.equal((await send(t, '/photo.jpg', { headers })).text, 'jpg')
    const off = await send(t, '/style.css', { headers, rules: { precompressed: false } })
    assert.equal(off.text, 'plain css')
    assert.equal(off.header('vary'), undefined)
  })
})

describe('a file that an application chose', () => {
  const chosen: ChosenHead = {
    status: 200,
    headers: [
      ['Content-Type', 'application/pdf'],
      ['Content-Disposition', 'attachment; filename="a.pdf"'],
      ['Cache-Control', 'private'],
      ['Content-Length', '3'],
      ['Set-Cookie', 'a=b'],
    ],
  }

  test('keeps what the application says, but for the length', async (t) => {
    const reply = await send(t, '/a.txt', { chosen, rules: { maxAge: 5 } })
    assert.equal(reply.status, 200)
    assert.equal(reply.text, TEXT)
    assert.equal(reply.header('content-type'), 'application/pdf')
    assert.equal(reply.header('content-disposition'), 'attachment; filename="a.pdf"')
    assert.equal(reply.header('cache-control'), 'private')
    assert.equal(reply.header('content-length'), '100')
    assert.equal(reply.header('set-cookie'), 'a=b')
  })

  test('has ranges', async (t) => {
    const reply = await send(t, '/a.txt', { chosen, headers: { range: 'bytes=0-4' } })
    assert.equal(reply.status, 206)
    assert.equal(reply.text, '01234')
    assert.equal(reply.header('content-type'), 'application/pdf')
    assert.equal(reply.header('content-length'), '5')
  })

  test('is compared with the tag that the application gives', async (t) => {
    const tagged = { status: 200, headers: [['ETag', '"mine"']] } as const
    const reply = await send(t, '/a.txt', {
      chosen: tagged,
      headers: { 'if-none-match': '"mine"' },
    })
    assert.equal(reply.status, 304)
    assert.equal(reply.header('etag'), '"mine"')
  })

  test('answers any method, without conditions', async (t) => {
    const headers = { range: 'bytes=0-4', 'if-none-match': '*' }
    const reply = await send(t, '/a.txt', { chosen, method: 'POST', headers })
    assert.equal(reply.status, 200)
    assert.equal(reply.text, TEXT)
  })

  test('goes out whole with another status', async (t) => {
    const headers = { range: 'bytes=0-4', 'if-none-match': '*' }
    const notFound: ChosenHead = { status: 404, headers: [] }
    const reply = await send(t, '/a.txt', { chosen: notFound, headers })
    assert.equal(reply.status, 404)
    assert.equal(reply.text, TEXT)
    assert.equal(reply.header('accept-ranges'), undefined)
  })

  test('gets no Cache-Control and no compression from the options of the site', async (t) => {
    const plain: ChosenHead = { status: 200, headers: [] }
    const reply = await send(t, '/style.css', {
      chosen: plain,
      rules: { maxAge: 60 },
      headers: { 'accept-encoding': 'gzip' },
    })
    assert.equal(reply.text, 'plain css')
    assert.equal(reply.header('cache-control'), undefined)
  })
})

describe('a file while it is sent', () => {
  test('waits for a slow client, and reads no further meanwhile', async (t) => {
    const root = await rootOf(t)
    const { exchange, reply } = recordedExchange()
    reply.room = 1
    const sent = sendFile(exchange, new FileTree(root), '/large.bin', compileStatic())
    for (let count = 1; count <= 4; count++) {
      await until('the next piece', () => reply.chunks.length === count)
      // Turns of the loop in which a read that was begun would come to its end.
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
      assert.equal(reply.chunks.length, count)
      assert.equal(reply.outcome, undefined)
      reply.drain(1)
    }
    await sent
    assert.ok(reply.body.equals(LARGE))
  })

  test('may grow: what was announced is sent', async (t) => {
    const root = await rootOf(t)
    const { exchange, reply } = recordedExchange()
    reply.onWrite = () => appendFileSync(join(root, 'large.bin'), 'more')
    await sendFile(exchange, new FileTree(root), '/large.bin', compileStatic())
    assert.ok(reply.body.equals(LARGE))
    assert.equal(reply.outcome, 'complete')
  })

  test('that becomes shorter is aborted, never a short answer', async (t) => {
    const root = await rootOf(t)
    const { exchange, reply } = recordedExchange()
    reply.onWrite = () => truncateSync(join(root, 'large.bin'), 70_000)
    await sendFile(exchange, new FileTree(root), '/large.bin', compileStatic())
    assert.equal(reply.outcome, 'aborted')
    assert.match(String(reply.reason), /became shorter/)
    assert.equal(exchange.error, reply.reason)
    await until('the file is closed', () => openBelow(root) === 0)
  })

  test('may be deleted or replaced: it is sent to its end', async (t) => {
    const root = await rootOf(t)
    const { exchange, reply } = recordedExchange()
    reply.onWrite = () => {
      rmSync(join(root, 'large.bin'), { recursive: true, force: true })
      mkdirSync(join(root, 'large.bin'))
    }
    await sendFile(exchange, new FileTree(root), '/large.bin', compileStatic())
    assert.ok(reply.body.equals(LARGE))
  })

  test('is closed when the client goes away, while it reads', async (t) => {
    const root = await rootOf(t)
    const { exchange, reply } = recordedExchange()
    reply.onWrite = () => setImmediate(() => reply.disconnect())
    await sendFile(exchange, new FileTree(root), '/large.bin', compileStatic())
    assert.equal(reply.outcome, 'closed')
    await until('the file is closed', () => openBelow(root) === 0)
  })

  test('is closed when the client goes away, while it waits', async (t) => {
    const root = await rootOf(t)
    const { exchange, reply } = recordedExchange()
    reply.room = 1
    const sent = sendFile(exchange, new FileTree(root), '/large.bin', compileStatic())
    await until('the first piece', () => reply.chunks.length === 1)
    assert.equal(openBelow(root), 1)
    reply.disconnect()
    await sent
    await until('the file is closed', () => openBelow(root) === 0)
  })

  test('is closed when the client was gone before', async (t) => {
    const root = await rootOf(t)
    const { exchange, reply } = recordedExchange()
    reply.disconnect()
    await sendFile(exchange, new FileTree(root), '/large.bin', compileStatic())
    await until('the file is closed', () => openBelow(root) === 0)
  })
})
