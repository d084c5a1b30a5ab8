// Any process of the server is killed while requests run.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import {
  ask,
  checkOutcomes,
  chaosSite,
  childPids,
  commandOf,
  Crowd,
  linesOf,
  marksOf,
  mixture,
  processesOf,
  startChaos,
  untilNothingIsLeft,
  type ChaosSite,
} from '../support/chaos.ts'
import { startFpm } from '../support/fpm.ts'
import { startGateway } from '../support/gateway.ts'
import type { GatewayProcess } from '../support/gateway-process.ts'
import { until } from '../support/process.ts'
import { get } from '../support/serving.ts'

const LIMIT = { timeout: 60_000 }
const CLIENTS = 12

interface Running {
  readonly site: ChaosSite
  readonly server: GatewayProcess
  readonly crowd: Crowd
  readonly admin: string
}

async function start(t: TestContext): Promise<Running> {
  const site = await chaosSite(t)
  const server = await startChaos(t, site)
  const { url, admin } = await server.ready()
  const crowd = new Crowd(t, url, CLIENTS, mixture())
  await crowd.more(60)
  return { site, server, crowd, admin: admin! }
}

async function end(running: Running): Promise<void> {
  const { site, server, crowd } = running
  await crowd.more(60)
  await crowd.stop()
  checkOutcomes(running)
  await server.program.stop()
  assert.equal(server.program.exit, 'status 0', server.log)
  await untilNothingIsLeft(site)
}

/** A sample of the metrics. */
async function metric({ admin }: Running, name: string): Promise<number> {
  const { body } = await get(`${admin}/metrics`)
  return Number(new RegExp(`^${name}\\S* (\\S+)$`, 'm').exec(body)?.[1])
}

const ROLES = {
  master: /^php-fpm: master/,
  guard: /guard-process/,
  worker: /gateway-program/,
} as const

/** Children of the server, by what they are. */
function childrenOf({ server }: Running, role: keyof typeof ROLES): number[] {
  return childPids(server.program.pid).filter((pid) => ROLES[role].test(commandOf(pid)))
}

/** The only one, or undefined while there is none. */
function childOf(running: Running, role: keyof typeof ROLES): number | undefined {
  return childrenOf(running, role)[0]
}

test('a PHP worker: what it worked on fails, and another one follows', LIMIT, async (t) => {
  const running = await start(t)
  const { crowd } = running
  const master = childOf(running, 'master')!
  for (let round = 0; round < 5; round++) {
    process.kill(childPids(master)[round % 4]!, 'SIGKILL')
    await crowd.more(30)
    await until('there are four again', () => childPids(master).length === 4)
  }
  assert.ok(crowd.of('failed').length <= 5, JSON.stringify(crowd.failures))
  await end(running)
})

test(
  'the master of PHP: it is started again with its workers, on the same address',
  LIMIT,
  async (t) => {
    const running = await start(t)
    const { crowd, site } = running
    const master = childOf(running, 'master')!
    const orphans = childPids(master)
    process.kill(master, 'SIGKILL')
    await until(
      'it is counted',
      async () => (await metric(running, 'fcgi_php_restarts_total')) === 1,
    )
    await until('another one runs', async () => (await metric(running, 'fcgi_php_running')) === 1)
    assert.notEqual(childOf(running, 'master'), master)
    const alive = processesOf(site)
    assert.deepEqual(
      orphans.filter((orphan) => alive.includes(orphan)),
      [],
    )
    await end(running)
    for (const { how } of crowd.of('failed')) assert.match(how, /^50[23]$|^ECONNRESET$/)
  },
)

test('the guard of PHP: another one follows, and nobody notices', LIMIT, async (t) => {
  const running = await start(t)
  const { crowd, server, site } = running
  const guard = childOf(running, 'guard')!
  process.kill(guard, 'SIGKILL')
  await until('another one guards', () => {
    const another = childOf(running, 'guard')
    return another !== undefined && another !== guard
  })
  await crowd.more(30)
  assert.deepEqual(crowd.failures, {})
  // The new one knows what the old one knew.
  server.program.signal('SIGKILL')
  await crowd.stop()
  checkOutcomes(running)
  await untilNothingIsLeft(site)
})

test('a worker of the gateway: another one follows', LIMIT, async (t) => {
  const running = await start(t)
  const { crowd } = running
  const [victim] = childrenOf(running, 'worker')
  process.kill(victim!, 'SIGKILL')
  await until(
    'it is counted',
    async () => (await metric(running, 'fcgi_worker_restarts_total')) === 1,
  )
  await until('another one works', async () => (await metric(running, 'fcgi_workers')) === 2)
  await end(running)
  for (const { how } of crowd.of('failed')) assert.equal(how, 'ECONNRESET')
  // Each client lost one request at the most.
  assert.ok(crowd.of('failed').length <= CLIENTS, JSON.stringify(crowd.failures))
})

test('the process above all of them: none outlives it, and no file', LIMIT, async (t) => {
  const running = await start(t)
  const { crowd, server, site } = running
  assert.ok(processesOf(site).length >= 9)
  server.program.signal('SIGKILL')
  await untilNothingIsLeft(site)
  await crowd.stop()
  checkOutcomes(running)
})

test('what a dying worker ran is not run again, unless that does no harm', LIMIT, async (t) => {
  const site = await chaosSite(t)
  const fpm = await startFpm(t, { workers: 1 })
  const backend = { address: fpm.address, connections: 1 }
  const { url, log } = await startGateway(t, { root: site.root, backend })
  for (let round = 0; round < 10; round++) {
    // So that the next one goes over a connection that was used before.
    const used = await ask(url, { path: '/lines.php?lines=1', expected: linesOf(1) })
    assert.equal(used.kind, 'whole', used.how)
    const mark = `${round % 2 === 0 ? 'post' : 'get'}${round}`
    const asked = { path: `/dies-once.php?mark=${mark}`, expected: mark }
    const outcome = await ask(url, round % 2 === 0 ? { ...asked, body: 'x' } : asked)
    assert.equal(outcome.how, round % 2 === 0 ? '502' : `200, ${mark.length} bytes`)
  }
  const marks = marksOf(site)
  assert.equal(marks.filter((mark) => mark.startsWith('post')).length, 5)
  assert.equal(marks.filter((mark) => mark.startsWith('get')).length, 10)
  assert.match(log.text, /error POST \/dies-once\.php: connection to \S+ (was closed|broke)/)
})
