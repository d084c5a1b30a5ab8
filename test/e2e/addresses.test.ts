// Addresses where no FastCGI application answers: every one is told apart, in words that say what to look at.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmod, writeFile } from 'node:fs/promises'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { executeOnce, isFastCGIError, type FastCGIError } from '@fastcgi/client'
import { startFpm } from '../support/fpm.ts'
import { answerOf, php } from '../support/php.ts'
import { freePort, temporaryDirectory } from '../support/process.ts'

test('there is no such socket', async (t) => {
  const path = join(await temporaryDirectory(t), 'missing')
  const error = await failure(`unix:${path}`)
  assert.equal(error.code, 'FCGI_ERR_CONNECT')
  assert.equal(error.retryable, true)
  assert.match(error.message, /ENOENT.*no such socket/)
  assert.ok(error.message.includes(path))
})

test('nobody listens on the port', async () => {
  const port = await freePort()
  const error = await failure(`127.0.0.1:${port}`)
  assert.equal(error.code, 'FCGI_ERR_CONNECT')
  assert.match(error.message, /ECONNREFUSED.*nothing listens/)
  assert.ok(error.message.includes(`tcp://127.0.0.1:${port}`))
})

test('nobody listens on the socket any more', async (t) => {
  const path = join(await temporaryDirectory(t), 'stale')
  await writeFile(path, '')
  const error = await failure(path)
  assert.equal(error.code, 'FCGI_ERR_CONNECT')
  assert.match(error.message, /ECONNREFUSED|ENOTSOCK/)
})

test('no permission for the socket', async (t) => {
  const fpm = await startFpm(t, { directives: { 'listen.mode': '0600' } })
  if (process.getuid?.() === 0) {
    // Root may use every socket, so that this test has to be somebody else for a moment. No other test of this file runs meanwhile.
    await chmod(fpm.directory, 0o755)
    process.seteuid?.(65_534)
  } else {
    await chmod(fpm.address.slice('unix:'.length), 0)
  }
  try {
    const error = await failure(fpm.address)
    assert.equal(error.code, 'FCGI_ERR_CONNECT')
    assert.match(error.message, /EACCES.*no permission.*listen\.mode/)
  } finally {
    if (process.getuid?.() === 0) process.seteuid?.(0)
  }
})

test('a web server listens there', async (t) => {
  const address = await listening(
    t,
    createHttpServer((_request, response) => response.end('hi')),
  )
  const error = await failure(address)
  assert.equal(error.code, 'FCGI_ERR_REMOTE_PROTOCOL')
  assert.match(error.message, /HTTP/)
  assert.ok(error.message.includes(address))
})

test('something listens that greets first, in a protocol of its own', async (t) => {
  const greeting = (socket: Socket): void => void socket.end('220 mail.example.org ESMTP\r\n')
  const error = await failure(await listening(t, createServer(greeting)))
  assert.equal(error.code, 'FCGI_ERR_REMOTE_PROTOCOL')
})

test('something accepts and closes', async (t) => {
  const address = await listening(
    t,
    createServer((socket) => socket.destroy()),
  )
  const error = await failure(address)
  assert.equal(error.code, 'FCGI_ERR_SOCKET')
  assert.ok(error.message.includes(address))
})

test('a host name is resolved', async (t) => {
  const fpm = await startFpm(t, { listen: 'tcp' })
  const port = fpm.address.split(':').at(-1)
  // It listens on 127.0.0.1 alone, and localhost may mean ::1 first.
  const response = await executeOnce(`localhost:${port}`, php('hello.php'))
  assert.equal(answerOf(response).text, 'hello')
})

async function failure(address: string): Promise<FastCGIError> {
  try {
    await executeOnce(address, php('hello.php'))
  } catch (error) {
    if (isFastCGIError(error)) return error
    throw error
  }
  throw new Error(`${address} has answered`)
}

async function listening(t: TestContext, server: Server): Promise<string> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    // What a client that gives up does to it is no concern of this test.
    socket.on('error', () => {})
  })
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`
}
