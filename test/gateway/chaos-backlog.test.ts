// PHP that accepts nothing, and a queue of the system for connections that is full.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask, chaosSite, linesOf, marksOf, upload } from '../support/chaos.ts'
import { startFpm } from '../support/fpm.ts'
import { startGateway } from '../support/gateway.ts'
import { until } from '../support/process.ts'
import { TRANSPORTS } from '../support/process.ts'

const REQUESTS = 100
const TIMES = {
  connectTimeout: 700,
  queueTimeout: 1000,
  headersTimeout: 1500,
  requestTimeout: 3000,
}
/** Longer than all of them together, and what a busy machine adds to it. */
const PATIENCE = 10_000

const LIMIT = { timeout: 30_000 }

for (const listen of TRANSPORTS) {
  test(
    `over ${listen}, each request ends in time with a cause, and PHP that proceeds is used again`,
    LIMIT,
    async (t) => {
      const site = await chaosSite(t)
      const fpm = await startFpm(t, { workers: 1, listen, directives: { 'listen.backlog': 1 } })
      const { url, log, gateway } = await startGateway(t, {
        root: site.root,
        backend: { address: fpm.address, connections: 20, maxQueue: 50, ...TIMES },
      })
      await fpm.halt()
      const since = performance.now()
      const requests = Array.from({ length: REQUESTS }, (_, at) =>
        at % 2 === 0
          ? ask(url, { path: '/lines.php?lines=10', expected: linesOf(10) })
          : ask(url, upload(`m${at}`, 1000)),
      )
      const outcomes = await Promise.all(requests)
      assert.ok(performance.now() - since < PATIENCE)
      const counts: Record<string, number> = {}
      for (const { how } of outcomes) counts[how] = (counts[how] ?? 0) + 1
      assert.deepEqual(
        Object.keys(counts).filter((how) => how !== '503' && how !== '504'),
        [],
        JSON.stringify(counts),
      )
      const told = log.entries.filter(({ level }) => level === 'error')
      assert.equal(told.length, REQUESTS)
      for (const { message } of told) {
        assert.match(message, /\((connect|queue|headers|request)Timeout\)|\(maxQueue\): all 20 /)
      }
      assert.equal(gateway.active, 0)
      fpm.proceed()
      // What was given up may still stand in the queue of the system.
      await until('it answers again', async () => {
        return (await ask(url, upload('again', 1000))).kind === 'whole'
      })
      const marks = marksOf(site).filter((mark) => mark !== 'again')
      assert.equal(new Set(marks).size, marks.length, 'a POST ran twice')
    },
  )
}
