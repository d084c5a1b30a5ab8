// Several processes that answer on one address.

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startProcess } from '../support/gateway-process.ts'
import { freePort, temporaryDirectory, until } from '../support/process.ts'
import { get, Load, type Outcome } from '../support/serving.ts'

const failed = ({ failure, status }: Outcome): boolean => failure !== undefined || status !== 200
const pidOf = ({ body }: Outcome): number => Number(body.split(' ')[0])

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

test('workers share the port, and end with the server', { timeout: 60_000 }, async (t) => {
  const server = await startProcess(t, { workers: 3 })
  const { url } = await server.ready()
  const pids = new Set<number>()
  await until('each of them answers', async () => pids.add(pidOf(await get(url))).size === 3)
  assert.ok(!pids.has(server.program.pid))
  const running = Array.from({ length: 100 }, () => get(`${url}/slow?ms=500`))
  await get(url)
  server.program.signal('SIGTERM')
  const lost = (await Promise.all(running)).filter(failed)
  assert.deepEqual(
    lost.filter(({ failure }) => failure !== 'ECONNREFUSED'),
    [],
  )
  await server.program.exited
  assert.equal(server.program.exit, 'status 0')
  for (const pid of pids) assert.ok(!isAlive(pid))
})

test(
  'a worker that is killed under load is replaced, and the others go on',
  { timeout: 60_000 },
  async (t) => {
    const server = await startProcess(t, { workers: 2, admin: 0 })
    const { url, admin } = await server.ready()
    const pids = new Set<number>()
    await until('each of them answers', async () => pids.add(pidOf(await get(url))).size === 2)
    const [victim = 0, other] = pids
    const load = new Load(`${url}/slow?ms=5`, 10)
    const { outcomes } = load
    await until('load', () => outcomes.length > 50)
    process.kill(victim, 'SIGKILL')
    await until(
      'another one answers',
      () => new Set(outcomes.filter((o) => !failed(o)).map(pidOf)).size === 3,
    )
    await load.stop()
    // What it had begun is lost with it, and nothing else: it had no more than the clients had asked.
    assert.ok(load.failed.length <= 10)
    assert.ok(outcomes.map(pidOf).includes(other!))
    assert.match(server.log, /error worker \d died \(SIGKILL\)/)
    assert.match(server.log, /warn worker \d is gone \(SIGKILL\); starting another one in 100 ms/)
    const metrics = await get(`${admin}/metrics`)
    assert.match(metrics.body, /^fcgi_worker_restarts_total 1$/m)
    assert.match(metrics.body, /^fcgi_workers 2$/m)
  },
)

test(
  'SIGHUP replaces the workers one by one, and no request is lost',
  { timeout: 60_000 },
  async (t) => {
    const server = await startProcess(t, { workers: 2, text: 'one' })
    const { url } = await server.ready()
    const load = new Load(`${url}/slow?ms=5`, 10)
    const { outcomes } = load
    await until('load', () => outcomes.length > 50)
    await server.configure({ workers: 2, text: 'two' })
    server.program.signal('SIGHUP')
    await server.program.until('has reloaded', () => server.log.includes('SIGHUP: reloaded'))
    const from = outcomes.length
    await until('more load', () => outcomes.length > from + 100)
    await load.stop()
    assert.deepEqual(load.failed, [])
    assert.ok(outcomes.slice(-50).every(({ body }) => body.endsWith(' two')))
  },
)

test(
  'a second SIGTERM ends all workers at once, and counts what they cut off',
  { timeout: 60_000 },
  async (t) => {
    const server = await startProcess(t, { workers: 2, drainTimeout: 0 })
    const { url } = await server.ready()
    const running = Array.from({ length: 4 }, () => get(`${url}/never`))
    await get(url)
    server.program.signal('SIGTERM')
    await server.program.until('closes', () => server.log.includes('finishing the requests'))
    server.program.signal('SIGTERM')
    await Promise.all(running)
    await server.program.exited
    assert.equal(server.program.exit, 'status 1')
    assert.match(server.log, /error closed; 4 requests were cut off/)
  },
)

test('what is wrong is told once, and no worker is left', { timeout: 60_000 }, async (t) => {
  const port = await freePort()
  const first = await startProcess(t, { listen: port })
  await first.ready()
  const second = await startProcess(t, { listen: port, workers: 3 })
  await second.program.exited
  assert.equal(second.program.exit, 'status 1')
  const told = second.said.filter(({ failed: message }) => message !== undefined)
  assert.deepEqual(
    told.map(({ failed: message }) => message),
    [
      `cannot listen on 127.0.0.1:${port}: another program has taken it; stop that one, or choose another port (EADDRINUSE)`,
    ],
  )
})

test(
  'a unix socket that was left behind is replaced, and gone at the end',
  { timeout: 60_000 },
  async (t) => {
    const path = join(await temporaryDirectory(t), 'gateway.sock')
    const first = await startProcess(t, { listen: path })
    await first.ready()
    await first.program.stop('SIGKILL')
    assert.ok(existsSync(path))
    const server = await startProcess(t, { listen: path, workers: 3 })
    await server.ready()
    const { body } = await get('http://a/', { socketPath: path })
    assert.notEqual(Number(body), 0)
    await server.program.stop()
    assert.ok(!existsSync(path))
  },
)

test('workers do not outlive a server that is killed', { timeout: 60_000 }, async (t) => {
  const server = await startProcess(t, { workers: 2 })
  const { url } = await server.ready()
  const pids = new Set<number>()
  await until('each of them answers', async () => pids.add(pidOf(await get(url))).size === 2)
  await server.program.stop('SIGKILL')
  await until('they are gone', () => [...pids].every((pid) => !isAlive(pid)))
})
