// Many requests, few workers: order, patience, giving up, and that the pool works on after each.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import {
  executeOnce,
  parseAddress,
  type Connector,
  type Pool,
  type PoolStats,
} from '@fastcgi/client'
import { connectorOf } from '../support/bun.ts'
import { overEach } from '../support/each.ts'
import type { Fpm } from '../support/fpm.ts'
import { answerOf, bodyOf, Gate, noise, openPool, php } from '../support/php.ts'
import { until, type Scope } from '../support/process.ts'

const NOTHING: PoolStats = { connected: 0, connecting: 0, idle: 0, running: 0, queued: 0 }
const FULL = { workers: 1, directives: { 'listen.backlog': 1 } }

overEach(
  '300 requests through 4 connections, first come, first served',
  { workers: 5 },
  async (t, fpm) => {
    const pool = openPool(t, fpm.address)
    const finished: number[] = []
    let most = 0
    await Promise.all(
      Array.from({ length: 300 }, async (_, index) => {
        const response = await pool.execute(php('env.php', { params: { X_INDEX: index } }))
        most = Math.max(most, pool.stats.connected)
        const env = JSON.parse(answerOf(response).text) as Record<string, unknown>
        assert.equal(env['X_INDEX'], String(index))
        finished.push(index)
      }),
    )
    assert.ok(most <= 4, `${most} connections`)
    // A request begins when all but 3 of those before it are over, so it cannot be over itself any earlier.
    for (const [place, index] of finished.entries())
      assert.ok(place >= index - 3, `${index} at ${place}`)
  },
)

overEach('idle connections give their workers back to other pools', {}, async (t, fpm) => {
  const first = openPool(t, fpm.address)
  const second = openPool(t, fpm.address)
  const requests = (pool: Pool): Promise<string>[] =>
    Array.from({ length: 6 }, () => bodyOf(pool.execute(php('hello.php'))))
  assert.deepEqual(new Set(await Promise.all(requests(first))), new Set(['hello']))
  // Whatever the first still holds of the two workers, the second gets them without anybody closing anything.
  assert.deepEqual(new Set(await Promise.all(requests(second))), new Set(['hello']))
  assert.deepEqual(new Set(await Promise.all(requests(first))), new Set(['hello']))
})

overEach('a full backlog is waited out', FULL, async (t, fpm) => {
  const jam = await jamBacklog(t, fpm)
  const { pool, attempts } = countingPool(t, fpm)
  const waiting = bodyOf(pool.execute(php('hello.php')))
  // A unix socket refuses at once, so that there is a second attempt; TCP just does not answer the first.
  await until('the pool tries', () => attempts() >= (fpm.address.startsWith('unix:') ? 2 : 1))
  assert.equal(pool.stats.connecting, 1)
  jam.clear()
  assert.equal(await waiting, 'hello')
})

overEach('a backlog that stays full ends at connectTimeout', FULL, async (t, fpm) => {
  const jam = await jamBacklog(t, fpm)
  const pool = openPool(t, fpm.address, { connectTimeout: 100 })
  await assert.rejects(pool.execute(php('hello.php')), {
    code: 'FCGI_ERR_TIMEOUT',
    phase: 'connect',
    retryable: true,
    message: /connectTimeout.*backlog/,
  })
  assert.deepEqual(pool.stats, NOTHING)
  jam.clear()
  const patient = openPool(t, fpm.address)
  assert.equal(await bodyOf(patient.execute(php('hello.php'))), 'hello')
})

overEach('abort while it waits in the queue', {}, async (t, fpm) => {
  const pool = openPool(t, fpm.address, { connections: 1 })
  const gate = new Gate(fpm.directory)
  const running = bodyOf(
    pool.execute(php('gate.php', { query: { gate: gate.path, after: 'ran' } })),
  )
  await gate.reached()
  const abort = new AbortController()
  const queued = pool.execute(php('hello.php'), { signal: abort.signal })
  const next = bodyOf(pool.execute(php('hello.php')))
  const outcome = assert.rejects(queued, new Error('changed my mind'))
  assert.equal(pool.stats.queued, 2)
  abort.abort(new Error('changed my mind'))
  await outcome
  assert.equal(pool.stats.queued, 1)
  gate.open()
  assert.deepEqual(await Promise.all([running, next]), ['ran', 'hello'])
})

