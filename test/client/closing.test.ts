// How a connection is closed, as the peer's operating system sees it.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { Pool } from '@fastcgi/client'
import { Encoder } from '@fastcgi/client/protocol'
import { POST } from '../support/requests.ts'

/** A pool, and the socket of the first connection that it opens. */
async function connected(t: TestContext): Promise<[Pool, Promise<Socket>]> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(address && typeof address === 'object')
  const pool = new Pool(`127.0.0.1:${address.port}`)
  t.after(() => {
    pool.destroy()
    server.close()
  })
  const socket = once(server, 'connection').then(([accepted]: Socket[]) => accepted!)
  return [pool, socket]
}

/** What the socket comes to: its error, or `end`. */
function fate(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    socket.once('error', (error) => resolve(error.message))
    socket.once('end', () => resolve('end'))
  })
}

test('an upload that is given up resets its TCP connection, so that no worker is fed what nobody wants', async (t) => {
  const [pool, accepted] = await connected(t)
  const controller = new AbortController()
  const running = pool.execute(
    { ...POST, stdin: new Uint8Array(8_000_000) },
    { signal: controller.signal },
  )
  const socket = await accepted
  await once(socket, 'readable')
  socket.read()
  const ended = fate(socket)
  socket.on('data', () => {})
  controller.abort(new Error('enough'))
  await assert.rejects(running, /enough/)
  assert.equal(await ended, 'read ECONNRESET')
})

test('a connection that was idle is closed in good order', async (t) => {
  const [pool, accepted] = await connected(t)
  const running = pool.execute(POST)
  const socket = await accepted
  const ended = fate(socket)
  const [head] = (await once(socket, 'data')) as [Buffer]
  const encoder = new Encoder()
  encoder.endRequest(head[3]!, 0, 0)
  socket.write(encoder.take())
  await running
  await pool.close()
  assert.equal(await ended, 'end')
})

test('many requests may share one signal', async (t) => {
  const [pool] = await connected(t)
  const warnings: Error[] = []
  const onWarning = (warning: Error): void => void warnings.push(warning)
  process.on('warning', onWarning)
  t.after(() => process.off('warning', onWarning))
  const controller = new AbortController()
  const running = Array.from({ length: 100 }, () =>
    pool.execute(POST, { signal: controller.signal }),
  )
  controller.abort(new Error('all of you'))
  for (const outcome of await Promise.allSettled(running)) assert.equal(outcome.status, 'rejected')
  assert.deepEqual(warnings, [])
  assert.equal(pool.stats.queued, 0)
})

test('a request that was aborted before opens no connection', async () => {
  const pool = new Pool('unix:/none', { connect: () => assert.fail('nothing is to be opened') })
  await assert.rejects(pool.execute(POST, { signal: AbortSignal.abort(new Error('no')) }), /no/)
  await pool.close()
})
