// What goes out on stdin: how much of it, how its length is known, and that reading never waits for writing.

import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { isFastCGIError, type StdinBody } from '@fastcgi/client'
import { overEach } from '../support/each.ts'
import { answerOf, bodyOf, Gate, noise, openPool, php, pieces, sha256 } from '../support/php.ts'

const MIB = 1024 * 1024

overEach('16 MiB to a script that echoes while it reads', {}, async (t, { address }) => {
  // Whoever writes everything before reading anything is still waiting.
  const body = noise(16 * MIB)
  const pool = openPool(t, address)
  const answer = answerOf(await pool.execute(php('echo-while-reading.php', { stdin: body })))
  assert.equal(answer.body.length, body.length)
  assert.equal(sha256(answer.body), sha256(body))
  assert.equal(pool.stats.idle, 1)
})

const forms: Record<string, (bytes: Uint8Array) => StdinBody> = {
  bytes: (bytes) => bytes,
  'a Blob': (bytes) => new Blob([bytes]),
  'a web stream': (bytes) => Readable.toWeb(Readable.from(pieces(bytes))) as ReadableStream,
  'a Node stream': (bytes) => Readable.from(pieces(bytes)),
  'an async generator': (bytes) => pieces(bytes),
  'an array of chunks': (bytes) => [bytes.subarray(0, 1), bytes.subarray(1, 1), bytes.subarray(1)],
}
for (const [name, form] of Object.entries(forms)) {
  overEach(`a body given as ${name} arrives, its length known`, {}, async (t, { address }) => {
    const pool = openPool(t, address)
    const bytes = noise(300_000)
    for (const size of [1, 16_384, 16_385, 300_000]) {
      const body = bytes.subarray(0, size)
      const seen = JSON.parse(
        await bodyOf(pool.execute(php('body.php', { stdin: form(body) }))),
      ) as unknown
      assert.deepEqual(seen, { length: size, sha256: sha256(body) })
    }
    assert.equal(pool.stats.connected, 1)
  })
}

overEach('the length of a collected stream is told as CONTENT_LENGTH', {}, async (t, fpm) => {
  const request = php('env.php', { stdin: pieces(noise(123_456)) })
  const env = JSON.parse(await bodyOf(openPool(t, fpm.address).execute(request))) as object
  assert.equal((env as Record<string, unknown>)['CONTENT_LENGTH'], '123456')
})

overEach('a stream beyond maxBufferedStdin is refused', {}, async (t, { address }) => {
  const pool = openPool(t, address, { maxBufferedStdin: 100_000 })
  let taken = 0
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) {
      taken++
      yield new Uint8Array(10_000)
    }
  }
  await assert.rejects(pool.execute(php('body.php', { stdin: endless() })), {
    code: 'FCGI_ERR_STDIN_TOO_LARGE',
  })
  assert.equal(taken, 11)
  assert.deepEqual(pool.stats, { connected: 0, connecting: 0, idle: 0, running: 0, queued: 0 })
})

overEach('a stream of known length is not collected', {}, async (t, fpm) => {
  const size = 8 * MIB
  const body = noise(size)
  // The script answers while only half of the body exists: what was sent has not waited for the rest.
  let halfway: (() => void) | undefined
  const answered = new Promise<void>((resolve) => {
    halfway = resolve
  })
  async function* source(): AsyncGenerator<Uint8Array> {
    yield* pieces(body.subarray(0, size / 2))
    await answered
    yield* pieces(body.subarray(size / 2))
  }
  const pool = openPool(t, fpm.address, { maxBufferedStdin: 1000 })
  const request = php('echo-while-reading.php', {
    stdin: source(),
    params: { CONTENT_LENGTH: size },
  })
  const out: Uint8Array[] = []
  for await (const { data } of pool.stream(request)) {
    out.push(data)
    halfway?.()
  }
  assert.equal(sha256(answerOf({ stdout: Buffer.concat(out) }).body), sha256(body))
  assert.equal(pool.stats.idle, 1)
})

overEach('a body that is no longer in step fails before it is sent', {}, async (t, { address }) => {
  const pool = openPool(t, address)
  for (const [stdin, length] of [
    ['12345', 4],
    ['12345', 6],
    ['', 1],
  ] as const) {
    const request = php('body.php', { stdin, params: { CONTENT_LENGTH: length } })
    await assert.rejects(pool.execute(request), { code: 'FCGI_ERR_CONTENT_LENGTH' })
  }
  assert.equal(pool.stats.connected, 0)
})

