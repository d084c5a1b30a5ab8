// close, destroy, events and what dispatch returns.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { Pool } from '@fastcgi/client'
import { FastCGIDispatcher } from '@fastcgi/client/undici'
import { MockPool } from '@fastcgi/client/testing'
import { errors } from 'undici'
import { Gate } from '../support/php.ts'
import { PHP_ROOT } from '../support/paths.ts'
import { recordNew, recordOld, startPhp, dispatcherOf } from '../support/undici.ts'

const GET = { origin: 'http://app.example', method: 'GET' } as const
const HELLO = { ...GET, path: '/hello.php' } as const

describe('close', () => {
  test('finishes what was begun, takes nothing new, and is through then', async (t) => {
    const { php, fpm } = await startPhp(t)
    const gate = new Gate(fpm.directory)
    const path = `/gate.php?after=late&gate=${encodeURIComponent(gate.path)}`
    const first = php.request({ ...GET, path })
    await gate.reached()
    const closing = php.close()
    assert.deepEqual([php.closed, php.destroyed], [true, false])
    await assert.rejects(php.request(HELLO), { code: 'UND_ERR_CLOSED' })
    gate.open()
    assert.equal(await (await first).body.text(), 'late')
    await closing
    assert.equal(php.destroyed, true)
    await assert.rejects(php.request(HELLO), { code: 'UND_ERR_DESTROYED' })
    await php.close()
  })

  test('takes callbacks', async (t) => {
    const { php } = await startPhp(t)
    await (await php.request(HELLO)).body.text()
    await new Promise<void>((resolve) => php.close(resolve))
    await new Promise<void>((resolve) => php.destroy(resolve))
    await new Promise<void>((resolve) => php.destroy(null, resolve))
  })

  test('after destroy fails, as with undici', async () => {
    const php = new FastCGIDispatcher(new MockPool(), { root: '/srv' })
    await php.destroy()
    await assert.rejects(php.close(), { code: 'UND_ERR_DESTROYED' })
    const error = await new Promise((resolve) =>
      php.close((...told: unknown[]) => resolve(told[0])),
    )
    assert.ok(error instanceof errors.ClientDestroyedError)
  })

  test('leaves a pool open that it was given', async (t) => {
    const { fpm } = await startPhp(t)
    const pool = new Pool(fpm.address)
    t.after(() => pool.destroy())
    const php = new FastCGIDispatcher(pool, { root: PHP_ROOT })
    assert.equal(await (await php.request(HELLO)).body.text(), 'hello')
    await php.close()
    assert.equal(pool.closed, false)
  })
})

test('destroy fails what was begun, and what comes later', async (t) => {
  const { php, fpm } = await startPhp(t)
  const gate = new Gate(fpm.directory)
  const path = `/gate.php?gate=${encodeURIComponent(gate.path)}`
  const reason = new Error('shutting down')
  const first = assert.rejects(php.request({ ...GET, path }), reason)
  await gate.reached()
  await php.destroy(reason)
  await first
  for (const { handler, outcome } of [recordNew(), recordOld()]) {
    assert.equal(php.dispatch(HELLO, handler), false)
    assert.ok((await outcome).error instanceof errors.ClientDestroyedError)
  }
  gate.open()
})

test('destroy without an error is a ClientDestroyedError', async (t) => {
  const { php, fpm } = await startPhp(t)
  const gate = new Gate(fpm.directory)
  const path = `/gate.php?gate=${encodeURIComponent(gate.path)}`
  const first = assert.rejects(php.request({ ...GET, path }), { code: 'UND_ERR_DESTROYED' })
  await gate.reached()
  await php.destroy()
  await first
  gate.open()
})

test('connect, disconnect and connectionError tell of connections', async (t) => {
  const { php, fpm } = await startPhp(t)
  const connected = once(php, 'connect')
  await (await php.request(HELLO)).body.text()
  const [origin, targets] = (await connected) as [URL, unknown[]]
  assert.equal(origin.protocol, 'fcgi+unix:')
  assert.deepEqual(targets, [php])
  const disconnected = once(php, 'disconnect')
  await fpm.stop()
  await disconnected
  const failed = once(php, 'connectionError')
  await assert.rejects(php.request(HELLO), { code: 'ENOENT' })
  await failed
})

test('reset ends the connection with its request', async (t) => {
  const { fpm } = await startPhp(t)
  const php = dispatcherOf(t, fpm.address, { pool: { keepAliveTimeout: 0 } })
  const disconnected = once(php, 'disconnect')
  const { body } = await php.request({ ...HELLO, reset: true })
  assert.equal(await body.text(), 'hello')
  await disconnected
})

test('dispatch says when all connections are busy, and drain when one is free', async (t) => {
  const { fpm } = await startPhp(t)
  const php = dispatcherOf(t, fpm.address, { pool: { connections: 2 } })
  const [first, second, third] = [recordNew(), recordNew(), recordNew()]
  const drained = once(php, 'drain')
  assert.equal(php.dispatch(HELLO, first.handler), true)
  assert.equal(php.dispatch(HELLO, second.handler), false)
  assert.equal(php.dispatch(HELLO, third.handler), false)
  await drained
  for (const { outcome } of [first, second, third]) assert.equal((await outcome).body, 'hello')
  const last = recordNew()
  assert.equal(php.dispatch(HELLO, last.handler), true)
  await last.outcome
})

test('a thousand requests and aborts leave nothing behind', async (t) => {
  const { fpm } = await startPhp(t)
  const pool = new Pool(fpm.address, { connections: 2 })
  t.after(() => pool.destroy())
  const php = new FastCGIDispatcher(pool, { root: PHP_ROOT })
  await Promise.all(
    Array.from({ length: 1000 }, async (_, index) => {
      const giving = new AbortController()
      const request = php.request({ ...HELLO, signal: giving.signal })
      if (index % 3 === 0) {
        giving.abort(new Error('enough'))
        await assert.rejects(request, { message: 'enough' })
      } else {
        assert.equal(await (await request).body.text(), 'hello')
      }
    }),
  )
  await php.close()
  assert.deepEqual([pool.stats.running, pool.stats.queued], [0, 0])
})

test('options that cannot be used are refused', () => {
  const pool = new MockPool()
  assert.throws(() => new FastCGIDispatcher('nowhere', { root: '/srv' }), TypeError)
  assert.throws(() => new FastCGIDispatcher('fcgi://h:1/x.php', { root: '/srv' }), /names a path/)
  assert.throws(() => new FastCGIDispatcher(pool, { root: 'srv' }), TypeError)
  assert.throws(() => new FastCGIDispatcher(pool, { root: '/srv', pool: {} }), TypeError)
  assert.throws(() => new FastCGIDispatcher(pool, { root: '/srv', origin: 'ftp://x' }), TypeError)
  const misspelt = { root: '/srv', indx: 'a.php' }
  assert.throws(() => new FastCGIDispatcher(pool, misspelt), /unknown option "indx"/)
})
