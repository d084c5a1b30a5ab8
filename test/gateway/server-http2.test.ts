// HTTP/2, with TLS and without.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { connect as connectHttp2, constants, type ClientHttp2Session } from 'node:http2'
import { request as httpsRequest } from 'node:https'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { Exchange } from '@fastcgi/gateway'
import { makeCertificate, NO_OPENSSL } from '../support/certificate.ts'
import { answerBy, readText, sendText } from '../support/exchanges.ts'
import { temporaryDirectory, until } from '../support/process.ts'
import { openHttp2, portOf, requestHttp2, startServer } from '../support/serving.ts'

/** Cleartext HTTP/2 on a listener of its own, beside the one for HTTP/1. */
async function startH2c(
  t: TestContext,
  answer: (exchange: Exchange) => void | Promise<void>,
): Promise<ReturnType<typeof openHttp2>> {
  const server = await startServer(t, { h2c: 0, use: [answerBy(answer)] })
  return openHttp2(t, server.addresses[1]!)
}

test('h2c: a request arrives with its host, and the answer with each of its fields', async (t) => {
  const session = await startH2c(t, async (exchange) => {
    const { request, client } = exchange
    const text = await readText(exchange)
    const { protocol, method, target } = request
    const cookies = request.header('cookie')
    exchange.send(
      200,
      [
        ['Set-Cookie', 'a=\xe4'],
        ['set-cookie', 'b=2'],
        ['connection', 'close'],
      ],
      Buffer.from(`${protocol} ${method} ${target} ${client.host} ${cookies} ${text}`),
    )
  })
  const { headers, body } = await requestHttp2(
    session,
    { ':path': '/a?b', ':method': 'POST', ':authority': 'example.org', cookie: ['a=1', 'b=2'] },
    'hello',
  )
  assert.equal(body, 'HTTP/2.0 POST /a?b example.org a=1; b=2 hello')
  assert.deepEqual(headers['set-cookie'], ['a=\xe4', 'b=2'])
  assert.equal(headers['connection'], undefined)
  assert.ok(headers['date'])
})

test('h2c: cookies arrive as one, however many fields they come in', async (t) => {
  const session = await startH2c(t, (exchange) =>
    sendText(exchange, exchange.request.header('cookie') ?? ''),
  )
  const cookie = Array.from({ length: 500 }, (_, at) => `c${at}=${at}`)
  const { body } = await requestHttp2(session, { ':path': '/', cookie })
  assert.equal(body, cookie.join('; '))
})

test('h2c: two hosts that are not the same are refused', async (t) => {
  const session = await startH2c(t, (exchange) => sendText(exchange, exchange.client.host))
  const both = { ':path': '/', ':authority': 'a.example', host: 'b.example' }
  assert.equal((await requestHttp2(session, both)).headers[':status'], 400)
  const same = { ':path': '/', ':authority': 'a.example', host: 'a.example' }
  assert.equal((await requestHttp2(session, same)).body, 'a.example')
})

test('h2c: early hints come before the answer', async (t) => {
  const session = await startH2c(t, (exchange) => {
    exchange.reply.informational(103, [
      ['link', '</a.css>'],
      ['link', '</b.js>'],
    ])
    sendText(exchange, 'page')
  })
  const { interim, body } = await requestHttp2(session, { ':path': '/' })
  assert.equal(interim[0]?.[':status'], 103)
  assert.equal(interim[0]?.['link'], '</a.css>, </b.js>')
  assert.equal(body, 'page')
})

test('h2c: an aborted answer resets its stream, and no other', async (t) => {
  let slow: Exchange | undefined
  const session = await startH2c(t, (exchange) => {
    const { reply, request } = exchange
    if (request.target === '/slow') {
      slow = exchange
      return
    }
    reply.head(200, '', [])
    reply.write(Buffer.from('half'))
    setImmediate(() => reply.abort(new Error('lost')))
  })
  const other = requestHttp2(session, { ':path': '/slow' })
  const { code } = await requestHttp2(session, { ':path': '/' })
  assert.equal(code, constants.NGHTTP2_INTERNAL_ERROR)
  await until('the other request', () => slow)
  sendText(slow!, 'fine')
  assert.equal((await other).body, 'fine')
})

test('h2c: a request that is reset during its upload ends the body with an error', async (t) => {
  let failure: unknown
  let began = false
  const session = await startH2c(t, async (exchange) => {
    began = true
    await readText(exchange).catch((error: unknown) => {
      failure = error
    })
  })
  for (const head of [{}, { 'content-length': '10' }]) {
    const stream = session.request({ ':path': '/', ':method': 'POST', ...head })
    stream.on('error', () => {})
    stream.write('01234')
    await until('the request', () => began)
    // Not close(), which ends the body before it resets the stream.
    stream.destroy(new Error('enough'))
    await until('the body fails', () => failure)
    assert.match(String(failure), /the client went away after/)
    failure = undefined
    began = false
  }
})

test('h2c: an early answer to an upload is whole, and the session goes on', async (t) => {
  const session = await startH2c(t, (exchange) => sendText(exchange, 'too large', 413))
  const stream = session.request({ ':path': '/', ':method': 'POST' })
  let text = ''
  stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  stream.on('error', () => {})
  stream.write('the beginning')
  await until('the answer', () => stream.closed)
  assert.equal(text, 'too large')
  assert.equal(stream.rstCode, constants.NGHTTP2_NO_ERROR)
  assert.equal((await requestHttp2(session, { ':path': '/' })).headers[':status'], 413)
})

