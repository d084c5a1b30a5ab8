// Several requests on one connection of HTTP/1, sent without waiting for answers.

import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import type { Exchange } from '@fastcgi/gateway'
import { answerBy, sendText } from '../support/exchanges.ts'
import { rawRequest, startGateway } from '../support/gateway.ts'
import { until } from '../support/process.ts'

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
