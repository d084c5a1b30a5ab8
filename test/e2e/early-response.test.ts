// Answers that come while the client still uploads: delivered whole, although the rest of the upload may find nobody to read it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isFastCGIError, type FastCGIRequest, type Pool } from '@fastcgi/client'
import { startLibfcgi } from '../support/backends.ts'
import { overEach } from '../support/each.ts'
import { answerOf, bodyOf, noise, openPool, php, sha256 } from '../support/php.ts'
import { TRANSPORTS } from '../support/process.ts'

const UPLOAD = noise(3 * 1024 * 1024)
// Enough for a race that loses one answer in fifty to be seen in two runs of three.
const TIMES = Number(process.env.E2E_TIMES ?? 50)
// A worker needs a while to get rid of a TCP connection whose upload nobody reads; the others go on.
const FPM = { workers: 8 }

for (const keepAlive of [true, false]) {
  const kept = keepAlive ? 'kept alive' : 'not kept'

  overEach(`END_REQUEST in the middle of an upload, ${kept}`, FPM, async (t, { address }) => {
    const pool = openPool(t, address, { keepAlive })
    await answersWhole(pool, (bytes) => php('ends-early.php', { stdin: UPLOAD, query: { bytes } }))
    assert.equal(await bodyOf(pool.execute(php('hello.php'))), 'hello')
  })

  overEach(`an answer before the body was read, ${kept}`, FPM, async (t, { address }) => {
    const pool = openPool(t, address, { keepAlive })
    await answersWhole(pool, (bytes) =>
      php('ignores-body.php', { stdin: UPLOAD, query: { bytes } }),
    )
    assert.equal(await bodyOf(pool.execute(php('hello.php'))), 'hello')
  })

  for (const listen of TRANSPORTS) {
    test(`libfcgi ends in the middle of an upload, ${kept} (${listen})`, async (t) => {
      const { address } = await startLibfcgi(t, { listen })
      const pool = openPool(t, address, { keepAlive })
      await answersWhole(pool, (bytes) => ({
        params: { SCRIPT_NAME: '/big', QUERY_STRING: bytes, REQUEST_METHOD: 'PUT' },
        stdin: UPLOAD,
      }))
    })
  }
}

test('an application that ends with an upload unread has answered (unix)', async (t) => {
  const { address } = await startLibfcgi(t)
  await answersWhole(openPool(t, address), lastWords)
})

test('over TCP its last words may be lost, and are then an error (tcp)', async (t) => {
  // Its system resets the connection, and throws away what it has not sent yet: no client can do anything about that.
  const { address } = await startLibfcgi(t, { listen: 'tcp' })
  const pool = openPool(t, address)
  let lost = 0
  for (let time = 0; time < TIMES; time++) {
    const bytes = 100_000 + time * 5000
    try {
      assert.equal(answerOf(await pool.execute(lastWords(bytes))).body.length, bytes)
    } catch (error) {
      assert.ok(isFastCGIError(error) && error.code === 'FCGI_ERR_SOCKET', String(error))
      lost++
    }
  }
  t.diagnostic(`${lost} of ${TIMES} were lost`)
})

function lastWords(bytes: number): FastCGIRequest {
  const params = { SCRIPT_NAME: '/last-words', QUERY_STRING: bytes, REQUEST_METHOD: 'PUT' }
  return { params, stdin: UPLOAD }
}

/** All answers are complete; tells how many were not. */
async function answersWhole(pool: Pool, request: (bytes: number) => FastCGIRequest): Promise<void> {
  const lost: unknown[] = []
  for (let time = 0; time < TIMES; time++) {
    const bytes = 100_000 + time * 5000
    try {
      const { headers, body } = answerOf(await pool.execute(request(bytes)))
      assert.equal(body.length, bytes)
      if (headers.has('x-sha256')) assert.equal(sha256(body), headers.get('x-sha256'))
    } catch (error) {
      lost.push(error)
    }
  }
  assert.deepEqual(lost, [], `${lost.length} of ${TIMES} answers were lost`)
}
