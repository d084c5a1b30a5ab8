// What is special about embedded PHP: its workers, their age and their memory.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answerOf, bodyOf, Gate, openPool, php } from '../support/php.ts'
import { temporaryDirectory, until } from '../support/process.ts'
import { membersOf, NO_PROC, page, SITE, start, tracesOf } from './backend.ts'

test(
  'a worker is replaced after maxRequests, and no request is lost',
  { skip: NO_PROC },
  async (t) => {
    const { php: started } = await start(t, { backend: 'embedded', workers: 1, maxRequests: 2 })
    const { group } = tracesOf(started)
    const pool = openPool(t, started.address)
    const workers = (): number[] => membersOf(group).filter((pid) => pid !== group)
    const [first] = workers()
    for (let index = 0; index < 3; index++) {
      assert.equal(await bodyOf(pool.execute(php('hello.php'))), 'hello')
    }
    await until('another one serves', () => {
      const now = workers()
      return now.length === 1 && !now.includes(first ?? 0)
    })
    assert.equal(await bodyOf(pool.execute(php('hello.php'))), 'hello')
  },
)

test('a worker that has grown large is replaced', { skip: NO_PROC }, async (t) => {
  const options = { backend: 'embedded', workers: 1, ini: { memory_limit: '1G' } } as const
  const { php: started } = await start(t, options)
  const { group } = tracesOf(started)
  const pool = openPool(t, started.address)
  const first = membersOf(group).find((pid) => pid !== group) ?? 0
  assert.equal(await bodyOf(pool.execute(page('big.php', { query: { mb: 500 } }))), '524288000')
  await until('its worker goes', () => !membersOf(group).includes(first))
  assert.equal(await bodyOf(pool.execute(php('hello.php'))), 'hello')
})

test('a request waits for a worker, and is forgotten when it is given up before', async (t) => {
  const { php: started } = await start(t, { backend: 'embedded', workers: 1 })
  const gate = new Gate(await temporaryDirectory(t))
  const pool = openPool(t, started.address)
  const running = bodyOf(
    pool.execute(php('gate.php', { query: { gate: gate.path, after: 'first' } })),
  )
  await gate.reached()
  const waiting = bodyOf(pool.execute(php('hello.php')))
  const given = new AbortController()
  const up = assert.rejects(pool.execute(php('hello.php'), { signal: given.signal }), /given up/)
  given.abort(new Error('given up'))
  await up
  gate.open()
  assert.deepEqual(await Promise.all([running, waiting]), ['first', 'hello'])
})

test('a client that goes away leaves a worker that serves the next', async (t) => {
  const { php: started } = await start(t, { backend: 'embedded', workers: 1 })
  const gate = new Gate(await temporaryDirectory(t))
  const pool = openPool(t, started.address)
  const abort = new AbortController()
  const request = php('gate.php', { query: { gate: gate.path } })
  const gone = assert.rejects(pool.execute(request, { signal: abort.signal }), /went away/)
  await gate.reached()
  abort.abort(new Error('went away'))
  await gone
  const next = bodyOf(pool.execute(php('hello.php')))
  gate.open()
  assert.equal(await next, 'hello')
})

test('a body that is larger than it takes is refused with 413', async (t) => {
  const { php: started } = await start(t, { backend: 'embedded', workers: 1 })
  const pool = openPool(t, started.address)
  async function* body(): AsyncGenerator<Uint8Array> {
    const piece = new Uint8Array(1024 * 1024)
    for (let index = 0; index < 129; index++) yield piece
  }
  const params = { CONTENT_LENGTH: 129 * 1024 * 1024 }
  const { status } = answerOf(await pool.execute(php('body.php', { stdin: body(), params })))
  assert.equal(status, 413)
})

test('a script finds no network rather than a crash', async (t) => {
  const { php: started } = await start(t, { backend: 'embedded', workers: 1 })
  const pool = openPool(t, started.address)
  assert.equal(await bodyOf(pool.execute(page('network.php'))), 'none')
})

test('auto_prepend_file runs here as well', async (t) => {
  const ini = { auto_prepend_file: `${SITE}/part.txt` }
  const { php: started } = await start(t, { backend: 'embedded', workers: 1, ini })
  const pool = openPool(t, started.address)
  assert.equal(await bodyOf(pool.execute(php('hello.php'))), 'included from phphello')
})
