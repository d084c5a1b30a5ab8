// Compression on the way out: what is worth it, for who takes it, in pieces as they come, and never so that half of it looks whole.

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { get, type IncomingHttpHeaders } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import * as zlib from 'node:zlib'
import type { CompressOptions, GatewayOptions } from '@fastcgi/gateway'
import { startGateway, type RunningGateway } from '../support/gateway.ts'
import { HandPlayed, type HandPlayedRun } from '../support/hand-played.ts'
import { temporaryDirectory, until } from '../support/process.ts'

const TEXT = 'Every word of this page is said more than once. '.repeat(200)
const HTML = 'Content-Type: text/html; charset=utf-8'
// Node has it from 22.15 and 23.8 on.
const zstd = (zlib as { zstdDecompressSync?: (data: Uint8Array) => Buffer }).zstdDecompressSync

function inflate(encoding: string | undefined, body: Uint8Array): string {
  if (encoding === 'gzip') return zlib.gunzipSync(body).toString()
  if (encoding === 'br') return zlib.brotliDecompressSync(body).toString()
  if (encoding === 'zstd') return zstd!(body).toString()
  assert.equal(encoding, undefined)
  return Buffer.from(body).toString()
}

interface Answer {
  readonly status: number | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** Whether HTTP says that all of it came. */
  readonly whole: boolean
}

interface Asked {
  readonly accept?: string | undefined
  readonly method?: string
  readonly path?: string
  readonly headers?: Record<string, string>
}

function ask(port: number, asked: Asked = {}): Promise<Answer> {
  const { accept = 'gzip, br', method = 'GET', path = '/hello.php', headers = {} } = asked
  return new Promise((resolve, reject) => {
    const fields = { ...headers, ...(accept !== '' && { 'accept-encoding': accept }) }
    get({ port, path, method, headers: fields, agent: false }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', () => {})
      response.on('close', () => {
        const { statusCode: status, headers: got, complete: whole } = response
        resolve({ status, headers: got, body: Buffer.concat(chunks), whole })
      })
    }).on('error', reject)
  })
}

/** A gateway whose every script answers this. */
function startWith(
  t: TestContext,
  stdout: string,
  compress: CompressOptions | boolean = true,
  options: GatewayOptions = {},
): Promise<RunningGateway> {
  const backend = new HandPlayed((run) => {
    run.stdout(stdout)
    run.end()
  })
  return startGateway(t, { backend, response: { compress }, ...options })
}

describe('the coding', () => {
  const cases: [string, string | undefined][] = [
    ['', undefined],
    ['gzip', 'gzip'],
    ['br', 'br'],
    ['gzip, deflate, br', 'br'],
    ['gzip, deflate, br, zstd', 'br'],
    ['zstd', zstd ? 'zstd' : undefined],
    ['GZIP', 'gzip'],
    ['*', 'br'],
    ['deflate', undefined],
    ['identity', undefined],
    ['gzip;q=0', undefined],
    ['br;q=0, gzip;q=0.1', 'gzip'],
    ['*;q=0, gzip', 'gzip'],
    ['gzip;q=oops', undefined],
    ['gzipped', undefined],
  ]
  for (const [accept, coding] of cases) {
    test(`for ${accept === '' ? 'no Accept-Encoding' : accept} is ${coding ?? 'none'}`, async (t) => {
      const { port } = await startWith(t, `${HTML}\r\n\r\n${TEXT}`)
      for (const time of ['first', 'second']) {
        const { headers, body, whole } = await ask(port, { accept })
        assert.equal(headers['content-encoding'], coding, time)
        assert.equal(inflate(headers['content-encoding'], body), TEXT)
        assert.ok(whole)
        assert.equal(headers.vary, 'Accept-Encoding', 'whoever keeps it has to know, either way')
        if (coding) assert.ok(body.length < TEXT.length / 4)
      }
    })
  }
})

