// What signals do to a server whose process is its own.

import assert from 'node:assert/strict'
import { Agent } from 'node:http'
import { test } from 'node:test'
import { startProcess } from '../support/gateway-process.ts'
import { get, Load } from '../support/serving.ts'
import { until } from '../support/process.ts'

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(
    `${signal} finishes what runs, and the process ends with 0`,
    { timeout: 60_000 },
    async (t) => {
      const server = await startProcess(t, {})
      const { url } = await server.ready()
      const running = Array.from({ length: 200 }, () => get(`${url}/slow?ms=600`))
      await get(url)
      server.program.signal(signal)
      await until('nobody accepts', async () => (await get(url)).failure === 'ECONNREFUSED')
      const outcomes = await Promise.all(running)
      const lost = outcomes.filter(({ failure, status }) => failure !== undefined || status !== 200)
      // A connection that waits in the kernel has not been accepted yet, and is nobody's request.
      assert.deepEqual(
        lost.filter(({ failure }) => failure !== 'ECONNREFUSED'),
        [],
      )
      await server.program.exited
      assert.equal(server.program.exit, 'status 0')
      assert.match(server.log, /info closed; every request was answered/)
    },
  )
}

test(
  'the second signal cuts off what runs, and the process says how much and ends with 1',
  { timeout: 60_000 },
  async (t) => {
    const server = await startProcess(t, { drainTimeout: 0 })
    const { url } = await server.ready()
    const running = [get(`${url}/never`), get(`${url}/never`)]
    await get(url)
    server.program.signal('SIGTERM')
    await server.program.until('closes', () => server.log.includes('finishing the requests'))
    server.program.signal('SIGTERM')
    for (const { failure } of await Promise.all(running)) assert.equal(failure, 'ECONNRESET')
    await server.program.exited
    assert.equal(server.program.exit, 'status 1')
    assert.match(server.log, /error closed; 2 requests were cut off/)
  },
)

test(
  'requests that are not over in time are cut off, and the process ends with 1',
  { timeout: 60_000 },
  async (t) => {
    const server = await startProcess(t, { drainTimeout: 100 })
    const { url } = await server.ready()
    const running = get(`${url}/never`)
    await get(url)
    server.program.signal('SIGTERM')
    assert.equal((await running).failure, 'ECONNRESET')
    await server.program.exited
    assert.equal(server.program.exit, 'status 1')
  },
)

test('SIGHUP takes other options without losing a request', { timeout: 60_000 }, async (t) => {
  const server = await startProcess(t, { text: 'one' })
  const { url } = await server.ready()
  const agent = new Agent({ keepAlive: true, maxSockets: 20 })
  t.after(() => agent.destroy())
  const load = new Load(`${url}/slow?ms=5`, 20, agent)
  for (const text of ['two', 'three', 'four']) {
    await server.configure({ text })
    server.program.signal('SIGHUP')
    await until(`${text} answers`, async () => (await get(url)).body.endsWith(` ${text}`))
  }
  await load.stop()
  assert.ok(load.outcomes.length > 20)
  assert.deepEqual(load.failed, [])
  await server.configure({ text: 'five', workers: -1 })
  server.program.signal('SIGHUP')
  await server.program.until('refuses', () =>
    server.log.includes('error SIGHUP: nothing was changed: workers must be a whole number'),
  )
  assert.match((await get(url)).body, / four$/)
})
