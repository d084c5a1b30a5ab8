// What a request carries to php-fpm, and what comes back.

import assert from 'node:assert/strict'
import { connectNode, executeOnce, isFastCGIError, prepareParams } from '@fastcgi/client'
import { overEach } from '../support/each.ts'
import { answerOf, bodyOf, Gate, openPool, php, readAll, sha256 } from '../support/php.ts'

overEach('one request on a connection of its own', {}, async (_t, { address }) => {
  const response = await executeOnce(address, php('hello.php'))
  assert.equal(answerOf(response).text, 'hello')
  assert.equal(response.stderr.length, 0)
  assert.equal(response.appStatus, 0)
  assert.equal(response.protocolStatus, 0)
})

overEach('requests one after the other share a connection and a worker', {}, async (t, fpm) => {
  const pool = openPool(t, fpm.address)
  const pids = new Set<string>()
  for (let index = 0; index < 20; index++) {
    pids.add(await bodyOf(pool.execute(php('pid.php'))))
    assert.equal(pool.stats.connected, 1)
  }
  assert.equal(pids.size, 1)
  assert.ok(fpm.workers.includes(Number([...pids][0])))
})

overEach('without keep-alive every request opens a connection', {}, async (t, fpm) => {
  const connect = connectNode(fpm.address)
  let opened = 0
  const pool = openPool(t, fpm.address, {
    keepAlive: false,
    connect: (handler, signal) => {
      opened++
      return connect(handler, signal)
    },
  })
  for (let index = 0; index < 5; index++) {
    assert.equal(await bodyOf(pool.execute(php('hello.php'))), 'hello')
  }
  assert.equal(opened, 5)
})

overEach('stdout and stderr are streamed apart', {}, async (t, { address }) => {
  const stream = openPool(t, address).stream(php('stderr.php'))
  const { stdout, stderr } = await readAll(stream)
  assert.equal(answerOf({ stdout }).text, 'one two three')
  assert.match(stderr.toString(), /first complaint: ünïcode/)
  assert.match(stderr.toString(), /second complaint\nof two lines/)
  assert.equal(stream.end?.appStatus, 0)
})

overEach('warnings and uncaught exceptions come on stderr', {}, async (t, { address }) => {
  const pool = openPool(t, address)
  const warned = await pool.execute(php('warning.php'))
  assert.equal(answerOf(warned).text, 'unset warned')
  assert.match(warned.stderrText(), /PHP Warning: {2}mind the gap in .*warning\.php/)
  const died = await pool.execute(php('fatal.php'))
  // The status had gone out already: only stderr tells that the script died.
  assert.equal(answerOf(died).status, 200)
  assert.equal(answerOf(died).text, 'so far so good')
  assert.match(died.stderrText(), /Uncaught RuntimeException: out of luck/)
  assert.equal(died.appStatus, 0)
})

overEach('exit(3) is no failure: php-fpm always says 0', {}, async (t, { address }) => {
  const response = await openPool(t, address).execute(php('exit.php', { query: { status: 3 } }))
  assert.equal(answerOf(response).text, 'leaving')
  assert.equal(response.appStatus, 0)
})

overEach('stdout arrives while the script still runs', {}, async (t, fpm) => {
  const gate = new Gate(fpm.directory)
  let seen = ''
  const request = php('gate.php', { query: { before: 'early', gate: gate.path, after: 'late' } })
  for await (const { data } of openPool(t, fpm.address).stream(request)) {
    seen += Buffer.from(data).toString()
    // "late" comes only after this has opened the gate, and this opens it only after "early" came.
    if (seen.endsWith('early')) gate.open()
  }
  assert.match(seen, /earlylate$/)
})

overEach('a thousand flushed pieces come in order', {}, async (t, { address }) => {
  const { stdout } = await readAll(
    openPool(t, address).stream(php('dribble.php', { query: { lines: 1000 } })),
  )
  const lines = answerOf({ stdout }).text.split('\n').slice(0, -1)
  assert.deepEqual(
    lines,
    lines.map((_, index) => `line ${index + 1}`),
  )
  assert.equal(lines.length, 1000)
})

