// How backends end, are killed, come back, and what is left of them: nothing.

import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import { test } from 'node:test'
import { isFastCGIError, Pool } from '@fastcgi/client'
import { startPhp, type BackendKind, type StartPhpOptions } from '@fastcgi/php'
import { killWorker } from '../support/fpm.ts'
import { bodyOf, Gate, openPool, php } from '../support/php.ts'
import { accepts, Program, temporaryDirectory, until } from '../support/process.ts'
import {
  assertGone,
  folderOf,
  isAlive,
  KINDS,
  membersOf,
  NO_PROC,
  page,
  SITE,
  start,
  tracesOf,
  untilGone,
  type Traces,
} from './backend.ts'

const WATCHED = { timeout: 60_000, skip: NO_PROC }

function each(name: string, body: (t: test.TestContext, kind: BackendKind) => Promise<void>): void {
  for (const kind of KINDS) {
    test(`${name} (${kind})`, WATCHED, (t) => body(t, kind))
  }
}

/** As few workers of embedded PHP as will do: each takes a second of processor time to start. */
function of(kind: BackendKind): Partial<StartPhpOptions> {
  return { backend: kind, ...(kind === 'embedded' && { workers: 1 }) }
}

/** The answer of a script that must not depend on a connection that was there before. */
async function fresh(address: string, script = 'hello.php'): Promise<string> {
  const pool = new Pool(address, { keepAlive: false })
  try {
    return await bodyOf(pool.execute(php(script)))
  } finally {
    await pool.close()
  }
}

/** The same, while the backend comes back. */
function answersAgain(address: string): Promise<boolean> {
  return until(`${address} answers again`, async () => {
    return fresh(address).then(
      (text) => text === 'hello',
      (error: unknown) => {
        assert.ok(isFastCGIError(error), String(error))
        return false
      },
    )
  })
}

each('close() lets a running request finish, and leaves nothing', async (t, kind) => {
  const { php: started, log } = await start(t, of(kind))
  const traces = tracesOf(started)
  const gate = new Gate(await temporaryDirectory(t))
  const pool = openPool(t, started.address)
  const running = bodyOf(
    pool.execute(php('gate.php', { query: { gate: gate.path, after: 'whole' } })),
  )
  await gate.reached()
  const closed = started.close()
  assert.equal(started.close(), closed)
  assert.equal(started.stats.running, false)
  // php-cgi says nothing, but stops listening; php-fpm goes on listening, but says so.
  await until('it has heard', async () =>
    kind === 'php-cgi'
      ? !(await accepts(started.address))
      : log.some((line) => /info: finishing/i.test(line)),
  )
  gate.open()
  assert.equal(await running, 'whole')
  await closed
  assertGone(traces)
})

each('close() ends what does not finish in stopTimeout', async (t, kind) => {
  const { php: started } = await start(t, { ...of(kind), stopTimeout: 100 })
  const traces = tracesOf(started)
  const mark = join(await temporaryDirectory(t), 'mark')
  const pool = openPool(t, started.address)
  const running = pool.execute(page('spin.php', { query: { mark } }))
  const outcome = assert.rejects(running, { code: 'FCGI_ERR_SOCKET' })
  await until('the script spins', () => existsSync(mark) && readFileSync(mark, 'latin1'))
  await started.close()
  await outcome
  assertGone(traces)
})

each('destroy() ends a running request, and leaves nothing', async (t, kind) => {
  const { php: started } = await start(t, of(kind))
  const traces = tracesOf(started)
  const gate = new Gate(await temporaryDirectory(t))
  const pool = openPool(t, started.address)
  const running = pool.execute(php('gate.php', { query: { gate: gate.path } }))
  const outcome = assert.rejects(running, { code: 'FCGI_ERR_SOCKET' })
  await gate.reached()
  // A close() that waits for the request is cut short as well.
  const closed = started.close()
  await started.destroy()
  await closed
  await outcome
  assertGone(traces)
})

each('await using closes it', async (_t, kind) => {
  let traces: Traces
  {
    await using started = await startPhp({ root: SITE, ...of(kind) })
    traces = tracesOf(started)
    assert.equal(await fresh(started.address), 'hello')
  }
  assertGone(traces)
})

