// Backends that end, restart, or are killed, while requests are under way and while nothing is.

import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isFastCGIError, type Pool } from '@fastcgi/client'
import { overEach } from '../support/each.ts'
import { killWorker, type Fpm } from '../support/fpm.ts'
import { bodyOf, Gate, noise, openPool, php } from '../support/php.ts'
import { until } from '../support/process.ts'

const LIMIT = { directives: { request_terminate_timeout: '1s' } }
// Nobody accepts, or the connection was accepted by the kernel and never by php-fpm.
const NOT_THERE: ReadonlySet<string> = new Set(['FCGI_ERR_CONNECT', 'FCGI_ERR_SOCKET'])

overEach('request_terminate_timeout before the answer', LIMIT, async (t, fpm) => {
  const pool = openPool(t, fpm.address)
  const gate = new Gate(fpm.directory)
  const request = php('gate.php', { query: { gate: gate.path } })
  await assert.rejects(pool.execute(request), (error) => {
    assert.ok(isFastCGIError(error))
    assert.equal(error.code, 'FCGI_ERR_SOCKET')
    assert.equal(error.retryable, false)
    assert.match(error.message, /before anything was answered/)
    assert.match(error.message, /request_terminate_timeout/)
    return true
  })
  assert.equal(await bodyOf(pool.execute(php('hello.php'))), 'hello')
})

overEach('request_terminate_timeout in the middle of the answer', LIMIT, async (t, fpm) => {
  const pool = openPool(t, fpm.address)
  const gate = new Gate(fpm.directory)
  const query = { gate: gate.path, before: 'the beginning' }
  let seen = ''
  const reading = async (): Promise<void> => {
    for await (const { data } of pool.stream(php('gate.php', { query }))) {
      seen += Buffer.from(data).toString()
    }
  }
  await assert.rejects(reading(), { code: 'FCGI_ERR_SOCKET', message: /answer is incomplete/ })
  assert.match(seen, /the beginning$/)
  assert.equal(await bodyOf(pool.execute(php('hello.php'))), 'hello')
})

overEach('a worker is killed before it answers', {}, async (t, fpm) => {
  const pool = openPool(t, fpm.address)
  const gate = new Gate(fpm.directory)
  const running = pool.execute(php('gate.php', { query: { gate: gate.path } }))
  const outcome = assert.rejects(running, { code: 'FCGI_ERR_SOCKET', retryable: false })
  killWorker(await gate.reached())
  await outcome
  assert.equal(await bodyOf(pool.execute(php('hello.php'))), 'hello')
})

overEach('a worker is killed in the middle of its answer', {}, async (t, fpm) => {
  const pool = openPool(t, fpm.address)
  const gate = new Gate(fpm.directory)
  const request = php('gate.php', { query: { gate: gate.path, before: 'some' } })
  const running = pool.execute(request)
  const outcome = assert.rejects(running, { code: 'FCGI_ERR_SOCKET', message: /incomplete/ })
  killWorker(await gate.reached())
  await outcome
  assert.equal(await bodyOf(pool.execute(php('hello.php'))), 'hello')
})

overEach('a worker is killed during an upload', {}, async (t, fpm) => {
  const pool = openPool(t, fpm.address, { connections: 1 })
  const pid = Number(await bodyOf(pool.execute(php('pid.php'))))
  let killed = false
  async function* source(): AsyncGenerator<Uint8Array> {
    for (let index = 0; index < 100; index++) {
      if (index === 50) {
        killWorker(pid)
        killed = true
      }
      yield noise(100_000)
    }
  }
  const params = { CONTENT_LENGTH: 10_000_000 }
  const request = php('body.php', { stdin: source(), params })
  await assert.rejects(pool.execute(request), { code: 'FCGI_ERR_SOCKET' })
  assert.ok(killed)
  assert.equal(await bodyOf(pool.execute(php('hello.php'))), 'hello')
})

overEach('a GET on a connection whose worker was just killed is replayed', {}, async (t, fpm) => {
  const pool = openPool(t, fpm.address, { connections: 1, keepAliveTimeout: 0 })
  for (let index = 0; index < 20; index++) {
    const pid = Number(await bodyOf(pool.execute(php('pid.php'))))
    assert.equal(pool.stats.idle, 1)
    // In one go, so that the pool cannot have heard of it: it must send to a connection that is dead, or about to die.
    killWorker(pid)
    const replayed = bodyOf(pool.execute(php('pid.php')))
    assert.notEqual(Number(await replayed), pid)
  }
})

overEach('a connection that dies while it is idle is not used', {}, async (t, fpm) => {
  const pool = openPool(t, fpm.address, { connections: 1, keepAliveTimeout: 0 })
  const pid = Number(await bodyOf(pool.execute(php('pid.php'))))
  killWorker(pid)
  await until('the pool hears of it', () => pool.stats.connected === 0)
  const request = php('pid.php', { method: 'POST', stdin: 'once' })
  assert.notEqual(Number(await bodyOf(pool.execute(request))), pid)
})

