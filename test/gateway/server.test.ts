// A server of its own: where it listens, what it bears, and how it ends.

import assert from 'node:assert/strict'
import { existsSync, statSync, writeFileSync } from 'node:fs'
import { Agent, createServer } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { ListenError, serve, type ServeOptions, type Exchange } from '@fastcgi/gateway'
import { answerBy, sendText } from '../support/exchanges.ts'
import { startFpm } from '../support/fpm.ts'
import { RecordingLogger, rawRequest } from '../support/gateway.ts'
import { PHP_ROOT } from '../support/paths.ts'
import { Program, temporaryDirectory, until } from '../support/process.ts'
import { get, Load, openHttp2, portOf, requestHttp2, startServer } from '../support/serving.ts'

const hello = answerBy((exchange) => sendText(exchange, 'hello'))

/** Answers when the test says so. */
class Gate {
  readonly waiting: Exchange[] = []
  readonly use = [
    answerBy((exchange) => {
      if (exchange.request.target === '/now') sendText(exchange, 'now')
      else this.waiting.push(exchange)
    }),
  ]

  open(text = 'late'): void {
    for (const exchange of this.waiting.splice(0)) sendText(exchange, text)
  }
}

test('it listens on several addresses, TCP and unix', async (t) => {
  const directory = await temporaryDirectory(t)
  const path = join(directory, 'gateway.sock')
  const server = await startServer(t, {
    listen: ['127.0.0.1:0', { address: `unix:${path}`, mode: 0o600 }],
    use: [hello],
  })
  const [url = '', socket] = server.addresses
  assert.equal(socket, `unix:${path}`)
  assert.equal(statSync(path).mode & 0o777, 0o600)
  assert.equal((await get(`${url}/`)).body, 'hello')
  assert.equal((await get('http://localhost/', { socketPath: path })).body, 'hello')
  await server.close()
  assert.ok(!existsSync(path))
})