overEach('every param arrives, PHP_SELF and all', {}, async (t, { address }) => {
  const params = { HTTP_X_EMPTY: '', HTTP_X_UNICODE: 'grüße 🎉', X_NUMBER: 42, SERVER_NAME: 'a.b' }
  const response = await openPool(t, address).execute(
    php('env.php', { params, query: { q: 'a b&c' } }),
  )
  const env = JSON.parse(answerOf(response).text) as Record<string, unknown>
  assert.equal(env['HTTP_X_EMPTY'], '')
  assert.equal(env['HTTP_X_UNICODE'], 'grüße 🎉')
  assert.equal(env['X_NUMBER'], '42')
  assert.equal(env['SERVER_NAME'], 'a.b')
  assert.equal(env['QUERY_STRING'], 'q=a+b%26c')
  assert.equal(env['FCGI_ROLE'], 'RESPONDER')
})

overEach('names and values at the borders of their length fields', {}, async (t, { address }) => {
  const lengths = [0, 1, 126, 127, 128, 129, 255, 256, 1023, 65_000]
  const params = Object.fromEntries(lengths.map((n) => [`V${n}`, 'v'.repeat(n)]))
  for (const n of [127, 128]) params[`N${'_'.repeat(n - 1)}`] = 'long name'
  const response = await openPool(t, address).execute(php('env.php', { params }))
  const env = JSON.parse(answerOf(response).text) as Record<string, unknown>
  for (const [name, value] of Object.entries(params)) assert.equal(env[name], value)
})

overEach('200 KB of params go out in many records', {}, async (t, { address }) => {
  const params: Record<string, string> = {}
  for (let index = 0; index < 2000; index++) params[`HTTP_X_${index}`] = `${index}-`.repeat(20)
  const pool = openPool(t, address)
  const env = JSON.parse(await bodyOf(pool.execute(php('env.php', { params })))) as object
  assert.deepEqual({ ...env, ...params }, env)
  assert.equal(await bodyOf(pool.execute(php('hello.php'))), 'hello')
  assert.equal(pool.stats.connected, 1)
})

overEach('the largest pair that one record holds arrives', {}, async (t, { address }) => {
  // 65,528 bytes of content, less the two lengths (1 + 4) and the name.
  const value = 'x'.repeat(65_528 - 5 - 'LARGE'.length)
  const response = openPool(t, address).execute(php('env.php', { params: { LARGE: value } }))
  const env = JSON.parse(await bodyOf(response)) as Record<string, unknown>
  assert.equal(env['LARGE'], value)
})

overEach('a pair that is too large fails alone', {}, async (t, { address }) => {
  const pool = openPool(t, address, { connections: 1 })
  const pid = await bodyOf(pool.execute(php('pid.php')))
  const tooLarge = php('env.php', { params: { LARGE: 'x'.repeat(65_528) } })
  await assert.rejects(pool.execute(tooLarge), (error) => {
    assert.ok(isFastCGIError(error))
    assert.equal(error.code, 'FCGI_ERR_PARAM_TOO_LARGE')
    assert.match(error.message, /"LARGE"/)
    return true
  })
  assert.equal(await bodyOf(pool.execute(php('pid.php'))), pid)
  assert.deepEqual(pool.stats, { connected: 1, connecting: 0, idle: 1, running: 0, queued: 0 })
})

overEach('php-fpm resets a pair that spans two records', {}, async (t, { address }) => {
  const pool = openPool(t, address, { spanParams: true })
  const request = php('env.php', { params: { LARGE: 'x'.repeat(70_000) } })
  await assert.rejects(pool.execute(request), { code: 'FCGI_ERR_SOCKET' })
  assert.equal(await bodyOf(pool.execute(php('hello.php'))), 'hello')
})

