// A gateway whose `fetch` is called by Bun.serve, seen from both ends. Run by Bun.

import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { mock, test } from 'node:test'
import { createGateway, type Exchange } from '@fastcgi/gateway'
import { serveByBun } from '../support/bun.ts'
import { answerBy, readText, sendText } from '../support/exchanges.ts'
import { startFpm } from '../support/fpm.ts'
import { isWhole, rawGet, rawRequest } from '../support/gateway.ts'
import { PHP_ROOT } from '../support/paths.ts'
import { until } from '../support/process.ts'

// The first one: the timer that it looks at is set by the first request of a process.
test('Bun is told to wait for an answer that takes its time', async (t) => {
  mock.timers.enable({ apis: ['setInterval'] })
  t.after(() => mock.timers.reset())
  let exchange: Exchange | undefined
  const gateway = createGateway({
    root: PHP_ROOT,
    use: [answerBy((one) => void (exchange = one))],
  })
  t.after(() => gateway.destroy())
  const told: number[] = []
  const answered = gateway.fetch(new Request('http://a/'), {
    url: new URL('http://a/'),
    requestIP: () => null,
    timeout: (_request: Request, seconds: number) => told.push(seconds),
  })
  mock.timers.tick(3000)
  assert.deepEqual(told, [])
  mock.timers.tick(6000)
  assert.deepEqual(told, [255, 255])
  sendText(exchange!, 'done')
  await answered
  mock.timers.tick(20_000)
  assert.equal(told.length, 2)
})

test('a request says what came, and who asks', async (t) => {
  const { port } = serveByBun(t, {
    use: [
      answerBy(async (exchange) => {
        const { request, client } = exchange
        const { method, target, protocol } = request
        const body = await readText(exchange)
        const fields = ['host', 'x-a', 'cookie', 'x-none'].map((name) => request.header(name))
        sendText(exchange, JSON.stringify([method, target, protocol, body, fields, client]))
      }),
    ],
  })
  const socket = connect(port, '127.0.0.1')
  t.after(() => socket.destroy())
  let text = ''
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
  socket.write(
    'POST /a%20b//c?d=%2F..&e HTTP/1.1\r\nHost: Example.org:81\r\nX-A: 1\r\nX-A: 2\r\nCookie: a=1\r\nCookie: b=2\r\nContent-Length: 5\r\n\r\nhello',
  )
  await until('the answer', () => text.endsWith(']'))
  assert.deepEqual(JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4)), [
    'POST',
    '/a%20b//c?d=%2F..&e',
    'HTTP/1.1',
    'hello',
    ['Example.org:81', '1, 2', 'a=1; b=2', null],
    {
      address: '127.0.0.1',
      port: socket.localPort,
      https: false,
      host: 'example.org',
      hostPort: 81,
    },
  ])
})

test('a request of HTTP/1.0 needs no host', async (t) => {
  const { port } = serveByBun(t, {
    use: [answerBy((exchange) => sendText(exchange, JSON.stringify(exchange.request.target)))],
  })
  const { text } = await rawRequest(port, 'GET /a?b HTTP/1.0\r\n\r\n')
  assert.match(text, /\r\n\r\n"\/a\?b"$/)
})

test('what cannot be told apart is refused', async (t) => {
  const { port } = serveByBun(t, { use: [answerBy((exchange) => sendText(exchange, '!'))] })
  for (const lines of ['Host: a\r\nHost: b', 'Host: a b/c']) {
    const { text } = await rawRequest(
      port,
      `GET / HTTP/1.1\r\n${lines}\r\nConnection: close\r\n\r\n`,
    )
    assert.match(text, /^HTTP\/1\.1 400 /, lines)
  }
})

test('two lengths are one request with a bad length, whatever they say', async (t) => {
  const { port } = serveByBun(t, {
    use: [answerBy(async (exchange) => sendText(exchange, await readText(exchange)))],
  })
  const head = 'POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n'
  for (const second of [5, 6]) {
    const lengths = `Content-Length: 5\r\nContent-Length: ${second}\r\n`
    const { text } = await rawRequest(port, `${head}${lengths}\r\nhello`)
    assert.match(text, /^HTTP\/1\.1 400 /)
  }
})

test('no path gets out of the root, or past the rules', async (t) => {
  const fpm = await startFpm(t)
  const { port } = serveByBun(t, { backend: fpm.address })
  for (const path of [
    '/../support/php.ts',
    '/%2e%2e/support/php.ts',
    '/lib/..%2f..%2fsupport/php.ts',
    '/..\\support\\php.ts',
    '/%2e%2e%5csupport/php.ts',
    '/hello.php%00.txt',
    '/lib/../../../.git/config',
  ]) {
    const { text } = await rawGet(port, path)
    assert.doesNotMatch(text, /^export |\[core\]/m, path)
  }
})

