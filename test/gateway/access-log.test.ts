// What the access log says, and what it never says.

import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test, type TestContext } from 'node:test'
import type { AccessLogEntry, AccessLogOptions, Exchange } from '@fastcgi/gateway'
import { answerBy, readText, sendText } from '../support/exchanges.ts'
import { rawGet, rawRequest, startGateway, type RunningGateway } from '../support/gateway.ts'
import { until } from '../support/process.ts'

async function startLogged(
  t: TestContext,
  answer: (exchange: Exchange) => void | Promise<void>,
  options: AccessLogOptions = {},
): Promise<RunningGateway & { entries: AccessLogEntry[] }> {
  const entries: AccessLogEntry[] = []
  const accessLog = { write: (entry: AccessLogEntry) => entries.push(entry), ...options }
  return { ...(await startGateway(t, { accessLog, use: [answerBy(answer)] })), entries }
}

test('an entry says who asked for what, and what went out', async (t) => {
  const { port, entries } = await startLogged(t, (exchange) => {
    exchange.log['cache'] = 'hit'
    sendText(exchange, 'hello', 201)
  })
  await rawGet(port, '/a?b=c', ['User-Agent: curl', 'Referer: http://b.example/?token=x&c=d'])
  await until('an entry', () => entries.length === 1)
  const { time, duration, ...entry } = entries[0]!
  assert.match(time, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  assert.ok(Math.abs(Date.parse(time) - Date.now()) < 60_000)
  assert.ok(duration >= 0)
  assert.deepEqual(entry, {
    cache: 'hit',
    remote: '127.0.0.1',
    method: 'GET',
    host: 'example.org',
    target: '/a?b=c',
    protocol: 'HTTP/1.1',
    status: 201,
    bytes: 5,
    outcome: 'complete',
    userAgent: 'curl',
    referrer: 'http://b.example/?token=[redacted]&c=d',
  })
})

test('a request that is refused before anybody looks at it is in the log', async (t) => {
  const { port, entries } = await startLogged(t, (exchange) => sendText(exchange, ''))
  await rawGet(port, '/../x')
  await until('an entry', () => entries.length === 1)
  assert.equal(entries[0]!.status, 400)
})

test('the outcome tells whole answers from those cut off by us, or by the client', async (t) => {
  const { port, entries } = await startLogged(t, async (exchange) => {
    const { reply, request } = exchange
    if (request.target === '/upload') await readText(exchange)
    reply.head(200, '', [])
    reply.write(Buffer.from('half'))
    if (request.target === '/aborted') setImmediate(() => reply.abort())
  })
  await rawGet(port, '/aborted')
  await rawRequest(port, 'GET /closed HTTP/1.1\r\nHost: a\r\n\r\n', (text) => text.includes('half'))
  const upload = connect(port, '127.0.0.1')
  upload.write('POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab', () =>
    upload.end(),
  )
  upload.on('error', () => {})
  upload.resume()
  await until('all entries', () => entries.length === 3)
  const told = entries.map(({ target, outcome }) => `${target} ${outcome}`).toSorted()
  assert.equal(told[0], '/aborted aborted')
  assert.equal(told[1], '/closed closed')
  assert.match(told[2]!, /^\/upload (closed|complete)$/)
})

test('values of secret parameters are replaced, however their names are written', async (t) => {
  const { port, entries } = await startLogged(t, (exchange) => sendText(exchange, ''))
  const cases: [string, string][] = [
    ['/?token=x', '/?token=[redacted]'],
    ['/?TOKEN=x&a=1', '/?TOKEN=[redacted]&a=1'],
    ['/?%74oken=x', '/?%74oken=[redacted]'],
    ['/?user[password]=x', '/?user[password]=[redacted]'],
    ['/?a%5Bapi_key%5D%5B%5D=x', '/?a%5Bapi_key%5D%5B%5D=[redacted]'],
    ['/?api.key=x&Api-Key=y', '/?api.key=[redacted]&Api-Key=[redacted]'],
    ['/?%zz&token=a=b', '/?%zz&token=[redacted]'],
    ['/?tokens=x&mytoken=y', '/?tokens=x&mytoken=y'],
    ['/token=x', '/token=x'],
  ]
  for (const [target] of cases) await rawGet(port, target)
  await until('all entries', () => entries.length === cases.length)
  assert.deepEqual(
    entries.map(({ target }) => target),
    cases.map(([, shown]) => shown),
  )
})

test('names of secrets can be given', async (t) => {
  const answer = (exchange: Exchange): void => sendText(exchange, '')
  const { port, entries } = await startLogged(t, answer, { redact: ['coupon-code'] })
  await rawGet(port, '/?coupon_code=1&token=2')
  await until('an entry', () => entries.length === 1)
  assert.equal(entries[0]!.target, '/?coupon_code=[redacted]&token=2')
})

test('nothing that a client sends begins a line, and no credentials are told', async (t) => {
  const { port, entries } = await startLogged(t, (exchange) => {
    exchange.log['note'] = 'a\nb'
    sendText(exchange, '')
  })
  await rawGet(port, '/', [
    'User-Agent: a\x9b[2Jb\x85c',
    'Cookie: session=geheim1',
    'Authorization: Basic geheim2',
  ])
  await until('an entry', () => entries.length === 1)
  const text = JSON.stringify(entries)
  assert.doesNotMatch(text, /geheim/)
  assert.equal(entries[0]!.userAgent, 'a\\x9b[2Jb\\x85c')
  assert.equal(entries[0]!['note'], 'a\\x0ab')
})

test('without write, entries go to the logger; a write that throws is told there, and harms nothing', async (t) => {
  const plain = await startGateway(t, {
    accessLog: true,
    use: [answerBy((exchange) => sendText(exchange, ''))],
  })
  await rawGet(plain.port, '/a')
  await until('an entry', () => plain.log.text.includes('info GET /a 200'))
  const failing = await startLogged(t, (exchange) => sendText(exchange, 'fine'), {
    write: () => {
      throw new Error('the disk is full')
    },
  })
  assert.match((await rawGet(failing.port, '/')).text, /fine$/)
  await until('the failure', () => failing.log.text.includes('error the access log could not be'))
})
