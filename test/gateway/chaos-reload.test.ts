// A reload, of the server or of PHP, while hundreds of requests are in flight.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent } from 'node:http'
import { connect } from 'node:net'
import { test, type TestContext } from 'node:test'
import { serve, type ServeOptions } from '@fastcgi/gateway'
import {
  ask,
  chaosSite,
  checkOutcomes,
  childPids,
  commandOf,
  Crowd,
  linesOf,
  mixture,
  startChaos,
  untilNothingIsLeft,
  upload,
  type Asked,
  type ChaosOutcome,
} from '../support/chaos.ts'
import { startFpm } from '../support/fpm.ts'
import { until } from '../support/process.ts'

const LIMIT = { timeout: 60_000 }
const CLIENTS = 100
/** Workers of PHP come and go as well. */
const KEPT = { backend: 'php-fpm', workers: 4, maxRequests: 100 } as const
/** More than the buffers of the system take for a client that does not read. */
const LINES = 200_000

/** Downloads and uploads of many megabytes, each stopped half way. */
class Held {
  readonly #outcomes: Promise<ChaosOutcome>[]
  #release!: () => void

  constructor(t: TestContext, url: string) {
    t.after(() => this.#release())
    const hold = new Promise<void>((resolve) => (this.#release = resolve))
    const expected = linesOf(LINES)
    const download: Asked = { path: '/large.txt', expected, hold }
    const script: Asked = { path: `/large.php?lines=${LINES}`, expected, hold }
    this.#outcomes = Array.from({ length: 5 }, (_, at) => at).flatMap((at) => [
      ask(url, download),
      ask(url, script),
      ask(url, { ...upload(`held${at}`, 4_000_000), hold }),
    ])
  }

  async finish(): Promise<void> {
    this.#release()
    const outcomes = await Promise.all(this.#outcomes)
    assert.deepEqual(
      outcomes.map(({ path, kind, how }) => `${kind} ${kind === 'whole' ? '' : path + how}`),
      outcomes.map(() => 'whole '),
    )
  }
}

/** Some keep their connections, as browsers do, and some do not. */
function startCrowds(t: TestContext, url: string): Crowd[] {
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS })
  t.after(() => agent.destroy())
  const next = mixture()
  return [new Crowd(t, url, CLIENTS, next), new Crowd(t, url, CLIENTS, next, agent)]
}

test('SIGHUP, again and again: each request is answered whole', LIMIT, async (t) => {
  const site = await chaosSite(t)
  const server = await startChaos(t, site, { php: KEPT })
  const { url } = await server.ready()
  const crowds = startCrowds(t, url)
  const held = new Held(t, url)
  await Promise.all(crowds.map((crowd) => crowd.more(CLIENTS)))
  const count = (): number => server.log.split('SIGHUP: reloaded').length - 1
  for (let round = 1; round <= 2; round++) {
    server.program.signal('SIGHUP')
    await server.program.until('has reloaded', () => count() === round)
    await Promise.all(crowds.map((crowd) => crowd.more(CLIENTS)))
  }
  await held.finish()
  await Promise.all(crowds.map((crowd) => crowd.stop()))
  for (const crowd of crowds) checkOutcomes({ site, crowd })
  assert.deepEqual(
    crowds.map(({ failures }) => failures),
    [{}, {}],
  )
  await server.program.stop()
  assert.equal(server.program.exit, 'status 0', server.log)
  await untilNothingIsLeft(site)
})

test('server.reload, again and again: each request is answered whole', LIMIT, async (t) => {
  const site = await chaosSite(t)
  const fpm = await startFpm(t, { workers: 4 })
  const options = (round: number): ServeOptions => ({
    root: site.root,
    listen: 0,
    backend: { address: fpm.address, connections: 4 },
    headers: { 'x-round': String(round) },
    requestBody: { directory: site.temporary },
    response: { directory: site.temporary },
  })
  const server = await serve(options(0))
  t.after(() => server.destroy())
  const [url = ''] = server.addresses
  const crowds = startCrowds(t, url)
  const held = new Held(t, url)
  await Promise.all(crowds.map((crowd) => crowd.more(CLIENTS)))
  for (let round = 1; round <= 5; round++) {
    await server.reload(options(round))
    const { headers } = await fetch(`${url}/static.txt`)
    assert.equal(headers.get('x-round'), String(round))
    await Promise.all(crowds.map((crowd) => crowd.more(20)))
  }
  await held.finish()
  await Promise.all(crowds.map((crowd) => crowd.stop()))
  for (const crowd of crowds) checkOutcomes({ site, crowd })
  assert.deepEqual(
    crowds.map(({ failures }) => failures),
    [{}, {}],
  )
  assert.equal(await server.close(), 0)
  await untilNothingIsLeft(site)
})

test('a reload of PHP: whatever is answered is right, and no POST runs twice', LIMIT, async (t) => {
  const site = await chaosSite(t)
  const server = await startChaos(t, site, { workers: 1, php: KEPT })
  const { url } = await server.ready()
  const crowd = new Crowd(t, url, CLIENTS, mixture())
  await crowd.more(CLIENTS)
  const isMaster = (pid: number): boolean => commandOf(pid).startsWith('php-fpm: master')
  const master = childPids(server.program.pid).find(isMaster)!
  for (let round = 0; round < 3; round++) {
    const old = childPids(master)
    process.kill(master, 'SIGUSR2')
    await until('there are other workers', () => {
      const workers = childPids(master)
      return workers.length === 4 && !workers.some((pid) => old.includes(pid))
    })
    await crowd.more(CLIENTS)
  }
  await crowd.stop()
  checkOutcomes({ site, crowd })
  // PHP ends a worker's kept connection without a word; what cannot be sent again is told as lost.
  for (const { how } of crowd.of('failed')) assert.equal(how, '502')
  for (const { mark, path } of crowd.of('failed')) assert.ok(mark, path)
  await server.program.stop()
  assert.equal(server.program.exit, 'status 0', server.log)
  await untilNothingIsLeft(site)
})

test(
  'a connection that is kept, or new, may still ask while its server closes',
  LIMIT,
  async (t) => {
    const { root } = await chaosSite(t)
    const server = await serve({ root, listen: 0, backend: 'unix:/none' })
    t.after(() => server.destroy())
    const [url = ''] = server.addresses
    const agents = [0, 1].map(() => new Agent({ keepAlive: true, maxSockets: 1 }))
    t.after(() => agents.forEach((agent) => agent.destroy()))
    const file: Asked = { path: '/static.txt', expected: linesOf(2000) }
    for (const agent of agents) assert.equal((await ask(url, file, agent)).kind, 'whole')
    const fresh = connect(Number(new URL(url).port), '127.0.0.1')
    t.after(() => fresh.destroy())
    await once(fresh, 'connect')
    // Accepted in turn: once this is answered, the server has seen the one before.
    assert.equal((await ask(url, file)).kind, 'whole')
    const closed = server.close()
    const outcomes = await Promise.all(agents.map((agent) => ask(url, file, agent)))
    assert.deepEqual(
      outcomes.map(({ how }) => how),
      outcomes.map(() => `200, ${file.expected.length} bytes`),
    )
    fresh.write('GET /static.txt HTTP/1.1\r\nHost: a\r\n\r\n')
    const [first] = (await once(fresh, 'data')) as [Buffer]
    assert.match(first.toString('latin1'), /^HTTP\/1\.1 200 OK\r\n[^]*connection: close\r\n/i)
    fresh.resume()
    assert.equal(await closed, 0)
  },
)