each('a worker that is killed is replaced', async (t, kind) => {
  const { php: started } = await start(t, { backend: kind, workers: 1 })
  const { group } = tracesOf(started)
  const gate = new Gate(await temporaryDirectory(t))
  const pool = openPool(t, started.address)
  const running = pool.execute(php('gate.php', { query: { gate: gate.path } }))
  const outcome = assert.rejects(running, { code: 'FCGI_ERR_SOCKET' })
  await gate.reached()
  const workers = membersOf(group).filter((pid) => pid !== group)
  assert.equal(workers.length, 1)
  for (const pid of workers) killWorker(pid)
  await outcome
  await answersAgain(started.address)
  // The backend itself has seen to that.
  assert.equal(started.stats.restarts, 0)
  assert.equal(started.stats.pid, group)
})

each('a master that is killed is started again at the same address', async (t, kind) => {
  const { php: started, log } = await start(t, of(kind))
  const { group, folder } = tracesOf(started)
  const orphans = membersOf(group)
  killWorker(group)
  await until('it is started again', () => started.stats.restarts === 1 && started.stats.running)
  assert.equal(await fresh(started.address), 'hello')
  assert.notEqual(started.stats.pid, group)
  assert.equal(folderOf(started), folder)
  assert.deepEqual(orphans.filter(isAlive), [])
  assert.ok(log.includes(`supervisor error: ${kind} ended (SIGKILL): starting it again in 100 ms.`))
  assert.ok(log.some((line) => line.startsWith(`supervisor info: ${kind} runs again (pid `)))
  const traces = tracesOf(started)
  await started.close()
  assertGone(traces)
})

each('nothing is left when this process is killed', async (t, kind) => {
  const program = fileURLToPath(new URL('./parent.js', import.meta.url))
  const parent = new Program(process.execPath, [program, kind])
  t.after(() => parent.stop('SIGKILL'))
  const line = await parent.until('has started', () => /^\{.*\}$/m.exec(parent.log)?.[0])
  const { address, ...traces } = JSON.parse(line) as Traces & { address: string }
  const mark = join(await temporaryDirectory(t), 'mark')
  const pool = openPool(t, address)
  // A script that never looks up must not keep its worker alive.
  const outcome = assert.rejects(pool.execute(page('spin.php', { query: { mark } })))
  await until('the script spins', () => existsSync(mark))
  assert.ok(membersOf(traces.group).length >= 2)
  parent.signal('SIGKILL')
  await outcome
  await untilGone(traces)
})

test('a guard that is killed is replaced, and the new one guards', WATCHED, async (t) => {
  const program = fileURLToPath(new URL('./parent.js', import.meta.url))
  const parent = new Program(process.execPath, [program, 'php-fpm'])
  t.after(() => parent.stop('SIGKILL'))
  const line = await parent.until('has started', () => /^\{.*\}$/m.exec(parent.log)?.[0])
  const traces = JSON.parse(line) as Traces
  killWorker(traces.guard)
  const guard = await parent.until('has another guard', () => childOf(parent.pid, traces))
  assert.equal(isAlive(traces.group), true)
  parent.signal('SIGKILL')
  await untilGone({ ...traces, guard })
})

/** The child of a process that is neither of these. */
function childOf(parent: number, { guard, group }: Traces): number | undefined {
  const children = readFileSync(`/proc/${parent}/task/${parent}/children`, 'latin1')
  const pids = children.split(' ').filter(Boolean).map(Number)
  return pids.find((pid) => pid !== guard && pid !== group && isAlive(pid))
}

test('this process says when its guard was killed, and closes all the same', WATCHED, async (t) => {
  const { php: started, log } = await start(t, { backend: 'php-fpm' })
  const traces = tracesOf(started)
  killWorker(traces.guard)
  await until('it says so', () => log.some((line) => line.includes('guard process was killed')))
  await started.close()
  assertGone(traces)
})

test('a backend that keeps ending is told, started ever more slowly, and never given up', async (t) => {
  const { php: started, log } = await start(t, { backend: 'php-fpm' })
  for (let restarts = 0; restarts < 4; restarts++) {
    const { pid } = started.stats
    assert.ok(pid !== undefined)
    killWorker(pid)
    await until(
      'it is started again',
      () => started.stats.restarts > restarts && started.stats.running,
    )
  }
  const pauses = log.flatMap((line) => /starting it again in (\d+) ms/.exec(line)?.[1] ?? [])
  assert.deepEqual(pauses, ['100', '200', '400', '800'])
})

test('the log of the backend comes line by line', async (t) => {
  const { php: started, log } = await start(t, { backend: 'php-fpm' })
  assert.ok(log.some((line) => /^php-fpm info: fpm is running, pid \d+$/.test(line)))
  await until('it is ready', () => log.includes('php-fpm info: ready to handle connections'))
  await started.close()
  assert.equal(log.at(-1), 'php-fpm info: exiting, bye-bye!')
})