describe('what is left as it is', () => {
  const cases: [what: string, head: string, compress?: CompressOptions | boolean][] = [
    ['a picture', 'Content-Type: image/png'],
    ['what has no type', 'X-A: b'],
    ['an event stream', 'Content-Type: text/event-stream'],
    ['what the application has coded', `${HTML}\r\nContent-Encoding: gzip`],
    ['what must not be transformed', `${HTML}\r\nCache-Control: private, no-transform`],
    [
      'what must not be transformed, said late',
      `${HTML}\r\nCache-Control: private\r\nCache-Control: no-transform`,
    ],
    ['a part', `Status: 206\r\nContent-Range: bytes 0-1/5\r\n${HTML}`],
    ['anything, when told so', HTML, false],
    [
      'what is smaller than minSize',
      `${HTML}\r\nContent-Length: ${TEXT.length}`,
      { minSize: TEXT.length + 1 },
    ],
    ['other types than those given', HTML, { types: ['application/json'] }],
  ]
  for (const [what, head, compress] of cases) {
    test(what, async (t) => {
      const { port } = await startWith(t, `${head}\r\n\r\n${TEXT}`, compress)
      const { headers, body } = await ask(port)
      assert.match(headers['content-encoding'] ?? '', head.includes('Encoding') ? /^gzip$/ : /^$/)
      assert.equal(headers.vary, undefined)
      assert.equal(body.toString(), TEXT)
    })
  }

  test('a tiny page', async (t) => {
    const { port } = await startWith(t, `${HTML}\r\n\r\nhello`)
    const { headers, body } = await ask(port)
    assert.equal(headers['content-length'], '5')
    assert.equal(headers['content-encoding'], undefined)
    assert.equal(body.toString(), 'hello')
  })

  for (const status of [204, 304]) {
    test(`${status}, which has no body`, async (t) => {
      const { port } = await startWith(t, `Status: ${status}\r\n${HTML}\r\nETag: "a"\r\n\r\n`)
      const { headers } = await ask(port)
      assert.equal(headers['content-encoding'], undefined)
      assert.equal(headers.etag, '"a"')
    })
  }
})

describe('the head', () => {
  test('says of the bytes only what is true of them', async (t) => {
    const fields = [
      'ETag: "a"',
      `Content-Length: ${TEXT.length}`,
      'Accept-Ranges: bytes',
      'Content-MD5: x',
      'Repr-Digest: x',
      'X-A: b',
    ]
    const { port } = await startWith(t, `${HTML}\r\n${fields.join('\r\n')}\r\n\r\n${TEXT}`)
    const { headers } = await ask(port)
    assert.equal(headers.etag, 'W/"a"')
    assert.equal(headers['x-a'], 'b')
    for (const name of ['content-length', 'accept-ranges', 'content-md5', 'repr-digest']) {
      assert.equal(headers[name], undefined, name)
    }
    const plain = await ask(port, { accept: '' })
    assert.equal(plain.headers.etag, '"a"')
    assert.equal(plain.headers['content-length'], String(TEXT.length))
  })

  test('keeps a weak ETag', async (t) => {
    const { port } = await startWith(t, `${HTML}\r\nETag: W/"a"\r\n\r\n${TEXT}`)
    assert.equal((await ask(port)).headers.etag, 'W/"a"')
  })

  for (const [given, sent] of [
    ['Vary: Cookie', 'Cookie, Accept-Encoding'],
    ['Vary: Cookie\r\nVary: Origin', 'Cookie, Accept-Encoding, Origin'],
    ['Vary: cookie, accept-encoding', 'cookie, accept-encoding'],
    ['Vary: *', '*'],
    ['Vary: X-Accept-Encoding', 'X-Accept-Encoding, Accept-Encoding'],
  ] as const) {
    test(`makes of ${given.replace('\r\n', ' and ')} "${sent}"`, async (t) => {
      const { port } = await startWith(t, `${HTML}\r\n${given}\r\n\r\n${TEXT}`)
      assert.equal((await ask(port)).headers.vary, sent)
    })
  }

  test('for HEAD is that of GET, without a body', async (t) => {
    const { port } = await startWith(
      t,
      `${HTML}\r\nETag: "a"\r\nContent-Length: ${TEXT.length}\r\n\r\n${TEXT}`,
    )
    const got = await ask(port)
    const head = await ask(port, { method: 'HEAD' })
    assert.equal(head.body.length, 0)
    for (const name of ['content-encoding', 'etag', 'vary', 'content-type', 'content-length']) {
      assert.equal(head.headers[name], got.headers[name], name)
    }
  })
})

