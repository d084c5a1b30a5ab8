// What php-fpm tells about itself, and its OPcache.

import assert from 'node:assert/strict'
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, describe, test, type TestContext } from 'node:test'
import { Pool } from '@fastcgi/client'
import { MockPool } from '@fastcgi/client/testing'
import {
  fpmPage,
  fpmPing,
  fpmStatus,
  opcacheInvalidate,
  opcacheReset,
  opcacheStatus,
  readFpmStatus,
} from '@fastcgi/php/fpm'
import { startFpm } from '../support/fpm.ts'
import { Gate, php } from '../support/php.ts'
import { fileScope, temporaryDirectory, until } from '../support/process.ts'

let address: string
let opcacheAddress: string

const scope = fileScope()

before(async () => {
  address = (await startFpm(scope, { workers: 3 })).address
  const ini = { 'opcache.enable': 1, 'opcache.file_update_protection': 0 }
  opcacheAddress = (await startFpm(scope, { ini, zendExtensions: ['opcache'] })).address
})

function poolOf(t: TestContext, to: string = address): Pool {
  const pool = new Pool(to)
  t.after(() => pool.destroy())
  return pool
}

/** A backend that answers everything with one page. */
function answering(stdout: string): MockPool {
  return new MockPool().on('*', () => ({ stdout }))
}

describe('ping', () => {
  test('tells how long php-fpm took', async (t) => {
    assert.ok((await fpmPing(poolOf(t))) > 0)
  })

  test('fails where there is no ping page, and says what to set', async (t) => {
    await assert.rejects(fpmPing(poolOf(t), { path: '/health' }), {
      name: 'FpmError',
      code: 'FPM_ERR_NO_PAGE',
      status: 404,
      message: /ping\.path = \/health/,
    })
  })

  test('fails when something else is answered', async (t) => {
    const code = 'FPM_ERR_PAGE'
    await assert.rejects(fpmPing(poolOf(t), { expect: 'alive' }), { code, message: /"pong"/ })
    const other = answering('Status: 500 No\r\n\r\npong')
    await assert.rejects(fpmPing(other), { code, status: 500 })
  })

  test('fails with the error of the client when nobody is there', async (t) => {
    const nobody = poolOf(t, 'unix:/nobody/is/here.sock')
    await assert.rejects(fpmPing(nobody), { code: 'FCGI_ERR_CONNECT' })
  })

  test('ends when it is aborted, or takes too long', async (t) => {
    const reason = new Error('enough')
    await assert.rejects(
      fpmPing(poolOf(t), { signal: AbortSignal.abort(reason) }),
      (error) => error === reason,
    )
    const { address: busy, directory } = await startFpm(t, { workers: 1 })
    const gate = new Gate(directory)
    const pool = poolOf(t, busy)
    const running = pool.execute(php('gate.php', { query: { gate: gate.path } }))
    await gate.reached()
    await assert.rejects(fpmPing(pool, { requestTimeout: 200 }), { code: 'FCGI_ERR_TIMEOUT' })
    gate.open()
    await running
  })
})

describe('status', () => {
  test('tells of the pool and of every worker', async (t) => {
    const pool = poolOf(t)
    await pool.execute(php('hello.php'))
    const status = await fpmStatus(pool)
    assert.equal(status.pool, 'www')
    assert.equal(status.processManager, 'static')
    assert.equal(status.total, 3)
    assert.equal(status.active + status.idle, 3)
    assert.ok(status.active >= 1)
    assert.ok(status.acceptedConnections >= 1)
    assert.ok(Math.abs(status.startTime + status.startSince - Date.now() / 1000) < 60)
    assert.equal(status.processes?.length, 3)
    // The worker of the request before may still be about its connection.
    const own = status.processes.find(({ uri }) => uri === '/status?json&full')
    assert.ok(own, JSON.stringify(status.processes))
    assert.ok(own.pid > 0)
    assert.deepEqual([own.method, own.state], ['GET', 'Running'])
    assert.ok(own.startTime >= status.startTime)
    assert.deepEqual(status.others, [])
    assert.equal(status.fields['pool'], 'www')
  })

  test('leaves the workers out when they are not asked for', async (t) => {
    const status = await fpmStatus(poolOf(t), { full: false })
    assert.equal(status.processes, undefined)
    assert.ok(status.total >= 3)
  })

  test('fails where there is no status page, and says what to set', async (t) => {
    await assert.rejects(fpmStatus(poolOf(t), { path: '/none' }), {
      code: 'FPM_ERR_NO_PAGE',
      message: /pm\.status_path = \/none/,
    })
    const text = answering('Content-Type: text/plain\r\n\r\npool: www')
    await assert.rejects(fpmStatus(text), { code: 'FPM_ERR_PAGE', message: /no status page/ })
  })

  test('reads what PHP 7.4 leaves out and PHP 8.5 adds, and keeps what is not known', async () => {
    const old = answering('A: b\r\n\r\n{"pool":"old","slow requests":2}')
    const before85 = readFpmStatus(await fpmPage(old, '/status'))!
    assert.deepEqual(
      [before85.pool, before85.slowRequests, before85.memoryPeak, before85.total],
      ['old', 2, undefined, 0],
    )
    const page = { pool: 'new', 'memory peak': 2097152, 'jit buffer': [1] }
    const status = await fpmStatus(answering(`A: b\r\n\r\n${JSON.stringify(page)}`))
    assert.equal(status.memoryPeak, 2_097_152)
    assert.deepEqual(status.others, [['jit buffer', '[1]']])
  })
})