overEach('of two params with one name the last wins', {}, async (t, { address }) => {
  const pool = openPool(t, address)
  const { params } = php('env.php', { params: { TWICE: 'object' } })
  const pairs = Object.entries(params as Record<string, string>).filter(
    ([name]) => name !== 'TWICE',
  )
  const response = pool.execute({ params: [['TWICE', 'first'], ...pairs, ['TWICE', 'last']] })
  assert.equal((JSON.parse(await bodyOf(response)) as Record<string, unknown>)['TWICE'], 'last')
  const prepared = prepareParams({ TWICE: 'prepared', SITE: 'one' })
  const joined = pool.execute({ ...php('env.php', { params: { TWICE: 'own' } }), prepared })
  const env = JSON.parse(await bodyOf(joined)) as Record<string, unknown>
  assert.equal(env['TWICE'], 'own')
  assert.equal(env['SITE'], 'one')
})

overEach('php-fpm folds -, _, . and space in the names of params', {}, async (t, { address }) => {
  // Which is why a header with an underscore can pass for another: nothing but the last of them is seen.
  const pool = openPool(t, address)
  const names = ['HTTP_X_Y', 'HTTP_X.Y', 'HTTP_X Y']
  for (const name of names) {
    const response = pool.execute(php('env.php', { params: { [name]: name } }))
    assert.equal((JSON.parse(await bodyOf(response)) as Record<string, unknown>)['HTTP_X_Y'], name)
  }
})

overEach('a header block of 200 KB arrives whole', {}, async (t, { address }) => {
  const response = await openPool(t, address).execute(php('headers.php', { query: { count: 200 } }))
  const { headers, text } = answerOf(response)
  assert.equal(text, 'body')
  for (let index = 0; index < 200; index++) {
    const value = headers.get(`x-long-${String(index).padStart(3, '0')}`)
    assert.equal(value, String.fromCharCode(97 + (index % 26)).repeat(1000))
  }
})

overEach('a status without a reason, a header twice', {}, async (t, { address }) => {
  const response = await openPool(t, address).execute(php('status.php', { query: { status: 418 } }))
  const { status, headers } = answerOf(response)
  assert.equal(status, 418)
  assert.equal(headers.get('set-cookie'), 'a=1\nb=2')
})

overEach('HEAD gets headers and no body', {}, async (t, { address }) => {
  const response = await openPool(t, address).execute(php('hello.php', { method: 'HEAD' }))
  assert.equal(answerOf(response).body.length, 0)
  assert.match(answerOf(response).headers.get('content-type') ?? '', /^text\/plain/)
})

overEach('a binary body arrives byte for byte', {}, async (t, { address }) => {
  const { body } = answerOf(await openPool(t, address).execute(php('bytes.php')))
  const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
  const shifts = Array.from({ length: 256 }, (_, shift) => [
    all.subarray(shift),
    all.subarray(0, shift),
  ])
  assert.ok(body.equals(Buffer.concat(shifts.flat())))
})

for (const bytes of [1, 8183, 8184, 8185, 65_528, 65_536, 1_000_003, 32 * 1024 * 1024]) {
  overEach(`an answer of ${bytes} bytes arrives whole`, {}, async (t, { address }) => {
    const { headers, body } = answerOf(
      await openPool(t, address).execute(php('big.php', { query: { bytes } })),
    )
    assert.equal(body.length, bytes)
    assert.equal(sha256(body), headers.get('x-sha256'))
  })
}

overEach('a slow reader of a large answer loses nothing', {}, async (t, { address }) => {
  const bytes = 8 * 1024 * 1024
  const chunks: Uint8Array[] = []
  const pool = openPool(t, address)
  const stream = pool.stream(php('big.php', { query: { bytes } }))
  for await (const { data } of stream) {
    chunks.push(data)
    // Long enough for the buffers between here and PHP to fill, again and again.
    if (chunks.length % 8 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  const { headers, body } = answerOf({ stdout: Buffer.concat(chunks) })
  assert.equal(body.length, bytes)
  assert.equal(sha256(body), headers.get('x-sha256'))
  assert.equal(pool.stats.idle, 1)
})
