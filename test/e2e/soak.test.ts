// Ten thousand requests, given up, timed out and orphaned at random: each has one outcome, and nothing stays behind.

import assert from 'node:assert/strict'
import { getEventListeners, setMaxListeners } from 'node:events'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { isFastCGIError, type FastCGIRequest, type Pool } from '@fastcgi/client'
import { killWorker, startFpm, type Fpm } from '../support/fpm.ts'
import { noise, openPool, php } from '../support/php.ts'
import { TRANSPORTS, until } from '../support/process.ts'

const REQUESTS = Number(process.env.E2E_SOAK ?? 5000)
const LANES = 40
const BODY = noise(300_000)
const EXPECTED = new Set(['FCGI_ERR_SOCKET', 'FCGI_ERR_TIMEOUT', 'FCGI_ERR_CONNECT'])
const NOTHING = { connected: 0, connecting: 0, idle: 0, running: 0, queued: 0 }

for (const listen of TRANSPORTS) {
  test(`${REQUESTS} requests with aborts, time-outs and deaths leave nothing behind (${listen})`, async (t) => {
    const seed = Number(process.env.E2E_SEED ?? Math.trunc(Math.random() * 2 ** 31))
    t.diagnostic(`E2E_SEED=${seed}`)
    const fpm = await startFpm(t, { listen, workers: 5 })
    const signal = new AbortController().signal
    // As many requests listen to it as run and wait at a time; Node takes more than ten listeners for a leak.
    setMaxListeners(LANES, signal)
    const before = await resources()
    const pool = openPool(t, fpm.address)
    const outcomes = await soak(pool, fpm, signal, randomNumbers(seed))
    await pool.close()
    assert.deepEqual(pool.stats, NOTHING)
    assert.equal(getEventListeners(signal, 'abort').length, 0)
    // Closed is closed only when the system has said so, one turn of the loop later.
    const leftBehind = (): boolean => before === openNow()
    await until(`${before} again, and not ${openNow()}`, leftBehind)
    for (const [outcome, count] of outcomes) t.diagnostic(`${outcome}: ${count}`)
    const settled = [...outcomes.values()].reduce((sum, count) => sum + count, 0)
    assert.equal(settled, REQUESTS)
    for (const outcome of ['ended', 'aborted', 'FCGI_ERR_TIMEOUT']) {
      assert.ok((outcomes.get(outcome) ?? 0) > 0, `nothing ${outcome}: this proves little`)
    }
  })
}

/** Runs them all, and counts how they end. */
async function soak(
  pool: Pool,
  fpm: Fpm,
  shared: AbortSignal,
  random: () => number,
): Promise<Map<string, number>> {
  const outcomes = new Map<string, number>()
  let begun = 0
  const lane = async (): Promise<void> => {
    while (begun++ < REQUESTS) {
      if (begun % 50 === 0) killAny(fpm, random)
      const outcome = await one(pool, shared, random)
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  return outcomes
}

function killAny(fpm: Fpm, random: () => number): void {
  const pid = fpm.workers[Math.trunc(random() * fpm.workers.length)]
  if (pid !== undefined) killWorker(pid)
}

/** One request by dispatch, which would show a second outcome where a promise hides it. */
async function one(pool: Pool, shared: AbortSignal, random: () => number): Promise<string> {
  const impatient = random() < 0.05
  const options = impatient ? { requestTimeout: 1 + random() * 5 } : { signal: shared }
  let told = 0
  const outcome = await new Promise<string>((resolve) => {
    const giveUpAfter = random() < 0.1 ? random() * 60_000 : Infinity
    let size = 0
    const settle = (how: string): void => {
      told++
      resolve(how)
    }
    const dispatched = pool.dispatch(
      anyRequest(random),
      {
        onStdout: (data) => {
          size += data.length
          if (size > giveUpAfter) dispatched.abort(new Error('given up'))
        },
        onEnd: () => settle('ended'),
        onError: (error) => settle(nameOf(error)),
      },
      options,
    )
    if (random() < 0.05) setImmediate(() => dispatched.abort(new Error('given up')))
    if (random() < 0.02) dispatched.abort(new Error('given up'))
  })
  // A second outcome would come by the next turn of the loop at the latest.
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(told, 1)
  return outcome
}

function anyRequest(random: () => number): FastCGIRequest {
  const which = random()
  if (which < 0.7) return php('hello.php')
  if (which < 0.85) return php('big.php', { query: { bytes: Math.trunc(random() * 200_000) } })
  if (which < 0.95) return php('echo-while-reading.php', { stdin: BODY })
  return php('ends-early.php', { stdin: BODY, query: { bytes: 10_000 } })
}

function nameOf(error: unknown): string {
  if (error instanceof Error && error.message === 'given up') return 'aborted'
  assert.ok(isFastCGIError(error) && EXPECTED.has(error.code), String(error))
  return error.code
}

/** What keeps this process busy, after whatever was just being closed is closed. */
async function resources(): Promise<string> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
  return openNow()
}

function openNow(): string {
  const counts = new Map<string, number>()
  for (const name of process.getActiveResourcesInfo()) counts.set(name, (counts.get(name) ?? 0) + 1)
  const ours = ['TCPSocketWrap', 'PipeWrap', 'Timeout', 'ConnectWrap', 'TCPConnectWrap']
  const sockets = ours.map((name) => `${counts.get(name) ?? 0} ${name}`)
  return [...sockets, `${readdirSync('/proc/self/fd').length} files`].join(', ')
}

/** The same numbers for the same seed (mulberry32), so that a failure can be run again. */
function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d_2b_79_f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