overEach('abort while it connects', FULL, async (t, fpm) => {
  const jam = await jamBacklog(t, fpm)
  const { pool, attempts } = countingPool(t, fpm)
  const abort = new AbortController()
  const connecting = pool.execute(php('hello.php'), { signal: abort.signal })
  const outcome = assert.rejects(connecting, { name: 'AbortError' })
  await until('the pool tries', () => attempts() >= 1)
  abort.abort()
  await outcome
  assert.equal(pool.stats.queued, 0)
  jam.clear()
  assert.equal(await bodyOf(pool.execute(php('hello.php'))), 'hello')
})

overEach('abort before the answer', {}, async (t, fpm) => {
  const pool = openPool(t, fpm.address)
  const gate = new Gate(fpm.directory)
  const abort = new AbortController()
  const running = pool.execute(php('gate.php', { query: { gate: gate.path } }), {
    signal: abort.signal,
  })
  const outcome = assert.rejects(running, { name: 'AbortError' })
  await gate.reached()
  abort.abort()
  await outcome
  assert.deepEqual(pool.stats, NOTHING)
  assert.equal(await bodyOf(pool.execute(php('hello.php'))), 'hello')
  gate.open()
})

overEach('abort in the middle of the answer', {}, async (t, fpm) => {
  const pool = openPool(t, fpm.address)
  const gate = new Gate(fpm.directory)
  const abort = new AbortController()
  const query = { gate: gate.path, before: 'some' }
  const reading = async (): Promise<void> => {
    for await (const { data } of pool.stream(php('gate.php', { query }), {
      signal: abort.signal,
    })) {
      assert.match(Buffer.from(data).toString(), /some$/)
      abort.abort()
    }
  }
  await assert.rejects(reading(), { name: 'AbortError' })
  assert.deepEqual(pool.stats, NOTHING)
  assert.equal(await bodyOf(pool.execute(php('hello.php'))), 'hello')
  gate.open()
})

overEach('leaving the loop of a stream gives the request up', {}, async (t, fpm) => {
  const pool = openPool(t, fpm.address)
  const stream = pool.stream(php('big.php', { query: { bytes: 4_000_000 } }))
  for await (const { type } of stream) {
    assert.equal(type, 'stdout')
    break
  }
  assert.deepEqual(pool.stats, NOTHING)
  assert.equal(stream.end, undefined)
  assert.equal(await bodyOf(pool.execute(php('hello.php'))), 'hello')
})

overEach('abort during an upload frees its source', {}, async (t, { address }) => {
  const pool = openPool(t, address)
  const abort = new AbortController()
  let freed = false
  async function* source(): AsyncGenerator<Uint8Array> {
    try {
      for (let index = 0; ; index++) {
        if (index === 20) abort.abort()
        yield noise(50_000)
      }
    } finally {
      freed = true
    }
  }
  const params = { CONTENT_LENGTH: 100_000_000 }
  const request = php('body.php', { stdin: source(), params })
  await assert.rejects(pool.execute(request, { signal: abort.signal }), { name: 'AbortError' })
  await until('the source is freed', () => freed)
  assert.equal(await bodyOf(pool.execute(php('hello.php'))), 'hello')
})

overEach('a signal that was aborted before runs nothing', {}, async (t, fpm) => {
  const pool = openPool(t, fpm.address)
  const file = join(fpm.directory, 'marks')
  const signal = AbortSignal.abort(new Error('too late'))
  const request = php('count.php', { query: { file, mark: 'ran' } })
  await assert.rejects(pool.execute(request, { signal }), new Error('too late'))
  assert.equal(await bodyOf(pool.execute(php('hello.php'))), 'hello')
  assert.equal(existsSync(file), false)
})

overEach('time-outs name the phase in which they happened', {}, async (t, fpm) => {
  const pool = openPool(t, fpm.address, { connections: 1 })
  const silent = new Gate(fpm.directory)
  const run = (query: Record<string, string>): ReturnType<typeof php> => php('gate.php', { query })
  const headers = pool.execute(run({ gate: silent.path }), { headersTimeout: 60 })
  const queue = pool.execute(php('hello.php'), { queueTimeout: 20 })
  await Promise.all([
    assert.rejects(headers, { phase: 'headers', retryable: false, message: /headersTimeout/ }),
    assert.rejects(queue, { phase: 'queue', retryable: true, message: /queueTimeout/ }),
  ])
  silent.open()
  const stuck = new Gate(fpm.directory)
  const body = pool.execute(run({ gate: stuck.path, before: 'x' }), { bodyTimeout: 60 })
  await assert.rejects(body, { phase: 'body', retryable: false, message: /bodyTimeout/ })
  stuck.open()
  const whole = new Gate(fpm.directory)
  const request = pool.execute(run({ gate: whole.path, before: 'x' }), { requestTimeout: 60 })
  await assert.rejects(request, { phase: 'request', code: 'FCGI_ERR_TIMEOUT' })
  whole.open()
  assert.equal(await bodyOf(pool.execute(php('hello.php'))), 'hello')
  assert.equal(pool.stats.queued, 0)
})

