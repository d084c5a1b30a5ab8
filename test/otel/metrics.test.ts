// What pools and requests measure.

import assert from 'node:assert/strict'
import { hasSubscribers } from 'node:diagnostics_channel'
import { test, type TestContext } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { channelNames, executeOnce, Pool, type PoolOptions } from '@fastcgi/client'
import { scriptedPeer, type PeerScript } from '@fastcgi/client/testing'
import { GET, nextTurn, Recorder, until } from '../support/requests.js'
import { startTelemetry, type Point } from '../support/telemetry.js'

const CONNECTION = 'fastcgi.client.connection'
const POOL = `${CONNECTION}.pool.name`

function poolOf(t: TestContext, script: PeerScript, options: PoolOptions = {}): Pool {
  const pool = new Pool('unix:/measured', { connect: scriptedPeer(script), ...options })
  t.after(() => pool.destroy())
  return pool
}

/** A backend that answers when it is told to. */
class Held {
  readonly answers: (() => void)[] = []

  readonly script: PeerScript = async (peer) => {
    for (;;) {
      const { id } = await peer.request()
      this.answers.push(() => {
        peer.stdout(id, 'Status: 201 Created\r\n\r\n')
        peer.end(id)
      })
    }
  }
}

/** What of a histogram does not depend on the clock. */
const counts = (points: readonly Point[]): unknown[] =>
  points.map(({ value }) => (value as { count: number }).count)

/** Points by their state, or the one that has none. */
const byState = (points: readonly Point[]): Record<string, unknown> =>
  Object.fromEntries(
    points.map(({ attributes, value }) => [attributes[`${CONNECTION}.state`] ?? 'all', value]),
  )

test('counts connections, what waits and what may be open, as it is when somebody looks', async (t) => {
  const telemetry = startTelemetry(t)
  const held = new Held()
  const pool = poolOf(t, held.script, { connections: 2 })
  const requests = [1, 2, 3].map(() => pool.execute(GET))
  await until(() => held.answers.length === 2)
  const now = async (name: string): Promise<Record<string, unknown>> =>
    byState((await telemetry.metric(`${CONNECTION}.${name}`)).points)
  assert.deepEqual(await now('count'), { idle: 0, used: 2 })
  assert.deepEqual(await now('max'), { all: 2 })
  assert.deepEqual(await now('pending_requests'), { all: 1 })
  held.answers.splice(0).forEach((answer) => answer())
  await until(() => held.answers.length === 1)
  held.answers.splice(0).forEach((answer) => answer())
  await Promise.all(requests)
  assert.deepEqual(await now('count'), { idle: 2, used: 0 })
  assert.deepEqual(await now('pending_requests'), { all: 0 })
  await pool.close()
  assert.deepEqual(await now('max'), { all: 0 })
  assert.deepEqual(await now('count'), { idle: 0, used: 0 })
})

test('adds up the pools of one name, and tells those of other names apart', async (t) => {
  const held = new Held()
  const older = poolOf(t, held.script, { connections: 3 })
  const telemetry = startTelemetry(t)
  poolOf(t, held.script, { connections: 5 })
  poolOf(t, held.script, { name: 'admin', connections: 1 })
  const max = async (): Promise<unknown[]> =>
    (await telemetry.metric(`${CONNECTION}.max`)).points.map((p) => [p.attributes[POOL], p.value])
  assert.deepEqual(await max(), [
    ['unix:/measured', 5],
    ['admin', 1],
  ])
  const request = older.execute(GET)
  await until(() => held.answers.length === 1)
  held.answers[0]!()
  await request
  assert.deepEqual(
    (await max())[0],
    ['unix:/measured', 8],
    'one that was there before is met by its request',
  )
})