describe('OPcache', () => {
  /** Two scripts that the tests compile. */
  async function site(
    t: TestContext,
  ): Promise<{ folder: string; run: (pool: Pool) => Promise<string> }> {
    const folder = await temporaryDirectory(t)
    const file = join(folder, 'a.php')
    await writeFile(file, "<?php echo 'one';")
    const run = async (pool: Pool): Promise<string> => {
      const params = { SCRIPT_FILENAME: file, SCRIPT_NAME: '/a.php', REQUEST_METHOD: 'GET' }
      return (await pool.execute({ params })).text().split('\r\n\r\n')[1]!
    }
    return { folder, run }
  }

  test('says what it holds, and every script when asked', async (t) => {
    const pool = poolOf(t, opcacheAddress)
    const { folder, run } = await site(t)
    await run(pool)
    await run(pool)
    const status = await opcacheStatus(pool, { scripts: true })
    const script = status.scripts?.find(({ path }) => path === join(folder, 'a.php'))
    assert.ok(script && script.hits >= 1 && script.memory > 0 && script.timestamp > 0)
    assert.ok(status.cachedScripts >= 1 && status.cachedKeys >= 1)
    assert.ok(status.usedMemory > 0 && status.freeMemory > 0)
    assert.ok(status.hits >= 1 && status.misses >= 1)
    assert.ok(status.hitRate > 0 && status.hitRate <= 100)
    assert.ok(status.internedStrings && status.internedStrings.count > 0)
    assert.equal(status.fields['opcache_enabled'], true)
    assert.equal((await opcacheStatus(pool)).scripts, undefined)
  })

  test('forgets the files that it is told, also when they look as they did', async (t) => {
    const { address: frozen } = await startFpm(t, {
      ini: {
        'opcache.enable': 1,
        'opcache.validate_timestamps': 0,
        'opcache.file_update_protection': 0,
      },
      zendExtensions: ['opcache'],
    })
    const pool = poolOf(t, frozen)
    const { folder, run } = await site(t)
    const file = join(folder, 'a.php')
    assert.equal(await run(pool), 'one')
    await writeFile(file, "<?php echo 'two';")
    assert.equal(await run(pool), 'one')
    assert.deepEqual(await opcacheInvalidate(pool, [file]), [{ file, done: true }])
    assert.equal(await run(pool), 'two')
  })

  test('forgets everything', async (t) => {
    const pool = poolOf(t, opcacheAddress)
    const { run } = await site(t)
    await run(pool)
    const { manualRestarts } = await opcacheStatus(pool)
    await opcacheReset(pool)
    // It is carried out by the next request that begins while no other runs.
    await until('it has restarted', async () => {
      await run(pool)
      return (await opcacheStatus(pool)).manualRestarts > manualRestarts
    })
  })

  test('leaves no script behind', async (t) => {
    const pool = poolOf(t, opcacheAddress)
    const folder = await temporaryDirectory(t)
    await opcacheStatus(pool, { folder })
    assert.deepEqual(await readdir(folder), [])
    await assert.rejects(opcacheStatus(pool, { folder, backendFolder: '/elsewhere' }))
    assert.deepEqual(await readdir(folder), [])
  })

  test('is asked through the folder that PHP sees', async (t) => {
    const pool = poolOf(t, opcacheAddress)
    const parent = await temporaryDirectory(t)
    const folder = join(parent, 'here')
    await mkdir(folder)
    await symlink(folder, join(parent, 'there'))
    const status = await opcacheStatus(pool, { folder, backendFolder: join(parent, 'there') })
    assert.ok(status.usedMemory > 0)
    await assert.rejects(opcacheStatus(pool, { folder, backendFolder: '/nowhere' }), {
      code: 'FPM_ERR_SCRIPT',
      status: 404,
      message: /\/nowhere\/fcgi-opcache-.*Primary script unknown.*backendFolder/s,
    })
  })

  test('that is not there, off, or restricted, is told so', async (t) => {
    const code = 'FPM_ERR_OPCACHE'
    await assert.rejects(opcacheStatus(poolOf(t)), { code, message: /not loaded/ })
    const zendExtensions = ['opcache']
    const off = await startFpm(t, { zendExtensions, ini: { 'opcache.enable': 0 } })
    await assert.rejects(opcacheReset(poolOf(t, off.address)), {
      code,
      message: /opcache\.enable = 1/,
    })
    const ini = { 'opcache.enable': 1, 'opcache.restrict_api': '/srv/only' }
    const restricted = await startFpm(t, { zendExtensions, ini })
    const denied = poolOf(t, restricted.address)
    await assert.rejects(opcacheStatus(denied), { code, message: /opcache\.restrict_api/ })
    await assert.rejects(opcacheReset(denied), { code, message: /opcache\.restrict_api/ })
  })

  test('takes absolute paths only', async (t) => {
    await assert.rejects(opcacheInvalidate(poolOf(t), ['/a.php', 'b.php']), {
      name: 'TypeError',
      message: /"b\.php"/,
    })
  })
})