overEach('stderr is no answer: headersTimeout counts on', {}, async (t, fpm) => {
  const pool = openPool(t, fpm.address)
  const gate = new Gate(fpm.directory)
  const request = php('gate.php', { query: { gate: gate.path, stderr: 'still thinking' } })
  await assert.rejects(pool.execute(request, { headersTimeout: 100 }), { phase: 'headers' })
  gate.open()
})

overEach('a reader that takes its time is not timed out', {}, async (t, { address }) => {
  const pool = openPool(t, address)
  const stream = pool.stream(php('big.php', { query: { bytes: 3_000_000 } }), { bodyTimeout: 80 })
  let size = 0
  let pauses = 0
  for await (const { data } of stream) {
    size += data.length
    // Longer than bodyTimeout, while more than the stream keeps is waiting to be read.
    if (pauses++ === 0) await new Promise((resolve) => setTimeout(resolve, 250))
  }
  assert.ok(size > 3_000_000)
})

overEach('a full queue refuses at once', {}, async (t, fpm) => {
  const pool = openPool(t, fpm.address, { connections: 1, maxQueue: 2 })
  const gate = new Gate(fpm.directory)
  const first = bodyOf(pool.execute(php('gate.php', { query: { gate: gate.path, after: 'ran' } })))
  await gate.reached()
  const queued = [1, 2].map(() => bodyOf(pool.execute(php('hello.php'))))
  await assert.rejects(pool.execute(php('hello.php')), {
    code: 'FCGI_ERR_QUEUE_FULL',
    retryable: true,
  })
  gate.open()
  assert.deepEqual(await Promise.all([first, ...queued]), ['ran', 'hello', 'hello'])
})

overEach('close() finishes what there is and takes nothing new', {}, async (t, fpm) => {
  const pool = openPool(t, fpm.address, { connections: 1 })
  const gate = new Gate(fpm.directory)
  const running = bodyOf(
    pool.execute(php('gate.php', { query: { gate: gate.path, after: 'ran' } })),
  )
  const queued = bodyOf(pool.execute(php('hello.php')))
  await gate.reached()
  const closing = pool.close()
  await assert.rejects(pool.execute(php('hello.php')), { code: 'FCGI_ERR_CLOSED' })
  gate.open()
  assert.deepEqual(await Promise.all([running, queued]), ['ran', 'hello'])
  await closing
  assert.deepEqual(pool.stats, NOTHING)
})

overEach('destroy() fails everything with its reason', {}, async (t, fpm) => {
  const pool = openPool(t, fpm.address, { connections: 1 })
  const gate = new Gate(fpm.directory)
  const requests = [
    pool.execute(php('gate.php', { query: { gate: gate.path } })),
    pool.execute(php('hello.php')),
  ]
  const outcomes = Promise.all(
    requests.map((request) => assert.rejects(request, new Error('power cut'))),
  )
  await gate.reached()
  pool.destroy(new Error('power cut'))
  await outcomes
  await pool.close()
  assert.deepEqual(pool.stats, NOTHING)
  gate.open()
})

/** A pool that tells how often it has tried to connect and was answered, or not yet. */
function countingPool(scope: Scope, fpm: Fpm): { pool: Pool; attempts: () => number } {
  const dial = connectorOf(fpm.address)
  let attempts = 0
  const counting: Connector = (handler, signal) => {
    attempts++
    return dial(handler, signal)
  }
  const pool = openPool(scope, fpm.address, { connections: 1, connect: counting })
  return { pool, attempts: () => attempts }
}

/** Halts the workers and fills the backlog with connections that nobody accepts. */
async function jamBacklog(scope: Scope, fpm: Fpm): Promise<{ clear(): void }> {
  // Whoever came before this request, such as the one who asked whether php-fpm was there yet, is out of the queue after it.
  await executeOnce(fpm.address, php('hello.php'))
  await fpm.halt()
  const sockets: Socket[] = []
  // One after the other, because TCP promises a place to everybody who asks at the same time. Two fit into a backlog of 1.
  for (let index = 0; index < 2; index++) {
    const socket = connect({ ...parseAddress(fpm.address) })
    sockets.push(socket)
    await once(socket, 'connect')
    socket.on('error', () => {})
  }
  const clear = (): void => {
    for (const socket of sockets) socket.destroy()
    fpm.proceed()
  }
  scope.after(async () => clear())
  return { clear }
}
