// What passes between a web Request, a handler and a web Response.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { createGateway, type Gateway, type Exchange } from '@fastcgi/gateway'
import { answerBy, readText, sendText } from '../support/exchanges.ts'
import { PHP_ROOT } from '../support/paths.ts'
import { until } from '../support/process.ts'

function gatewayOf(t: TestContext, answer: (exchange: Exchange) => void | Promise<void>): Gateway {
  const gateway = createGateway({ root: PHP_ROOT, use: [answerBy(answer)] })
  t.after(() => gateway.destroy())
  return gateway
}

test('a request says what came, and who asks when the server tells', async (t) => {
  const { fetch } = gatewayOf(t, async (exchange) => {
    const { request, client } = exchange
    const { address, port, https, host } = client
    const body = await readText(exchange)
    sendText(
      exchange,
      JSON.stringify([
        request.method,
        request.target,
        request.header('host'),
        body,
        address,
        port,
        https,
        host,
      ]),
    )
  })
  const request = new Request('https://example.org:444/a%20b?c=d', {
    method: 'POST',
    body: 'hello',
  })
  const known = await fetch(request, { remoteAddress: '192.0.2.1', remotePort: 4711 })
  assert.deepEqual(await known.json(), [
    'POST',
    '/a%20b?c=d',
    'example.org:444',
    'hello',
    '192.0.2.1',
    4711,
    true,
    'example.org',
  ])
  const client = async (info: object): Promise<unknown> => {
    const answer = await fetch(new Request('http://example.org/'), info)
    return ((await answer.json()) as unknown[]).slice(4, 6)
  }
  assert.deepEqual(await client({ remoteAddress: 5 }), ['0.0.0.0', 0])
  // As Deno.serve calls it.
  const remoteAddr = { transport: 'tcp', hostname: '192.0.2.2', port: 4712 }
  assert.deepEqual(await client({ remoteAddr }), ['192.0.2.2', 4712])
  assert.deepEqual(await client({ remoteAddr: null }), ['0.0.0.0', 0])
})

test('an answer at hand is a Response with its headers, cookies apart', async (t) => {
  const { fetch } = gatewayOf(t, (exchange) => {
    exchange.send(
      201,
      [
        ['set-cookie', 'a=1'],
        ['set-cookie', 'b=\xe4'],
      ],
      Buffer.from('hi'),
    )
  })
  const response = await fetch(new Request('http://a/'))
  assert.equal(response.status, 201)
  assert.equal(response.statusText, 'Created')
  assert.deepEqual(response.headers.getSetCookie(), ['a=1', 'b=\xe4'])
  assert.equal(await response.text(), 'hi')
})

test('answers that have no body have none', async (t) => {
  const { fetch } = gatewayOf(t, ({ request, reply }) => {
    reply.head(Number(request.target.slice(1)), '', [])
    reply.end(Buffer.from('x'))
  })
  for (const status of [204, 205, 304]) {
    assert.equal((await fetch(new Request(`http://a/${status}`))).body, null)
  }
  const head = await fetch(new Request('http://a/200', { method: 'HEAD' }))
  assert.equal(await head.text(), '')
})

test('a Response is there with the head, and a slow reader holds the writer up', async (t) => {
  const piece = Buffer.alloc(48 * 1024, 'x')
  let written = 0
  const { fetch } = gatewayOf(t, ({ reply }) => {
    const pump = (): void => {
      while (written < 100) {
        written++
        if (!reply.write(piece)) return
      }
      reply.end()
    }
    reply.onDrain(pump)
    reply.head(200, '', [])
    setImmediate(pump)
  })
  const response = await fetch(new Request('http://a/'))
  await until('the writer stops', () => written > 0)
  assert.ok(written < 5, `${written} pieces for nobody`)
  assert.equal((await response.arrayBuffer()).byteLength, 100 * piece.length)
})

test('the end of an exchange is the end of its body, taken or not wanted', async (t) => {
  const over: string[] = []
  const { fetch } = gatewayOf(t, ({ request, reply }) => {
    reply.onClose(() => over.push(request.target))
    reply.head(200, '', [])
    reply.write(Buffer.from('a'))
    reply.write(Buffer.from('b'))
    if (request.target === '/taken') reply.end()
  })
  const taken = await fetch(new Request('http://a/taken'))
  assert.deepEqual(over, [])
  assert.equal(await taken.text(), 'ab')
  await until('the end is told', () => over.length === 1)
  const unwanted = await fetch(new Request('http://a/unwanted'))
  await unwanted.body!.cancel()
  assert.deepEqual(over, ['/taken', '/unwanted'])
})

test('a failure after the head fails the body', async (t) => {
  const { fetch } = gatewayOf(t, ({ reply }) => {
    reply.head(200, '', [])
    reply.write(Buffer.from('half'))
    setImmediate(() => reply.abort(new Error('the other half is lost')))
  })
  const response = await fetch(new Request('http://a/'))
  await assert.rejects(response.text(), /the other half is lost/)
})

test('a request that is aborted ends the exchange and rejects with its reason', async (t) => {
  let exchange: Exchange | undefined
  const { fetch } = gatewayOf(t, (one) => {
    exchange = one
  })
  const giveUp = new AbortController()
  const answered = fetch(new Request('http://a/', { signal: giveUp.signal }))
  const reason = new Error('enough')
  giveUp.abort(reason)
  await assert.rejects(answered, reason)
  assert.equal(exchange?.closed, true)
})

test('a header that cannot be sent is a failure, not a broken Response', async (t) => {
  const { fetch } = gatewayOf(t, (exchange) => exchange.send(200, [['x-a', 'b\r\nc: d']]))
  assert.equal((await fetch(new Request('http://a/'))).status, 500)
})
