// What goes over the wire between a client of HTTP/1 and a handler.

import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import type { Exchange } from '@fastcgi/gateway'
import { answerBy, readText, sendText } from '../support/exchanges.ts'
import { isWhole, rawGet, rawRequest, startGateway } from '../support/gateway.ts'
import { until } from '../support/process.ts'

/** Several requests on one connection, each sent when the text so far says so. */
async function conversation(
  port: number,
  ...lines: (string | ((text: string) => boolean))[]
): Promise<string> {
  let text = ''
  let closed = false
  const socket: Socket = connect(port, '127.0.0.1')
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
  socket.on('error', () => {})
  socket.on('close', () => (closed = true))
  for (const line of lines) {
    if (typeof line === 'string') socket.write(line, 'latin1')
    else await until(`the answer goes on after ${JSON.stringify(text)}`, () => line(text) || closed)
  }
  socket.destroy()
  return text
}

test('a target in absolute form is reduced, and names the host', async (t) => {
  const { port } = await startGateway(t, {
    use: [
      answerBy((exchange) => {
        const { request, client } = exchange
        sendText(exchange, `${request.target} ${request.header('host')} ${client.host}`)
      }),
    ],
  })
  const { text } = await rawRequest(
    port,
    'GET http://other.example:81/a%20b?c HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n',
  )
  assert.match(text, /\r\n\r\n\/a%20b\?c other\.example:81 other\.example$/)
  const bare = await rawRequest(
    port,
    'GET http://other.example HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n',
  )
  assert.match(bare.text, /\r\n\r\n\/ other\.example other\.example$/)
})

test('a target that names no path is refused', async (t) => {
  const { port } = await startGateway(t, { use: [answerBy((exchange) => sendText(exchange, '!'))] })
  for (const target of ['*', 'example.org:443', 'ftp://example.org/', 'http://user@example.org/']) {
    const { text } = await rawRequest(
      port,
      `OPTIONS ${target} HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n`,
    )
    assert.match(text, /^HTTP\/1\.1 400 /, target)
  }
})

test('an upgrade that was not asked for by us is not made', async (t) => {
  const { port } = await startGateway(t, {
    use: [answerBy((exchange) => sendText(exchange, 'no'))],
  })
  const { text } = await rawRequest(
    port,
    'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n',
    (answer) => answer.endsWith('no'),
  )
  assert.match(text, /^HTTP\/1\.1 200 /)
})

for (const [name, head] of Object.entries({
  'both a length and a transfer coding': 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n',
  'two lengths': 'Content-Length: 5\r\nContent-Length: 6\r\n',
  'a signed length': 'Content-Length: +5\r\n',
  'an unknown transfer coding': 'Transfer-Encoding: xchunked\r\n',
  'a transfer coding after chunked': 'Transfer-Encoding: chunked, identity\r\n',
  'a folded field': 'X-A: b\r\n c\r\nContent-Length : 5\r\n',
  'a bare CR in a field': 'X-A: b\rc\r\n',
  'no host': '',
})) {
  test(`a request with ${name} is refused and its connection closed`, async (t) => {
    let asked = 0
    const { port } = await startGateway(t, {
      use: [
        answerBy(async (exchange) => {
          // What is wrong with the coding of a body is found with the body.
          await readText(exchange)
          asked++
          sendText(exchange, '!')
        }),
      ],
    })
    const host = name === 'no host' ? '' : 'Host: a\r\n'
    const { text } = await rawRequest(
      port,
      `POST / HTTP/1.1\r\n${host}${head}\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n`,
    )
    // 501 where the server in front leaves it to the gateway to know the coding (RFC 9112 §6.1).
    assert.match(
      text,
      name === 'an unknown transfer coding' ? /^HTTP\/1\.1 (?:400|501) / : /^HTTP\/1\.1 400 /,
    )
    assert.equal(asked, 0)
    assert.equal(text.match(/HTTP\/1\.1/g)?.length, 1)
  })
}