test('a socket file that nobody listens on is replaced; one in use, and any other file, is not', async (t) => {
  const directory = await temporaryDirectory(t)
  const path = join(directory, 'gateway.sock')
  const file = join(directory, 'file')
  writeFileSync(file, 'precious')
  // A process that is killed leaves its socket behind.
  const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => console.log('there'))`
  const program = new Program(process.execPath, ['-e', script])
  await program.until('listens', () => program.log.includes('there'))
  await assert.rejects(startServer(t, { listen: path, use: [hello] }), (error) => {
    assert.ok(error instanceof ListenError)
    assert.equal(error.code, 'EADDRINUSE')
    assert.match(error.message, /cannot listen on unix:.*: another program has taken it/)
    return true
  })
  await program.stop('SIGKILL')
  assert.ok(existsSync(path))
  await startServer(t, { listen: path, use: [hello] })
  assert.equal((await get('http://localhost/', { socketPath: path })).body, 'hello')
  await assert.rejects(startServer(t, { listen: file, use: [hello] }), { code: 'EADDRINUSE' })
  assert.equal(statSync(file).size, 8)
})

test('an address that cannot be taken is told in one sentence, and nothing is left open', async (t) => {
  const taken = createServer()
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
  t.after(() => taken.close())
  const address = taken.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const directory = await temporaryDirectory(t)
  const path = join(directory, 'first.sock')
  await assert.rejects(startServer(t, { listen: [path, port], use: [hello] }), {
    name: 'ListenError',
    code: 'EADDRINUSE',
    message: `cannot listen on 127.0.0.1:${port}: another program has taken it; stop that one, or choose another port (EADDRINUSE)`,
  })
  assert.ok(!existsSync(path))
  await assert.rejects(startServer(t, { listen: '192.0.2.1:0' }), { code: 'EADDRNOTAVAIL' })
  await assert.rejects(startServer(t, { listen: '/no/such/folder/x.sock' }), {
    name: 'ListenError',
    code: 'ENOENT',
    message: /its folder does not exist/,
  })
})

test('options that cannot be used are refused by their names', async () => {
  const refused = async (options: object, message: RegExp): Promise<void> => {
    await assert.rejects(serve({ root: PHP_ROOT, ...options }), {
      name: 'TypeError',
      message,
    })
  }
  await refused({ listen: 'nowhere' }, /^listen "nowhere" is no address: write 8080/)
  await refused({ listen: [8080, 70_000] }, /^listen\[1\]: port 70000 is not between/)
  await refused({ listen: { address: 0, tsl: true } }, /^listen\.tsl is no option/)
  await refused({ listen: { address: 0, mode: 0o600 } }, /^listen\.mode must be the permissions/)
  await refused({ listen: [] }, /at least one/)
  await refused({ tls: { cert: 'a' } }, /^tls\.key must be/)
  await refused({ limits: { headerTimeout: 1 } }, /^limits\.headerTimeout is no option/)
  await refused(
    { limits: { headersTimeout: -1 } },
    /^limits\.headersTimeout must be a whole number/,
  )
  await refused({ workers: 0 }, /^workers must be a whole number from 1/)
  await refused({ drainTimeout: '1s' }, /^drainTimeout must be/)
  await refused(
    { php: true, backend: '127.0.0.1:9000' },
    /^php starts a backend, and backend names/,
  )
  await refused({ php: { workers: 'many' } }, /^php\.workers must be a whole number/)
  await refused({ php: { wrkers: 1 } }, /^php: unknown option "wrkers"/)
  await refused({ signals: 1 }, /^signals must be/)
  await refused(
    { frontControler: '/index.php' },
    /^frontControler is no option; did you mean frontController\?/,
  )
  await refused({ lissten: 0 }, /^lissten is no option; did you mean listen\?/)
  await refused({ colour: 'red' }, /^colour is no option; there are listen, tls, .*, root, preset/)
})

test('a backend that is not there is told at the start, and nothing of one that is', async (t) => {
  const fpm = await startFpm(t)
  const logger = new RecordingLogger()
  await startServer(t, {
    backends: { up: fpm.address, gone: 'unix:/nowhere/php.sock' },
    backend: 'up',
    routes: [{ path: '/old', backend: 'gone' }],
    logger,
  })
  await until('it is told', () => logger.entries.length > 0)
  assert.equal(logger.entries.length, 1)
  assert.match(
    logger.text,
    /^warn the backend gone does not answer \(.*ENOENT.*\): scripts get 502 until it does$/,
  )
})

test('it installs no signal handler by itself', async (t) => {
  const before = process.listenerCount('SIGTERM') + process.listenerCount('SIGHUP')
  await startServer(t, { use: [hello] })
  assert.equal(process.listenerCount('SIGTERM') + process.listenerCount('SIGHUP'), before)
})

test('a head that is too large, or too slow, is refused', async (t) => {
  const limits = { maxHeaderSize: 2048, headersTimeout: 100 }
  const server = await startServer(t, { limits, use: [hello] })
  const port = portOf(server.addresses[0])
  const large = await rawRequest(
    port,
    `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(4096)}\r\n\r\n`,
  )
  assert.match(large.text, /^HTTP\/1\.1 431 /)
  const slow = await rawRequest(port, 'GET / HTTP/1.1\r\nHost: a\r\n')
  assert.match(slow.text, /^HTTP\/1\.1 408 /)
})

test('a connection is closed after as many requests as it may have, and when it is idle for too long', async (t) => {
  const limits = { maxRequestsPerConnection: 2, keepAliveTimeout: 50 }
  const server = await startServer(t, { limits, use: [hello] })
  const port = portOf(server.addresses[0])
  const request = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
  const two = await rawRequest(port, request + request)
  assert.equal(two.text.match(/200 OK/g)?.length, 2)
  assert.match(two.text, /connection: close/i)
  const idle = await rawRequest(port, request)
  assert.match(idle.text, /connection: keep-alive/i)
  assert.equal(idle.end, 'closed')
})

test('CONNECT is refused', async (t) => {
  const server = await startServer(t, { use: [hello] })
  const { text } = await rawRequest(
    portOf(server.addresses[0]),
    'CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n',
  )
  assert.match(text, /^HTTP\/1\.1 405 /)
})

test('a client that asks for a tunnel and resets the connection ends nothing else', async (t) => {
  const { addresses } = await startServer(t, {})
  const [url = ''] = addresses
  for (let index = 0; index < 20; index++) {
    await new Promise<void>((resolve) => {
      const socket = connect(portOf(url), '127.0.0.1', () => {
        socket.write('CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n')
        // At once for some, with the answer for others.
        if (index % 2 === 0) socket.resetAndDestroy()
      })
      socket.once('data', () => socket.resetAndDestroy())
      socket.on('error', () => {})
      socket.once('close', () => resolve())
    })
  }
  assert.ok((await get(url)).status)
})

test('a 413 comes before a client that expects 100-continue has sent a byte', async (t) => {
  const server = await startServer(t, {
    requestBody: { maxSize: 4 },
    frontController: '/index.php',
    backend: '127.0.0.1:9',
  })
  const { text } = await rawRequest(
    portOf(server.addresses[0]),
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n',
  )
  assert.match(text, /^HTTP\/1\.1 413 /)
  assert.match(text, /connection: close/i)
})

test('closing finishes what runs, says that connections end, and accepts nothing new', async (t) => {
  const gate = new Gate()
  const server = await startServer(t, { use: gate.use, h2c: 0 })
  const [url = '', h2c = ''] = server.addresses
  const agent = new Agent({ keepAlive: true })
  t.after(() => agent.destroy())
  assert.equal((await get(`${url}/now`, { agent })).body, 'now')
  const session = openHttp2(t, h2c)
  const streams = Array.from({ length: 20 }, () => requestHttp2(session, { ':path': '/' }))
  // The client itself would have the connection kept.
  const running = Array.from({ length: 200 }, () => get(`${url}/`, { agent }))
  await until('all wait', () => gate.waiting.length === 220)
  const closed = server.close()
  await until('nobody accepts', async () => (await get(`${url}/now`)).failure === 'ECONNREFUSED')
  gate.open()
  for (const { body, headers, failure } of await Promise.all(running)) {
    assert.equal(failure, undefined)
    assert.equal(body, 'late')
    assert.equal(headers['connection'], 'close')
  }
  for (const { body } of await Promise.all(streams)) assert.equal(body, 'late')
  assert.equal(await closed, 0)
  assert.equal(await server.closed, 0)
})

test('connections that have not asked for anything do not hold the end up', async (t) => {
  const server = await startServer(t, { use: [hello], drainTimeout: 0 })
  const port = portOf(server.addresses[0])
  const silent = connect(port, '127.0.0.1')
  const half = connect(port, '127.0.0.1')
  t.after(() => (silent.destroy(), half.destroy()))
  half.write('GET / HTTP/1.1\r\n')
  assert.equal((await get(server.addresses[0]!)).body, 'hello')
  assert.equal(await server.close(), 0)
})

test('requests that take longer than drainTimeout are cut off, and counted', async (t) => {
  const gate = new Gate()
  const server = await startServer(t, { use: gate.use, drainTimeout: 50 })
  const running = Array.from({ length: 3 }, () => get(server.addresses[0]!))
  await until('all wait', () => gate.waiting.length === 3)
  assert.equal(await server.close(), 3)
  for (const { failure } of await Promise.all(running)) assert.equal(failure, 'ECONNRESET')
})

test('destroying while it closes does not wait', async (t) => {
  const gate = new Gate()
  const server = await startServer(t, { use: gate.use, drainTimeout: 0 })
  const running = get(server.addresses[0]!)
  await until('it waits', () => gate.waiting.length === 1)
  const closed = server.close()
  assert.equal(await server.destroy(), 1)
  assert.equal(await closed, 1)
  assert.equal((await running).failure, 'ECONNRESET')
})

test('a reload under load loses nothing: what runs is finished as it began, what comes is new', async (t) => {
  const gate = new Gate()
  const server = await startServer(t, { use: gate.use })
  const [url = ''] = server.addresses
  const agent = new Agent({ keepAlive: true, maxSockets: 50 })
  t.after(() => agent.destroy())
  const before = Array.from({ length: 300 }, () => get(`${url}/before`))
  await until('all wait', () => gate.waiting.length === 300)
  const load = new Load(`${url}/now`, 20, agent)
  for (let round = 1; round <= 10; round++) {
    const answer = answerBy((exchange) => sendText(exchange, `${round}`))
    await server.reload({ root: PHP_ROOT, listen: 0, use: [answer] })
    assert.deepEqual(server.addresses, [url])
    assert.equal((await get(`${url}/now`)).body, String(round))
  }
  await load.stop()
  gate.open('old')
  for (const { body } of await Promise.all(before)) assert.equal(body, 'old')
  assert.ok(load.outcomes.length > 0)
  assert.deepEqual(load.failed, [])
  assert.equal(await server.close(), 0)
})

test('a reload leaves what PHP is working on alone', async (t) => {
  const fpm = await startFpm(t, { workers: 3 })
  const options: ServeOptions = { root: PHP_ROOT, listen: 0, backend: fpm.address }
  const server = await startServer(t, options)
  const gate = join(await temporaryDirectory(t), 'gate')
  const query = `gate=${encodeURIComponent(gate)}&before=a&after=b`
  const running = Array.from({ length: 3 }, () => get(`${server.addresses[0]}/gate.php?${query}`))
  await until('PHP works on it', () => existsSync(`${gate}.reached`))
  await server.reload(options)
  writeFileSync(gate, '')
  for (const { body, failure } of await Promise.all(running)) {
    assert.equal(failure, undefined)
    assert.equal(body, 'ab')
  }
})

test('a reload opens addresses that are new and closes those that are not wanted any more', async (t) => {
  const directory = await temporaryDirectory(t)
  const [a, b] = [join(directory, 'a'), join(directory, 'b')]
  const options: ServeOptions = { root: PHP_ROOT, use: [hello] }
  const server = await startServer(t, { ...options, listen: [a] })
  await server.reload({ ...options, listen: [b] })
  assert.deepEqual(server.addresses, [`unix:${b}`])
  assert.equal((await get('http://a/', { socketPath: b })).body, 'hello')
  await until('the other is gone', () => !existsSync(a))
})

test('a reload that fails changes nothing', async (t) => {
  const directory = await temporaryDirectory(t)
  const file = join(directory, 'file')
  writeFileSync(file, '')
  const options: ServeOptions = { root: PHP_ROOT, listen: 0, use: [hello] }
  const server = await startServer(t, options)
  const [url = ''] = server.addresses
  await assert.rejects(server.reload({ ...options, tryFiles: 5 as never }), TypeError)
  await assert.rejects(server.reload({ ...options, listen: [0, file] }), { name: 'ListenError' })
  assert.deepEqual(server.addresses, [url])
  assert.equal((await get(url)).body, 'hello')
})