for (const [name, actual] of [
  ['shorter', 200_000],
  ['longer', 400_000],
] as const) {
  overEach(`a stream ${name} than CONTENT_LENGTH costs the connection`, {}, async (t, fpm) => {
    const pool = openPool(t, fpm.address, { connections: 1 })
    const pid = await bodyOf(pool.execute(php('pid.php')))
    const mark = `${fpm.directory}/count`
    const request = php('count.php', {
      query: { file: mark, mark: 'after' },
      stdin: pieces(noise(actual)),
      params: { CONTENT_LENGTH: 300_000 },
    })
    await assert.rejects(pool.execute(request), (error) => {
      assert.ok(isFastCGIError(error))
      assert.equal(error.code, 'FCGI_ERR_CONTENT_LENGTH')
      assert.equal(error.retryable, false)
      return true
    })
    assert.equal(pool.stats.connected, 0)
    // The connection held that worker; a request on a new one goes to whoever is free.
    assert.equal(await bodyOf(pool.execute(php('hello.php'))), 'hello')
    assert.ok(fpm.workers.includes(Number(pid)))
  })
}

for (const length of ['abc', '5abc', '-1', '1e3', '0x10', ' 5', '99999999999999999999', '1.5']) {
  overEach(`CONTENT_LENGTH ${JSON.stringify(length)} is refused`, {}, async (t, { address }) => {
    const pool = openPool(t, address)
    const request = php('body.php', { method: 'POST', params: { CONTENT_LENGTH: length } })
    await assert.rejects(pool.execute(request), { code: 'FCGI_ERR_CONTENT_LENGTH' })
    assert.equal(pool.stats.connected, 0)
  })
}

overEach('a source that fails is told as such, and its cause', {}, async (t, { address }) => {
  const pool = openPool(t, address)
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield noise(100_000)
    throw new Error('the disk is gone')
  }
  const request = { stdin: broken(), params: { CONTENT_LENGTH: 1_000_000 } }
  await assert.rejects(pool.execute(php('body.php', request)), (error) => {
    assert.ok(isFastCGIError(error))
    assert.equal(error.code, 'FCGI_ERR_STDIN')
    assert.match(String(error.cause), /the disk is gone/)
    return true
  })
  assert.equal(await bodyOf(pool.execute(php('hello.php'))), 'hello')
})

overEach('a POST with a form is read before the script runs', {}, async (t, { address }) => {
  const pool = openPool(t, address)
  const stdin = `a=1&b=${'x'.repeat(100_000)}`
  const params = { CONTENT_TYPE: 'application/x-www-form-urlencoded' }
  const answer = await bodyOf(pool.execute(php('body.php', { method: 'POST', stdin, params })))
  assert.equal((JSON.parse(answer) as { length: number }).length, stdin.length)
  assert.equal(pool.stats.idle, 1)
})

overEach('a script that ignores its body leaves the connection usable', {}, async (t, fpm) => {
  // PHP reads to the end of the body when the script is over, so every byte of it has to be sent.
  const pool = openPool(t, fpm.address, { connections: 1 })
  const pid = await bodyOf(pool.execute(php('pid.php')))
  const stdin = noise(4 * MIB)
  const answer = answerOf(await pool.execute(php('ignores-body.php', { stdin })))
  assert.equal(answer.body.length, 1)
  assert.equal(await bodyOf(pool.execute(php('pid.php'))), pid)
})

overEach('an empty body is not the same as none', {}, async (t, { address }) => {
  const pool = openPool(t, address)
  const empty = JSON.parse(await bodyOf(pool.execute(php('env.php', { stdin: '' })))) as object
  const none = JSON.parse(await bodyOf(pool.execute(php('env.php', { method: 'PUT' })))) as object
  assert.equal((empty as Record<string, unknown>)['CONTENT_LENGTH'], '0')
  assert.equal('CONTENT_LENGTH' in none, false)
})

overEach('many uploads at once keep their bytes apart', { workers: 4 }, async (t, { address }) => {
  const pool = openPool(t, address)
  const bodies = Array.from({ length: 24 }, (_, index) => noise(200_000 + index * 1000))
  const answers = await Promise.all(
    bodies.map((stdin) => pool.execute(php('echo-while-reading.php', { stdin }))),
  )
  for (const [index, response] of answers.entries()) {
    assert.equal(sha256(answerOf(response).body), sha256(bodies[index]!))
  }
})

overEach('an upload that stalls holds up nobody else', {}, async (t, fpm) => {
  const pool = openPool(t, fpm.address)
  const gate = new Gate(fpm.directory)
  let go: (() => void) | undefined
  const going = new Promise<void>((resolve) => {
    go = resolve
  })
  async function* slow(): AsyncGenerator<Uint8Array> {
    yield noise(50_000)
    await going
    yield noise(50_000)
  }
  const stalled = pool.execute(
    php('body.php', { stdin: slow(), params: { CONTENT_LENGTH: 100_000 } }),
  )
  for (let index = 0; index < 10; index++) {
    assert.equal(await bodyOf(pool.execute(php('hello.php'))), 'hello')
  }
  gate.open()
  go?.()
  assert.equal((JSON.parse(await bodyOf(stalled)) as { length: number }).length, 100_000)
})
