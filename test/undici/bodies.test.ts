// Request bodies, of all kinds that undici hands to a dispatcher.

import assert from 'node:assert/strict'
import { createReadStream } from 'node:fs'
import process from 'node:process'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { FormData as UndiciFormData } from 'undici'
import { noise, pieces, sha256 } from '../support/php.ts'
import { until } from '../support/process.ts'
import { recordNew, startPhp } from '../support/undici.ts'

const BYTES = Buffer.from(noise(1_000_000))
const POST = { origin: 'http://app.example', path: '/body.php', method: 'POST' } as const

/** The types of undici know fewer kinds of bodies than undici takes. */
function post(more: object): typeof POST {
  return Object.assign({}, POST, more)
}

const BODIES: readonly (readonly [string, () => unknown])[] = [
  ['a Buffer', () => BYTES],
  ['a Uint8Array', () => new Uint8Array(BYTES)],
  ['a view of an ArrayBuffer', () => new DataView(new Uint8Array(BYTES).buffer)],
  ['an ArrayBuffer', () => new Uint8Array(BYTES).buffer],
  ['a Blob', () => new Blob([BYTES])],
  ['a Readable', () => Readable.from(pieces(BYTES))],
  ['an async iterable', () => pieces(BYTES)],
  ['an iterable', () => [BYTES.subarray(0, 10), BYTES.subarray(10)]],
  ['a ReadableStream', () => new Blob([BYTES]).stream()],
]
for (const [name, body] of BODIES) {
  for (const headers of [{}, { 'content-length': String(BYTES.length) }]) {
    const length = 'content-length' in headers ? 'given' : 'not given'
    test(`${name}, its length ${length}`, async (t) => {
      const { php } = await startPhp(t)
      const { handler, outcome } = recordNew()
      php.dispatch(post({ headers, body: body() }), handler)
      const answer = await outcome
      assert.equal(answer.error, undefined)
      assert.deepEqual(JSON.parse(answer.body), { length: BYTES.length, sha256: sha256(BYTES) })
    })
  }
}

test('no body and an empty one', async (t) => {
  const { php } = await startPhp(t)
  for (const body of [null, '', Buffer.alloc(0)]) {
    const answer = await php.request({ ...POST, body })
    assert.equal(((await answer.body.json()) as { length: number }).length, 0)
  }
})

for (const [name, Form] of [
  ['of the runtime', FormData],
  ['of undici', UndiciFormData],
] as const) {
  test(`FormData ${name}: PHP reads the fields and files`, async (t) => {
    const { php } = await startPhp(t)
    const form = new Form()
    form.append('a[]', 'one\ntwo')
    form.append('a[]', 'é "quoted"')
    form.append('file', new Blob([BYTES], { type: 'image/png' }), 'pic "1".png')
    const { handler, outcome } = recordNew()
    php.dispatch(post({ path: '/form.php', body: form }), handler)
    const answer = await outcome
    assert.equal(answer.error, undefined)
    assert.deepEqual(JSON.parse(answer.body), {
      post: { a: ['one\r\ntwo', 'é "quoted"'] },
      file: {
        name: 'pic %221%22.png',
        type: 'image/png',
        size: BYTES.length,
        sha256: sha256(BYTES),
      },
    })
  })
}

test('a body of unknown length that is larger than can be collected fails', async (t) => {
  const { php } = await startPhp(t, { pool: { maxBufferedStdin: 100_000 } })
  const request = php.request({ ...POST, body: Readable.from(pieces(BYTES)) })
  await assert.rejects(request, { code: 'FCGI_ERR_STDIN_TOO_LARGE' })
})

test('a body that is not as long as it says fails, in the words of undici', async (t) => {
  const { php } = await startPhp(t)
  for (const length of [BYTES.length - 1, BYTES.length + 1]) {
    const request = php.request({
      ...POST,
      headers: { 'content-length': String(length) },
      body: Readable.from(pieces(BYTES)),
    })
    await assert.rejects(request, { code: 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH' })
  }
})

test('a body that fails is what the request fails with, also one that cannot be opened', async (t) => {
  const { php } = await startPhp(t)
  async function* failing(): AsyncGenerator<Buffer> {
    yield BYTES
    throw new Error('out of paper')
  }
  for (const headers of [{}, { 'content-length': '5000000' }]) {
    const body = Readable.from(failing())
    await assert.rejects(php.request({ ...POST, headers, body }), { message: 'out of paper' })
  }
  const missing = createReadStream('/does/not/exist')
  await assert.rejects(php.request({ ...POST, body: missing }), { code: 'ENOENT' })
  const { handler, outcome } = recordNew()
  php.dispatch({ ...POST, body: createReadStream('/does/not/exist') }, handler)
  assert.equal((await outcome).calls.at(-1), 'error')
})

test('a body that nobody is going to read is let go', async (t) => {
  const { php } = await startPhp(t, { frontController: false })
  for (const [path, status] of [
    ['/a%00b', 400],
    ['/nothing', 404],
  ] as const) {
    const file = createReadStream(process.execPath)
    const answer = await php.request({ ...POST, path, body: file })
    assert.equal(answer.statusCode, status)
    assert.equal(file.destroyed, true)
    let cancelled = false
    const stream = new ReadableStream({
      cancel() {
        cancelled = true
      },
    })
    const { handler, outcome } = recordNew()
    php.dispatch({ ...post({ body: stream }), path }, handler)
    assert.equal((await outcome).statusCode, status)
    assert.equal(cancelled, true)
  }
})

test('a backend that does not read holds an upload up', async (t) => {
  const { fpm, php } = await startPhp(t, {}, { workers: 1, ini: { post_max_size: '100M' } })
  await fpm.halt()
  let taken = 0
  const size = 64 * 1024
  const count = 800
  async function* counted(): AsyncGenerator<Buffer> {
    for (; taken < count; taken++) yield Buffer.alloc(size)
  }
  const headers = { 'content-length': String(size * count) }
  const answer = php.request({ ...POST, headers, body: Readable.from(counted()) })
  // What the system buffers is taken at once; then nothing more.
  await until(
    'the upload stands still',
    standsStill(() => taken),
  )
  assert.ok(taken > 0 && taken < count / 2, `${taken} of ${count} were taken`)
  fpm.proceed()
  const { body } = await answer
  assert.equal(((await body.json()) as { length: number }).length, size * count)
})

/** Whether a number has been the same for some looks in a row, and is not 0. */
function standsStill(read: () => number): () => boolean {
  let before = -1
  let same = 0
  return () => {
    const value = read()
    same = value === before && value > 0 ? same + 1 : 0
    before = value
    return same > 5
  }
}