test('an answer at hand goes out with its length, cookies apart and bytes as they are', async (t) => {
  const { port } = serveByBun(t, {
    use: [
      answerBy((exchange) => {
        const cookies = ['a=\xe4', 'b=2'].map((value) => ['Set-Cookie', value] as const)
        exchange.send(201, [...cookies, ['Vary', 'a'], ['vary', 'b']], Buffer.from('hi'))
      }),
    ],
  })
  const { text } = await rawGet(port, '/')
  assert.match(text, /^HTTP\/1\.1 201 Created\r\n/)
  assert.match(text, /\r\nset-cookie: a=\xe4\r\nset-cookie: b=2\r\n/i)
  assert.match(text, /\r\nvary: a, b\r\n/i)
  assert.match(text, /\r\ncontent-length: 2\r\n/i)
  assert.match(text, /\r\n\r\nhi$/)
})

test('answers without a body have none, and HEAD tells the length', async (t) => {
  const { port } = serveByBun(t, {
    use: [
      answerBy(({ request, reply }) => {
        reply.head(Number(request.target.slice(1)), '', [['content-length', '4']])
        reply.end(request.method === 'HEAD' ? undefined : Buffer.from('body'))
      }),
    ],
  })
  const { text } = await rawRequest(
    port,
    'HEAD /200 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  )
  assert.match(text, /\r\ncontent-length: 4\r\n/i)
  assert.match(text, /\r\n\r\n$/)
  for (const status of [204, 304]) {
    assert.match((await rawGet(port, `/${status}`)).text, /\r\n\r\n$/)
  }
})

test('a header that cannot be sent is a failure, and no part of it goes out', async (t) => {
  const { port } = serveByBun(t, {
    use: [answerBy((exchange) => exchange.send(200, [['x-a', 'b\r\nc: d']]))],
  })
  const { text } = await rawGet(port, '/')
  assert.match(text, /^HTTP\/1\.1 500 /)
  assert.doesNotMatch(text, /c: d/)
})

test('a slow client holds the writer up, and gets everything', async (t) => {
  let refused = 0
  const piece = Buffer.alloc(256 * 1024, 'x')
  const { port } = serveByBun(t, {
    use: [
      answerBy(({ reply }) => {
        let left = 100
        const pump = (): void => {
          while (left-- > 0) {
            if (reply.write(piece)) continue
            refused++
            return
          }
          reply.end()
        }
        reply.onDrain(pump)
        reply.head(200, '', [])
        pump()
      }),
    ],
  })
  const answer = await rawGet(port, '/')
  assert.ok(isWhole(answer))
  assert.ok(answer.text.split('x').length > 100 * piece.length)
  assert.ok(refused > 10, `${refused} times`)
})

test('an answer that is aborted never looks whole', async (t) => {
  const { port } = serveByBun(t, {
    use: [
      answerBy(({ request, reply }) => {
        reply.head(200, '', request.target === '/length' ? [['content-length', '10']] : [])
        reply.write(Buffer.from('half'))
        setImmediate(() => reply.abort(new Error('the other half is lost')))
      }),
    ],
  })
  for (const target of ['/length', '/chunked']) {
    assert.ok(!isWhole(await rawGet(port, target)), target)
  }
})

test('a client that goes away ends the exchange, before and behind the head', async (t) => {
  let exchange: Exchange | undefined
  const { port } = serveByBun(t, {
    use: [
      answerBy((one) => {
        exchange = one
        if (one.request.target === '/before') return
        one.reply.head(200, '', [])
        one.reply.write(Buffer.from('a'))
      }),
    ],
  })
  for (const target of ['/before', '/behind']) {
    exchange = undefined
    const socket = connect(port, '127.0.0.1')
    socket.write(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`)
    await until('it is asked', () => exchange)
    assert.equal(exchange!.closed, false)
    socket.destroy()
    await until('it is over', () => exchange!.closed)
  }
})

test('a client that goes away during its upload ends the body with an error', async (t) => {
  let failure: unknown
  const { port } = serveByBun(t, {
    use: [
      answerBy(async (exchange) => {
        await readText(exchange).catch((error: unknown) => (failure = error))
      }),
    ],
  })
  for (const rest of [
    'Content-Length: 10\r\n\r\n01234',
    'Transfer-Encoding: chunked\r\n\r\n5\r\nab',
  ]) {
    failure = undefined
    const socket = connect(port, '127.0.0.1')
    socket.write(`POST / HTTP/1.1\r\nHost: a\r\n${rest}`, () => socket.end())
    await until('the body fails', () => failure)
    assert.match(String(failure), /request body ended after \d/)
    socket.destroy()
  }
})

test('PHP answers, and gets uploads whole', async (t) => {
  const fpm = await startFpm(t)
  const { port } = serveByBun(t, { backend: fpm.address })
  const base = `http://127.0.0.1:${port}`
  assert.equal(await (await fetch(`${base}/hello.php`)).text(), 'hello')
  const upload = new Uint8Array(3_000_000).map((_, index) => index * 7)
  const echo = await fetch(`${base}/body.php`, { method: 'POST', body: upload })
  assert.equal(((await echo.json()) as { length: number }).length, upload.length)
  const env = await (await fetch(`${base}/env.php/info?a=b`)).json()
  const { REMOTE_ADDR, SERVER_PORT, REQUEST_URI } = env as Record<string, string>
  assert.deepEqual(
    [REMOTE_ADDR, SERVER_PORT, REQUEST_URI],
    ['127.0.0.1', String(port), '/env.php/info?a=b'],
  )
})