test('a body in a transfer coding that is not decoded is refused, and not passed on coded', async (t) => {
  const { port } = await startGateway(t, {
    use: [answerBy(async (exchange) => sendText(exchange, `<${await readText(exchange)}>`))],
  })
  const ask = (coding: string): ReturnType<typeof rawRequest> =>
    rawRequest(
      port,
      `POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: ${coding}\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
    )
  assert.match((await ask('gzip, chunked')).text, /^HTTP\/1\.1 501 /)
  assert.match((await ask('Chunked')).text, /^HTTP\/1\.1 200 [^]*<hello>/)
})

test('header values are bytes, repeated fields stay apart on the way out and are joined on the way in', async (t) => {
  let seen: string | undefined
  const { port } = await startGateway(t, {
    use: [
      answerBy((exchange) => {
        const { request } = exchange
        seen = `${request.header('x-a')}|${request.header('cookie')}|${request.header('x-none')}`
        exchange.send(200, [
          ['Set-Cookie', 'a=\xe4'],
          ['Set-Cookie', 'b=2'],
        ])
      }),
    ],
  })
  const { text } = await rawGet(port, '/', ['X-A: \xe4', 'x-a: 2', 'Cookie: a=1', 'Cookie: b=2'])
  assert.equal(seen, '\xe4, 2|a=1; b=2|undefined')
  assert.match(text, /\r\nSet-Cookie: a=\xe4\r\nSet-Cookie: b=2\r\n/)
  assert.match(text, /\r\nDate: /)
  assert.doesNotMatch(text, /x-powered-by/i)
})

test('a header that HTTP cannot carry is a failure, and no part of it goes out', async (t) => {
  for (const header of [
    ['x-a', 'b\r\nx-injected: 1'],
    ['x a', 'b'],
    ['x-a', '\u0100'],
  ] as const) {
    const { port, log } = await startGateway(t, {
      use: [answerBy((exchange) => exchange.send(200, [['x-ok', '1'], header]))],
    })
    const { text } = await rawGet(port, '/')
    assert.match(text, /^HTTP\/1\.1 500 /)
    assert.doesNotMatch(text, /injected|x-ok/)
    assert.match(log.text, /error GET \/: /)
  }
})

test('a status text is passed on, and one that is none is a failure', async (t) => {
  const { port } = await startGateway(t, {
    use: [
      answerBy(({ request, reply }) => {
        reply.head(299, request.target === '/' ? 'Quite \xe4 fine' : 'a\r\nb: c', [])
        reply.end()
      }),
    ],
  })
  assert.match((await rawGet(port, '/')).text, /^HTTP\/1\.1 299 Quite \xe4 fine\r\n/)
  assert.match((await rawGet(port, '/bad')).text, /^HTTP\/1\.1 500 Internal Server Error\r\n/)
})

test('head and body of a small answer are one write', async (t) => {
  const { port } = await startGateway(t, {
    use: [answerBy((exchange) => sendText(exchange, 'small'))],
  })
  const chunks: string[] = []
  const socket = connect(port, '127.0.0.1')
  t.after(() => socket.destroy())
  socket.on('data', (chunk: Buffer) => chunks.push(chunk.toString('latin1')))
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await until('an answer', () => chunks.join('').endsWith('small'))
  assert.equal(chunks.length, 1)
})

test('a head without a body goes out before the body is there', async (t) => {
  let exchange: Exchange | undefined
  const { port } = await startGateway(t, {
    use: [
      answerBy((one) => {
        exchange = one
        one.reply.head(200, '', [['content-type', 'text/event-stream']])
      }),
    ],
  })
  const text = await conversation(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', (sofar) =>
    sofar.endsWith('\r\n\r\n'),
  )
  assert.match(text, /event-stream/)
  assert.equal(exchange?.reply.headSent, true)
})

test('a client of HTTP/1.0 gets no interim answer, no chunks and no kept connection', async (t) => {
  const { port } = await startGateway(t, {
    use: [
      answerBy(({ reply }) => {
        reply.informational(103, [['link', '</a.css>; rel=preload']])
        reply.head(200, '', [])
        reply.write(Buffer.from('a'))
        reply.end(Buffer.from('b'))
      }),
    ],
  })
  const { text, end } = await rawRequest(port, 'GET / HTTP/1.0\r\n\r\n')
  assert.match(text, /^HTTP\/1\.1 200 /)
  assert.match(text, /\r\n\r\nab$/)
  assert.doesNotMatch(text, /103|transfer-encoding/i)
  assert.equal(end, 'closed')
})

test('early hints go out before the answer', async (t) => {
  const { port } = await startGateway(t, {
    use: [
      answerBy((exchange) => {
        exchange.reply.informational(103, [
          ['Link', '</a.css>; rel=preload'],
          ['Link', '</b.js>; rel=preload'],
        ])
        sendText(exchange, 'page')
      }),
    ],
  })
  const { text } = await rawGet(port, '/')
  assert.match(
    text,
    /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a\.css>; rel=preload\r\nLink: <\/b\.js>; rel=preload\r\n\r\nHTTP\/1\.1 200 /,
  )
})

test('a client that expects 100-continue is told to go on when somebody reads, and not before', async (t) => {
  const { port } = await startGateway(t, {
    use: [
      answerBy(async (exchange) => {
        if (exchange.request.target === '/refused') sendText(exchange, 'no', 413)
        else sendText(exchange, `got ${await readText(exchange)}`)
      }),
    ],
  })
  const head = 'Host: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n'
  const taken = await conversation(
    port,
    `POST / HTTP/1.1\r\n${head}`,
    (text) => text.includes('100 Continue\r\n\r\n'),
    'hello',
    (text) => text.endsWith('got hello'),
  )
  assert.match(taken, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /)
})

test('the rest of an unread body is dropped, and the connection can be used again', async (t) => {
  const { port } = await startGateway(t, {
    use: [answerBy((exchange) => sendText(exchange, exchange.request.target, 404))],
  })
  const text = await conversation(
    port,
    'POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n01234',
    (sofar) => sofar.endsWith('/a'),
    '56789GET /b HTTP/1.1\r\nHost: a\r\n\r\n',
    (sofar) => sofar.endsWith('/b'),
  )
  assert.match(text, /404 .*\/a.*404 .*\/b$/s)
})

test('a body that was read in part is dropped as well', async (t) => {
  const { port } = await startGateway(t, {
    use: [
      answerBy(async (exchange) => {
        for await (const _ of exchange.request.body ?? []) break
        sendText(exchange, exchange.request.target)
      }),
    ],
  })
  const text = await conversation(
    port,
    'POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n',
    (sofar) => sofar.includes('/a'),
    '5\r\nworld\r\n0\r\n\r\n',
  )
  assert.match(text, /200 .*connection: close.*\/a/is)
  const kept = await conversation(
    port,
    'POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n01234',
    (sofar) => sofar.includes('/a'),
    '56789GET /b HTTP/1.1\r\nHost: a\r\n\r\n',
    (sofar) => sofar.endsWith('/b'),
  )
  assert.match(kept, /200 .*\/a.*200 .*\/b$/s)
})

test('an early answer to a large upload arrives, whole, and the connection is closed', async (t) => {
  const { port } = await startGateway(t, {
    use: [answerBy((exchange) => sendText(exchange, 'too large', 413))],
  })
  const size = 64 * 1024 * 1024
  let text = ''
  let ended = false
  const socket = connect(port, '127.0.0.1')
  t.after(() => socket.destroy())
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
  socket.on('error', () => {})
  socket.on('close', () => (ended = true))
  socket.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n`)
  const piece = Buffer.alloc(64 * 1024)
  const pump = (): void => {
    while (!socket.destroyed && socket.write(piece));
  }
  socket.on('drain', pump)
  pump()
  await until('the connection is closed', () => ended)
  assert.match(text, /^HTTP\/1\.1 413 /)
  assert.match(text, /connection: close/i)
  assert.ok(isWhole({ text, end: 'closed' }))
})

