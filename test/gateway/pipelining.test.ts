// Several requests on one connection of HTTP/1, sent without waiting for answers.

import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import type { Exchange } from '@fastcgi/gateway'
import { answerBy, readText, sendText } from '../support/exchanges.ts'
import { rawRequest, startGateway } from '../support/gateway.ts'
import { until } from '../support/process.ts'
import { get, portOf, startServer } from '../support/serving.ts'

/** GET, one request for each target. */
function requests(...targets: string[]): string {
  return targets.map((target) => `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`).join('')
}

/** A connection that is gone with the test. */
function open(t: TestContext, port: number, text: string): Socket {
  const socket = connect(port, '127.0.0.1', () => socket.write(text))
  socket.on('error', () => {})
  t.after(() => socket.destroy())
  return socket
}

test('requests that wait behind another one are over when their connection is closed', async (t) => {
  const exchanges: Exchange[] = []
  let closed = 0
  const { port, gateway } = await startGateway(t, {
    use: [
      answerBy((exchange) => {
        exchanges.push(exchange)
        exchange.onClose(() => closed++)
      }),
    ],
  })
  const socket = open(t, port, requests('/1', ...Array<string>(20).fill('/more')))
  await until('the requests are there', () => exchanges.length === 21)
  assert.equal(gateway.active, 21)
  socket.destroy()
  await until('all are over', () => gateway.active === 0)
  assert.equal(closed, 21)
  assert.ok(exchanges.every((exchange) => exchange.closed))
})

test('a request behind one that ends its connection is over with it', async (t) => {
  let exchange: Exchange | undefined
  const { port, gateway } = await startGateway(t, {
    use: [
      answerBy((one) => {
        if (one.request.target === '/late') exchange = one
        else sendText(one, 'last')
      }),
    ],
  })
  const first = 'GET /first HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
  const { text } = await rawRequest(port, first + requests('/late'))
  assert.match(text, /\r\n\r\nlast$/)
  await until('both are over', () => gateway.active === 0)
  assert.ok(exchange === undefined || exchange.closed)
})

test('a server begins a request when those before it are answered, and answers all in their order', async (t) => {
  const exchanges: Exchange[] = []
  const server = await startServer(t, {
    use: [answerBy((exchange) => void exchanges.push(exchange))],
  })
  const targets = Array.from({ length: 250 }, (_, at) => `/${at}`)
  let text = ''
  const socket = open(t, portOf(server.addresses[0]), requests(...targets))
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
  for (const target of targets) {
    await until(`${target} is there`, () => exchanges.length > 0)
    const [exchange] = exchanges.splice(0, 1)
    assert.equal(exchanges.length, 0)
    assert.equal(exchange!.request.target, target)
    sendText(exchange!, `answer ${target}`)
  }
  await until('the last answer', () => text.endsWith(`answer ${targets.at(-1)}`))
  const answers = Array.from(text.matchAll(/\r\n\r\nanswer (\/\d+)/g), ([, target]) => target)
  assert.deepEqual(answers, targets)
})

test('what node:http answers by itself takes its place among the answers', async (t) => {
  const server = await startServer(t, {
    use: [
      answerBy(async (exchange) => {
        await new Promise((resolve) => setImmediate(resolve))
        sendText(exchange, 'ours')
      }),
    ],
  })
  const odd = 'GET /odd HTTP/1.1\r\nHost: a\r\nExpect: miracles\r\n\r\n'
  const last = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
  const { text } = await rawRequest(portOf(server.addresses[0]), requests('/') + odd + last)
  const statuses = Array.from(text.matchAll(/HTTP\/1\.1 (\d+)/g), ([, status]) => status)
  assert.deepEqual(statuses, ['200', '417', '200'])
})

test('requests with bodies that wait for their turn arrive whole', async (t) => {
  const server = await startServer(t, {
    use: [answerBy(async (exchange) => sendText(exchange, `<${await readText(exchange)}>`))],
  })
  const body = 'x'.repeat(100_000)
  const upload = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  const last = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
  const { text } = await rawRequest(portOf(server.addresses[0]), upload.repeat(5) + last)
  assert.deepEqual(
    Array.from(text.matchAll(/<(x*)>/g), ([, sent]) => sent!.length),
    [...Array<number>(5).fill(body.length), 0],
  )
})

test('a server reads no more than so many requests that wait for their turn', async (t) => {
  const server = await startServer(t, {
    use: [
      answerBy((exchange) => {
        if (exchange.request.target === '/other') sendText(exchange, 'other')
      }),
    ],
  })
  const [url = ''] = server.addresses
  // More than the system keeps between the two.
  const one = `GET /never HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(16_000)}\r\n\r\n`
  const socket = open(t, portOf(url), one.repeat(3000))
  await until('the system takes some', () => socket.bytesWritten > 0)
  for (let turn = 0; turn < 300; turn++) assert.equal((await get(`${url}/other`)).body, 'other')
  assert.ok(socket.writableLength > 0)
})

test('a tunnel that is asked for behind another request is no answer to that one', async (t) => {
  const server = await startServer(t, { use: [answerBy(() => {})] })
  const port = portOf(server.addresses[0])
  const connectRequest = 'CONNECT b:1 HTTP/1.1\r\nHost: b:1\r\n\r\n'
  assert.equal((await rawRequest(port, requests('/never') + connectRequest)).text, '')
  assert.match((await rawRequest(port, connectRequest)).text, /^HTTP\/1\.1 405 /)
})
