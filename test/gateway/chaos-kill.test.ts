// Any process of the server is killed while requests run.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import {
  chaosSite,
  Crowd,
  linesOf,
  marksOf,
  processesOf,
  startChaos,
  untilNothingIsLeft,
  type Asked,
  type ChaosSite,
} from '../support/chaos.ts'
import type { GatewayProcess } from '../support/gateway-process.ts'
import { until } from '../support/process.ts'
import { get } from '../support/serving.ts'

interface Status {
  readonly workers: { readonly pid: number; readonly restarts: number }[]
  readonly php: {
    readonly pid: number | undefined
    readonly guardPid: number
    readonly restarts: number
  }
}

interface Running {
  readonly site: ChaosSite
  readonly server: GatewayProcess
  readonly crowd: Crowd
  readonly status: () => Promise<Status>
}

/** Pages with and without a file behind them, and what must not happen twice, in turn. */
function mixture(): () => Asked {
  let count = 0
  const page = linesOf(1000)
  const file = linesOf(2000)
  return () => {
    count++
    if (count % 3 === 0) return { path: '/static.txt', expected: file }
    if (count % 3 === 1) return { path: '/lines.php?lines=1000', expected: page }
    const mark = `m${count}`
    const body = `${mark} `.repeat(2000)
    const sum = createHash('md5').update(body).digest('hex')
    return { path: `/once.php?mark=${mark}`, expected: `${mark} ${sum}`, body, mark }
  }
}

async function start(t: TestContext): Promise<Running> {
  const site = await chaosSite(t)
  const server = await startChaos(t, site)
  const { url, admin } = await server.ready()
  const crowd = new Crowd(url, 12, mixture())
  await crowd.more(60)
  const status = async (): Promise<Status> =>
    JSON.parse((await get(`${admin}/status`)).body) as Status
  return { site, server, crowd, status }
}

/** Nothing was called whole that was not, and no POST ran twice or was answered without having run. */
function check({ site, crowd }: Running): void {
  assert.deepEqual(crowd.of('wrong'), [])
  const marks = marksOf(site)
  assert.equal(new Set(marks).size, marks.length, 'a POST ran twice')
  for (const { mark } of crowd.of('whole')) if (mark) assert.ok(marks.includes(mark), mark)
}

async function end(running: Running): Promise<void> {
  const { site, server, crowd } = running
  await crowd.more(60)
  await crowd.stop()
  check(running)
  await server.program.stop()
  assert.equal(server.program.exit, 'status 0', server.log)
  await untilNothingIsLeft(site)
}

const workersOf = async (master: number): Promise<number[]> => {
  const { readFile } = await import('node:fs/promises')
  const text = await readFile(`/proc/${master}/task/${master}/children`, 'latin1')
  return text.split(' ').filter(Boolean).map(Number)
}

test('a PHP worker: what it worked on fails, and another one follows', async (t) => {
  const running = await start(t)
  const { crowd, status } = running
  const master = (await status()).php.pid!
  for (let round = 0; round < 5; round++) {
    const workers = await workersOf(master)
    process.kill(workers[round % workers.length]!, 'SIGKILL')
    await crowd.more(30)
    await until('there are four again', async () => (await workersOf(master)).length === 4)
  }
  assert.ok(crowd.of('failed').length <= 5, JSON.stringify(crowd.failures))
  await end(running)
})

test('the master of PHP: it is started again with its workers, on the same address', async (t) => {
  const running = await start(t)
  const { crowd, status, site } = running
  const { pid } = (await status()).php
  const orphans = await workersOf(pid!)
  process.kill(pid!, 'SIGKILL')
  await until('another one runs', async () => {
    const { php } = await status()
    return php.restarts === 1 && php.pid !== undefined && php.pid !== pid
  })
  const alive = processesOf(site)
  assert.deepEqual(
    orphans.filter((orphan) => alive.includes(orphan)),
    [],
  )
  for (const { how } of crowd.of('failed')) assert.match(how, /^50[23]$|^ECONNRESET$|^aborted$/)
  await end(running)
})

test('the guard of PHP: another one follows, and nobody notices', async (t) => {
  const running = await start(t)
  const { crowd, status } = running
  const { guardPid } = (await status()).php
  process.kill(guardPid, 'SIGKILL')
  await until('another one guards', async () => (await status()).php.guardPid !== guardPid)
  await crowd.more(30)
  assert.deepEqual(crowd.failures, {})
  // The new one knows what the old one knew.
  running.server.program.signal('SIGKILL')
  await crowd.stop()
  check(running)
  await untilNothingIsLeft(running.site)
})

test('a worker of the gateway: another one follows', async (t) => {
  const running = await start(t)
  const { crowd, status } = running
  const victims = (await status()).workers.map(({ pid }) => pid)
  process.kill(victims[0]!, 'SIGKILL')
  await until('another one works', async () => {
    const { workers } = await status()
    return workers.every(({ pid }) => pid !== victims[0]) && workers[0]!.pid > 0
  })
  await end(running)
  for (const { how } of crowd.of('failed')) assert.match(how, /^ECONNRESET$|^aborted$/)
  // Each client lost one request at the most.
  assert.ok(crowd.of('failed').length <= 12, JSON.stringify(crowd.failures))
})

test('the process above all of them: none outlives it, and no file', async (t) => {
  const running = await start(t)
  const { crowd, server, site } = running
  assert.ok(processesOf(site).length >= 8)
  server.program.signal('SIGKILL')
  await untilNothingIsLeft(site)
  await crowd.stop()
  check(running)
})