test('measures requests in seconds, with few attributes and the recommended buckets', async (t) => {
  const telemetry = startTelemetry(t)
  const held = new Held()
  const pool = poolOf(t, held.script)
  const request = pool.execute(GET)
  await until(() => held.answers.length === 1)
  held.answers[0]!()
  await request
  const { data, points } = await telemetry.metric('fastcgi.client.request.duration')
  assert.equal(data?.descriptor.unit, 's')
  assert.deepEqual(points[0]?.attributes, {
    [POOL]: 'unix:/measured',
    'network.transport': 'unix',
    'network.protocol.name': 'fastcgi',
    'server.address': '/measured',
    'http.request.method': 'GET',
    'http.response.status_code': 201,
  })
  const [point] = points
  assert.ok(point)
  const { sum, buckets } = point.value as { sum: number; buckets: { boundaries: number[] } }
  assert.ok(sum > 0 && sum < 10)
  assert.deepEqual(buckets.boundaries.slice(0, 3), [0.005, 0.01, 0.025])
  for (const name of ['create_time', 'wait_time', 'use_time']) {
    const times = await telemetry.metric(`${CONNECTION}.${name}`)
    assert.equal(times.data?.descriptor.unit, 's')
    assert.deepEqual(counts(times.points), [1], name)
    assert.deepEqual(times.points[0]?.attributes, { [POOL]: 'unix:/measured' })
  }
})

test('counts those that got no connection in time, and the errors of requests', async (t) => {
  const telemetry = startTelemetry(t)
  const held = new Held()
  const pool = poolOf(t, held.script, { connections: 1 })
  pool.execute(GET).catch(() => {})
  await until(() => held.answers.length === 1)
  const late = new Recorder()
  pool.dispatch(GET, late, { queueTimeout: 1 })
  await late.over
  const timeouts = await telemetry.metric(`${CONNECTION}.timeouts`)
  assert.deepEqual(
    timeouts.points.map(({ value }) => value),
    [1],
  )
  const { points } = await telemetry.metric('fastcgi.client.request.duration')
  assert.deepEqual(
    points.map(({ attributes }) => attributes['error.type']),
    ['FCGI_ERR_TIMEOUT'],
  )
})

test('says of what is not sampled as much as of what is', async (t) => {
  const { AlwaysOffSampler } = await import('@opentelemetry/sdk-trace-node')
  const telemetry = startTelemetry(t, {}, { sampler: new AlwaysOffSampler() })
  const held = new Held()
  const request = poolOf(t, held.script).execute(GET)
  await until(() => held.answers.length === 1)
  held.answers[0]!()
  await request
  const { points } = await telemetry.metric('fastcgi.client.request.duration')
  assert.equal(points[0]?.attributes['http.response.status_code'], 201)
})

const connectOnce = scriptedPeer(async (peer) => {
  const { id } = await peer.request()
  peer.end(id)
  peer.close()
})

test('a pool that was closed is not looked at any more', async (t) => {
  const telemetry = startTelemetry(t)
  for (let n = 0; n < 20; n++) await executeOnce('unix:/once', GET, { connect: connectOnce })
  assert.deepEqual((await telemetry.metric(`${CONNECTION}.max`)).points, [])
})

const COLLECTS = process.versions['bun'] === undefined
const WHEN_IT_LIKES = 'the garbage collector of this runtime keeps what it likes'

test('a pool that was forgotten is not kept', { skip: !COLLECTS && WHEN_IT_LIKES }, async (t) => {
  const telemetry = startTelemetry(t)
  for (let n = 0; n < 20; n++) void new Pool('unix:/forgotten', { connect: connectOnce })
  assert.equal((await telemetry.metric(`${CONNECTION}.max`)).points[0]?.value, 80)
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  // What a turn has looked at through a WeakRef stays until the turn is over.
  await nextTurn()
  collect()
  await nextTurn()
  assert.equal((await telemetry.metric(`${CONNECTION}.max`)).points[0]?.value, 0)
})

test('switched off, it looks at no pool any more, and nothing is published', async (t) => {
  const telemetry = startTelemetry(t)
  const held = new Held()
  const pool = poolOf(t, held.script)
  const count = async (): Promise<unknown> =>
    byState((await telemetry.metric(`${CONNECTION}.count`)).points)
  assert.deepEqual(await count(), { idle: 0, used: 0 })
  assert.ok(hasSubscribers(channelNames.requestCreate))
  telemetry.instrumentation.disable()
  assert.ok(!Object.values(channelNames).some((name) => hasSubscribers(name)))
  pool.execute(GET).catch(() => {})
  await until(() => held.answers.length === 1)
  assert.deepEqual(await count(), { idle: 0, used: 0 })
})