test('an answer that is aborted never looks whole', async (t) => {
  const closed: string[] = []
  const { port } = await startGateway(t, {
    use: [
      answerBy(({ request, reply }) => {
        reply.onClose(() => closed.push(request.target))
        reply.head(200, '', request.target === '/length' ? [['content-length', '10']] : [])
        reply.write(Buffer.from('half'))
        setImmediate(() => reply.abort(new Error('the other half is lost')))
      }),
    ],
  })
  for (const target of ['/length', '/chunked']) {
    const answer = await rawGet(port, target)
    assert.ok(!isWhole(answer), answer.text)
  }
  await until('both are over', () => closed.length === 2)
})

test('an aborted answer that only the end of the connection ends is reset', async (t) => {
  let exchange: Exchange | undefined
  const { port } = await startGateway(t, {
    use: [
      answerBy((one) => {
        exchange = one
        one.reply.head(200, '', [])
        one.reply.write(Buffer.from('half'))
      }),
    ],
  })
  const socket = connect(port, '127.0.0.1')
  const end = new Promise((resolve) => {
    socket.once('error', resolve)
    socket.once('end', () => resolve('a clean end'))
  })
  socket.on('data', (chunk: Buffer) => {
    if (chunk.toString().endsWith('half')) exchange?.reply.abort()
  })
  socket.write('GET / HTTP/1.0\r\n\r\n')
  assert.match(String(await end), /ECONNRESET/)
})

test('a client that goes away during its upload ends the body with an error', async (t) => {
  let failure: unknown
  let asked = false
  const { port } = await startGateway(t, {
    use: [
      answerBy(async (exchange) => {
        asked = true
        await readText(exchange).catch((error: unknown) => {
          failure = error
        })
      }),
    ],
  })
  for (const head of [
    'Content-Length: 10\r\n\r\n01234',
    'Transfer-Encoding: chunked\r\n\r\n5\r\nab',
  ]) {
    await conversation(port, `POST / HTTP/1.1\r\nHost: a\r\n${head}`, () => asked)
    await until('the body fails', () => failure)
    assert.match(String(failure), /the client went away after \d( of 10)? bytes/)
    asked = false
    failure = undefined
  }
})

test('a slow client is told by write, and onDrain goes on', async (t) => {
  let refused = 0
  const piece = Buffer.alloc(256 * 1024, 'x')
  const { port } = await startGateway(t, {
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
        reply.head(200, '', [['content-length', String(100 * piece.length)]])
        pump()
      }),
    ],
  })
  const answer = await rawGet(port, '/')
  assert.ok(isWhole(answer))
  assert.ok(refused > 0)
})

test('the close of an exchange is told once, and what comes after it does nothing', async (t) => {
  let closes = 0
  let late: Exchange | undefined
  const { port } = await startGateway(t, {
    use: [
      answerBy((exchange) => {
        late = exchange
        exchange.reply.onClose(() => closes++)
        exchange.reply.head(200, '', [])
        exchange.reply.write(Buffer.from('a'))
      }),
    ],
  })
  await conversation(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', (text) => text.includes('a\r\n'))
  await until('the client is gone', () => late?.closed)
  late!.reply.write(Buffer.from('b'))
  late!.reply.end()
  late!.reply.abort()
  late!.reply.onClose(() => closes++)
  assert.equal(closes, 2)
})