describe('a page that comes in pieces', () => {
  interface Open extends RunningGateway {
    readonly run: HandPlayedRun
    readonly client: ReturnType<typeof connect>
    /** What the client has got of the body, without the framing of HTTP. */
    body(): Buffer
    raw: Buffer
  }

  async function open(
    t: TestContext,
    encoding: string,
    options: GatewayOptions = {},
  ): Promise<Open> {
    const php = new HandPlayed()
    const running = await startGateway(t, { backend: php, ...options })
    const client = connect(running.port, '127.0.0.1')
    t.after(() => client.destroy())
    client.on('error', () => {})
    client.write(`GET /hello.php HTTP/1.0\r\nHost: a\r\nAccept-Encoding: ${encoding}\r\n\r\n`)
    const run = await until('the script', () => php.runs[0])
    const state: Open = Object.assign(
      { ...running, run, client },
      {
        raw: Buffer.alloc(0),
        // HTTP/1.0 has no chunks: all that follows the head is body.
        body: () => state.raw.subarray(state.raw.indexOf('\r\n\r\n') + 4),
      },
    )
    return state
  }

  const inflators = { gzip: zlib.createGunzip, br: zlib.createBrotliDecompress }
  for (const encoding of ['gzip', 'br'] as const) {
    test(`is seen in pieces (${encoding})`, async (t) => {
      const { run, client } = await open(t, encoding)
      let text = ''
      let head = ''
      const inflator = inflators[encoding]()
      inflator.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      client.on('data', (chunk: Buffer) => {
        if (head.includes('\r\n\r\n')) inflator.write(chunk)
        else {
          head += chunk.toString('latin1')
          inflator.write(Buffer.from(head.slice(head.indexOf('\r\n\r\n') + 4), 'latin1'))
        }
      })
      run.stdout(`${HTML}\r\n\r\n`)
      for (const piece of ['<p>one', '<p>two', '<p>three']) {
        run.stdout(piece)
        await until(piece, () => text.endsWith(piece))
      }
      run.end()
      await until('the end', () => client.readableEnded)
    })

    test(`that breaks off never inflates to an end (${encoding})`, async (t) => {
      const state = await open(t, encoding)
      const { run, client } = state
      client.on('data', (chunk: Buffer) => (state.raw = Buffer.concat([state.raw, chunk])))
      run.stdout(`${HTML}\r\n\r\n`)
      run.stdout(TEXT)
      await until('some of it', () => state.body().length > 20)
      run.fail(new Error('the worker died'))
      await until('the end', () => client.destroyed)
      assert.throws(() => inflate(encoding, state.body()), /unexpected end of file/)
    })
  }

  test('waits for a client that takes nothing, and goes on with it', async (t) => {
    const state = await open(t, 'gzip', { response: { memory: 0, maxFile: 0 } })
    const { run, client } = state
    client.pause()
    const sent: string[] = []
    run.stdout(`${HTML}\r\n\r\n`)
    let seed = 1
    // Noise, because what compresses well would never fill the socket.
    const noise = (): string => {
      let text = ''
      while (text.length < 60_000) text += (seed = (seed * 48_271) % 2_147_483_647).toString(36)
      return text
    }
    let since = performance.now()
    await until('PHP is held up for good', () => {
      if (run.paused) return performance.now() - since > 300
      since = performance.now()
      sent.push(noise())
      run.stdout(sent.at(-1)!)
      return false
    })
    client.on('data', (chunk: Buffer) => (state.raw = Buffer.concat([state.raw, chunk])))
    client.resume()
    await until('PHP may go on', () => !run.paused)
    run.end()
    await until('the end', () => client.readableEnded)
    assert.ok(inflate('gzip', state.body()) === sent.join(''), 'the same text')
  })

  test('is given up when its client goes away', async (t) => {
    const { run, client, gateway } = await open(t, 'br')
    run.stdout(`${HTML}\r\n\r\n`)
    run.stdout(TEXT)
    client.destroy()
    await until('the script is given up', () => run.aborted)
    await until('it is over', () => gateway.active === 0)
  })
})

test('an error page in place of a head that was refused is in the coding that it says', async (t) => {
  const { port } = await startWith(t, `${HTML}\r\n\r\n${TEXT}`, true, {
    use: [
      (next) => (exchange) => {
        const { reply } = exchange
        const head = reply.head.bind(reply)
        // A server in front that refuses the first head, with compression between it and the script.
        let refused = false
        reply.head = (status, text, fields) => {
          if (refused || status !== 200) return head(status, text, fields)
          refused = true
          return head(status, text, [...fields, ['x-broken', 'a\r\nb']])
        }
        return next(exchange)
      },
    ],
  })
  const { status, headers, body, whole } = await ask(port)
  assert.equal(status, 502)
  assert.equal(headers['content-encoding'], undefined)
  assert.equal(headers['content-length'], String(body.length))
  assert.match(body.toString(), /502 Bad gateway/)
  assert.ok(whole)
})

test('files are compressed once, and their parts not at all', async (t) => {
  const root = await temporaryDirectory(t)
  await writeFile(join(root, 'a.txt'), TEXT)
  await writeFile(join(root, 'b.txt'), TEXT)
  await writeFile(join(root, 'b.txt.br'), zlib.brotliCompressSync(TEXT))
  const { port } = await startGateway(t, { root, frontController: false })
  const fresh = await ask(port, { path: '/a.txt' })
  assert.equal(inflate(fresh.headers['content-encoding'], fresh.body), TEXT)
  assert.equal(fresh.headers['content-encoding'], 'br')
  assert.match(fresh.headers.etag!, /^W\//)
  const kept = await ask(port, {
    path: '/a.txt',
    headers: { 'if-none-match': fresh.headers.etag! },
  })
  assert.equal(kept.status, 304)
  const ready = await ask(port, { path: '/b.txt' })
  assert.equal(ready.headers['content-encoding'], 'br')
  assert.equal(inflate('br', ready.body), TEXT)
  const part = await ask(port, { path: '/a.txt', headers: { range: 'bytes=10-19' } })
  assert.equal(part.status, 206)
  assert.equal(part.headers['content-encoding'], undefined)
  assert.equal(part.body.toString(), TEXT.slice(10, 20))
})