overEach('a POST is never run twice', { workers: 3 }, async (t, fpm) => {
  const pool = openPool(t, fpm.address, { connections: 3, keepAliveTimeout: 0 })
  const file = join(fpm.directory, 'marks')
  const failed = new Set<string>()
  let sent = 0
  await inParallel(3, 600, async () => {
    const mark = `m${++sent}`
    const victim = fpm.workers[sent % 3]
    if (sent % 20 === 0 && victim !== undefined) killWorker(victim)
    const request = php('count.php', { method: 'POST', stdin: 'x', query: { file, mark } })
    try {
      assert.equal(await bodyOf(pool.execute(request)), mark)
    } catch (error) {
      // A worker that dies as soon as it has accepted was connected to, or was not: systems and runtimes tell it either way.
      assert.ok(isFastCGIError(error) && NOT_THERE.has(error.code), String(error))
      failed.add(mark)
    }
  })
  const marks = readFileSync(file, 'latin1').trimEnd().split('\n')
  assert.equal(new Set(marks).size, marks.length, 'a mark was left twice')
  // Those that failed may have run; those that did not fail have.
  const ran = marks.filter((mark) => !failed.has(mark))
  assert.equal(ran.length, 600 - failed.size)
})

overEach(
  'pm.max_requests under load loses no request',
  { workers: 4, directives: { 'pm.max_requests': 7 } },
  async (t, fpm) => {
    const pool = openPool(t, fpm.address)
    const pids = new Set<string>()
    let asked = 0
    await inParallel(16, 1500, async () => {
      // A POST could not be sent again, had it been sent to a worker that is about to go.
      const method = asked++ % 2 === 0 ? 'GET' : 'POST'
      pids.add(await bodyOf(pool.execute(php('pid.php', { method }))))
    })
    // All of them were answered, by workers that came and went.
    assert.ok(pids.size > 100, `${pids.size} workers`)
  },
)

overEach(
  'reloads under load lose no GET',
  { workers: 4, global: { process_control_timeout: '5s' } },
  async (t, fpm) => {
    const pool = openPool(t, fpm.address)
    const before = new Set(fpm.workers)
    let reloads = 0
    let loading = true
    const load = inParallel(8, Infinity, async () => {
      assert.equal(await bodyOf(pool.execute(php('hello.php'))), 'hello')
      return loading
    })
    while (reloads < 3) {
      await reload(fpm)
      reloads++
    }
    loading = false
    await load
    assert.deepEqual(
      fpm.workers.filter((pid) => before.has(pid)),
      [],
    )
  },
)

overEach('a backend that was restarted is found again', {}, async (t, fpm) => {
  const pool = openPool(t, fpm.address)
  assert.equal(await bodyOf(pool.execute(php('hello.php'))), 'hello')
  await fpm.stop()
  // Before, a request might still go into the connection that was kept, and could have been seen.
  await until('the pool knows', () => pool.stats.connected === 0)
  if (fpm.address.startsWith('unix:')) assert.equal(existsSync(fpm.address.slice(5)), false)
  await assert.rejects(pool.execute(php('hello.php')), {
    code: 'FCGI_ERR_CONNECT',
    retryable: true,
  })
  await fpm.start()
  assert.equal(await bodyOf(pool.execute(php('hello.php'))), 'hello')
})

overEach('a backend that ends fails what is under way, and no more', {}, async (t, fpm) => {
  const pool = openPool(t, fpm.address, { connections: 1 })
  const gate = new Gate(fpm.directory)
  const running = pool.execute(php('gate.php', { query: { gate: gate.path } }))
  const waiting = pool.execute(php('hello.php'))
  const outcomes = Promise.all([
    assert.rejects(running, { code: 'FCGI_ERR_SOCKET' }),
    assert.rejects(waiting, (error) => isFastCGIError(error) && NOT_THERE.has(error.code)),
  ])
  await gate.reached()
  await fpm.stop()
  await outcomes
  assert.deepEqual(pool.stats satisfies Pool['stats'], {
    connected: 0,
    connecting: 0,
    idle: 0,
    running: 0,
    queued: 0,
  })
})

/** Replaces all workers, as a new configuration or a new PHP does. */
async function reload(fpm: Fpm): Promise<void> {
  const said = (): number => fpm.program.log.split('ready to handle connections').length
  const times = said()
  const old = new Set(fpm.workers)
  fpm.program.signal('SIGUSR2')
  await fpm.program.until('has reloaded', () => said() > times)
  await fpm.program.until('has new workers', () => fpm.workers.every((pid) => !old.has(pid)))
}

/** Keeps `width` tasks going, `total` in all, or until one returns false. The first failure is thrown once all have ended. */
async function inParallel(
  width: number,
  total: number,
  task: () => Promise<boolean | void>,
): Promise<void> {
  let begun = 0
  const lane = async (): Promise<void> => {
    while (begun++ < total) if ((await task()) === false) return
  }
  const outcomes = await Promise.allSettled(Array.from({ length: width }, lane))
  const failures = outcomes.filter((outcome) => outcome.status === 'rejected')
  if (failures.length > 0) throw failures[0]!.reason
}