test('h2c: a header that cannot be sent is a failure', async (t) => {
  const session = await startH2c(t, (exchange) => exchange.send(200, [['x-a', 'b\r\nc: d']]))
  assert.equal((await requestHttp2(session, { ':path': '/' })).headers[':status'], 500)
})

test('h2c: of a field that an answer has once only, the last one goes out', async (t) => {
  const session = await startH2c(t, (exchange) =>
    exchange.send(200, [
      ['Date', 'Thu, 01 Jan 1970 00:00:00 GMT'],
      ['Date', 'Fri, 02 Jan 1970 00:00:00 GMT'],
      ['X-Content-Type-Options', 'nosniff'],
      ['x-content-type-options', 'nosniff'],
      ['Content-Language', 'de'],
      ['Content-Language', 'en'],
      ['Link', '</a>'],
      ['Link', '</b>'],
    ]),
  )
  const { headers } = await requestHttp2(session, { ':path': '/' })
  assert.equal(headers[':status'], 200)
  assert.equal(headers['date'], 'Fri, 02 Jan 1970 00:00:00 GMT')
  assert.equal(headers['x-content-type-options'], 'nosniff')
  assert.equal(headers['content-language'], 'de, en')
  assert.equal(headers['link'], '</a>, </b>')
})

test('h2c: CONNECT is refused, and 100-continue waits for a reader', async (t) => {
  const session = await startH2c(t, async (exchange) => {
    if (exchange.request.target === '/no') sendText(exchange, 'no', 413)
    else sendText(exchange, await readText(exchange))
  })
  const tunnel = await requestHttp2(session, { ':method': 'CONNECT', ':authority': 'a:1' })
  assert.equal(tunnel.headers[':status'], 405)
  for (const [path, expected] of [
    ['/no', false],
    ['/yes', true],
  ] as const) {
    let continued = false
    const stream = session.request({ ':path': path, ':method': 'POST', expect: '100-continue' })
    stream.on('continue', () => {
      continued = true
      stream.end('hello')
    })
    stream.on('error', () => {})
    stream.resume()
    await until('the end', () => stream.closed)
    assert.equal(continued, expected, path)
  }
})

test('h2c on a unix socket: what runs is answered while the server closes', async (t) => {
  const path = join(await temporaryDirectory(t), 'h2c.sock')
  let exchange: Exchange | undefined
  const use = [answerBy((one) => void (exchange = one))]
  const server = await startServer(t, { h2c: path, use })
  const session: ClientHttp2Session = connectHttp2('http://localhost', {
    createConnection: () => connect(path),
  })
  t.after(() => session.destroy())
  session.on('error', () => {})
  const answer = requestHttp2(session, { ':path': '/' })
  await until('the request is there', () => exchange)
  // Nobody asks anything here: as soon as it is closed, whatever was taken for unused is.
  let closed = false
  const idle = connect(portOf(server.addresses[0]), '127.0.0.1')
  idle.on('error', () => {})
  idle.on('close', () => (closed = true)).resume()
  await until('it is connected', () => !idle.connecting)
  const end = server.close()
  await until('what is not used is closed', () => closed)
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
  sendText(exchange!, 'late')
  assert.equal((await answer).body, 'late')
  assert.equal(await end, 0)
})

test('TLS speaks HTTP/2 and HTTP/1.1, as the client chooses', { skip: NO_OPENSSL }, async (t) => {
  const tls = await makeCertificate(t)
  const server = await startServer(t, {
    tls,
    use: [
      answerBy(async (exchange) => {
        const { request, client } = exchange
        sendText(exchange, `${request.protocol} ${client.https} ${await readText(exchange)}`)
      }),
    ],
  })
  const [url = ''] = server.addresses
  assert.match(url, /^https:\/\//)
  const ca = readFileSync(tls.cert, 'utf8')
  const session = openHttp2(t, url, ca)
  const { body } = await requestHttp2(session, { ':path': '/', ':method': 'POST' }, 'a')
  assert.equal(body, 'HTTP/2.0 true a')
  const old = await new Promise((resolve, reject) => {
    const request = httpsRequest(url, { ca, method: 'POST', agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      response.on('end', () => resolve(text))
    })
    request.on('error', reject)
    request.end('b')
  })
  assert.equal(old, 'HTTP/1.1 true b')
})

test('a certificate that cannot be used is told in a sentence', { skip: NO_OPENSSL }, async (t) => {
  const one = await makeCertificate(t)
  const other = await makeCertificate(t)
  await assert.rejects(
    startServer(t, { tls: { cert: one.cert, key: other.key } }),
    /tls\.cert and tls\.key cannot be used together: .*key/,
  )
  await assert.rejects(
    startServer(t, { tls: { cert: '/nowhere/cert.pem', key: one.key } }),
    /tls\.cert: cannot read "\/nowhere\/cert\.pem": .*ENOENT/,
  )
})

test('a reload takes the certificate that is there then', { skip: NO_OPENSSL }, async (t) => {
  const one = await makeCertificate(t)
  const other = await makeCertificate(t)
  const options = { use: [answerBy((exchange: Exchange) => sendText(exchange, 'ok'))] }
  const server = await startServer(t, { ...options, tls: one })
  const [url = ''] = server.addresses
  await server.reload({ root: '/', listen: 0, ...options, tls: other })
  assert.deepEqual(server.addresses, [url])
  const session = openHttp2(
    t,
    url.replace('127.0.0.1', 'localhost'),
    readFileSync(other.cert, 'utf8'),
  )
  assert.equal((await requestHttp2(session, { ':path': '/' })).body, 'ok')
})
