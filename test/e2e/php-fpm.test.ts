// What is particular to php-fpm: its own answers, its pages, its view of roles and settings.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { Role, ValueName, type FastCGIRequest } from '@fastcgi/client'
import { overEach } from '../support/each.ts'
import { PHP_ROOT } from '../support/paths.ts'
import { answerOf, bodyOf, Gate, openPool, php } from '../support/php.ts'

overEach('a missing script is a 404, and stderr says why', {}, async (t, { address }) => {
  const pool = openPool(t, address)
  const response = await pool.execute(php('no-such.php'))
  assert.equal(answerOf(response).status, 404)
  assert.match(answerOf(response).text, /File not found/)
  assert.match(response.stderrText(), /Primary script unknown/)
  assert.equal(await bodyOf(pool.execute(php('hello.php'))), 'hello')
})

overEach('a script without params is a failure of its own', {}, async (t, { address }) => {
  const pool = openPool(t, address)
  const response = await pool.execute({ params: { REQUEST_METHOD: 'GET' } })
  assert.equal(answerOf(response).status, 404)
  assert.equal(await bodyOf(pool.execute(php('hello.php'))), 'hello')
})

overEach('a wrong extension is a 403, and stderr names the setting', {}, async (t, { address }) => {
  const response = await openPool(t, address).execute(php('notes.txt'))
  assert.equal(answerOf(response).status, 403)
  assert.match(answerOf(response).text, /Access denied/)
  assert.match(response.stderrText(), /notes\.txt.*security\.limit_extensions/s)
})

overEach('the ping page', {}, async (t, { address }) => {
  const answer = answerOf(await openPool(t, address).execute(page('/ping')))
  assert.equal(answer.status, 200)
  assert.equal(answer.text, 'pong')
})

overEach('the status page, as JSON and in full', { workers: 3 }, async (t, fpm) => {
  const pool = openPool(t, fpm.address)
  for (let index = 0; index < 5; index++) await pool.execute(php('hello.php'))
  const answer = answerOf(await pool.execute(page('/status', 'json&full')))
  assert.match(answer.headers.get('content-type') ?? '', /^application\/json/)
  const status = JSON.parse(answer.text) as Record<string, unknown>
  assert.equal(status['pool'], 'www')
  assert.equal(status['process manager'], 'static')
  const processes = status['processes'] as { pid: number; requests: number }[]
  assert.equal(processes.length, 3)
  // A worker that was forked just now has not written down who it is.
  const known = processes.filter(({ pid }) => pid !== 0)
  assert.ok(known.length > 0 && known.every(({ pid }) => fpm.workers.includes(pid)))
  const requests = processes.reduce((sum, process) => sum + process.requests, 0)
  assert.ok(requests >= 5, `${requests} requests counted`)
})

overEach('FCGI_GET_VALUES: php-fpm knows MPXS_CONNS and nothing else', {}, async (t, fpm) => {
  const pool = openPool(t, fpm.address)
  assert.deepEqual([...(await pool.getValues())], [[ValueName.MpxsConns, '0']])
  assert.deepEqual([...(await pool.getValues([ValueName.MaxConns]))], [])
  assert.equal(await bodyOf(pool.execute(php('hello.php'))), 'hello')
})

overEach('an Authorizer and a Filter run the script as a Responder does', {}, async (t, fpm) => {
  const pool = openPool(t, fpm.address)
  const authorizer = { ...php('env.php'), role: Role.Authorizer }
  const asked = JSON.parse(await bodyOf(pool.execute(authorizer))) as Record<string, unknown>
  assert.equal(asked['FCGI_ROLE'], 'AUTHORIZER')
  const filter = { ...php('env.php'), role: Role.Filter, stdin: 'in', data: 'the file' }
  const filtered = JSON.parse(await bodyOf(pool.execute(filter))) as Record<string, unknown>
  assert.equal(filtered['FCGI_ROLE'], 'FILTER')
})

overEach('a role that is none is answered with a reset', {}, async (t, { address }) => {
  const pool = openPool(t, address)
  const request = { ...php('hello.php'), role: 9 as Role }
  await assert.rejects(pool.execute(request), { code: 'FCGI_ERR_SOCKET', retryable: false })
  assert.equal(await bodyOf(pool.execute(php('hello.php'))), 'hello')
})

overEach('PHP_VALUE outlives its request, on its worker', { workers: 1 }, async (t, fpm) => {
  const pool = openPool(t, fpm.address)
  const ask = php('ini.php', { query: { name: 'user_agent' } })
  const value = async (request: FastCGIRequest): Promise<unknown> =>
    (JSON.parse(await bodyOf(pool.execute(request))) as { value: unknown }).value
  assert.notEqual(await value(ask), 'leaked')
  const setting = php('ini.php', {
    query: { name: 'user_agent' },
    params: { PHP_VALUE: 'user_agent = leaked' },
  })
  assert.equal(await value(setting), 'leaked')
  // Which is why it must never be under the control of a client.
  assert.equal(await value(ask), 'leaked')
})

overEach('fastcgi_finish_request: the connection waits for the script', {}, async (t, fpm) => {
  const pool = openPool(t, fpm.address, { connections: 1 })
  const gate = new Gate(fpm.directory)
  const finishing = php('gate.php', { query: { before: 'done', gate: gate.path, finish: 1 } })
  // It is answered although its script still runs: the gate is closed.
  assert.equal(await bodyOf(pool.execute(finishing)), 'done')
  const pid = await gate.reached()
  assert.equal(pool.stats.idle, 1)
  const next = bodyOf(pool.execute(php('pid.php')))
  const waits = pool.execute(php('hello.php'), { queueTimeout: 50 })
  await assert.rejects(waits, { code: 'FCGI_ERR_TIMEOUT', phase: 'queue' })
  gate.open()
  assert.equal(Number(await next), pid)
})

overEach('fastcgi_finish_request without keep-alive holds up nobody', {}, async (t, fpm) => {
  const pool = openPool(t, fpm.address, { connections: 1 })
  const gate = new Gate(fpm.directory)
  const query = { before: 'done', gate: gate.path, finish: 1 }
  const finishing = php('gate.php', { query, keepAlive: false })
  assert.equal(await bodyOf(pool.execute(finishing)), 'done')
  const busy = await gate.reached()
  for (let index = 0; index < 3; index++) {
    assert.notEqual(Number(await bodyOf(pool.execute(php('pid.php')))), busy)
  }
  gate.open()
  await gate.done()
})

overEach('a script that is aborted runs on to its next output', {}, async (t, fpm) => {
  // Nobody tells PHP; its worker stays busy.
  const pool = openPool(t, fpm.address)
  const gate = new Gate(fpm.directory)
  const abort = new AbortController()
  const query = { gate: gate.path, finish: 1 }
  const running = pool.execute(php('gate.php', { query }), { signal: abort.signal })
  running.catch(() => {})
  await gate.reached()
  abort.abort()
  gate.open()
  await gate.done()
})

/** A request for a page of php-fpm itself: its SCRIPT_NAME is all that counts. */
function page(name: string, query = ''): FastCGIRequest {
  const params = { REQUEST_METHOD: 'GET', SCRIPT_NAME: name, QUERY_STRING: query }
  return { params: { ...params, SCRIPT_FILENAME: join(PHP_ROOT, name) } }
}
