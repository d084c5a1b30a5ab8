// Every backend answers alike: the same requests to php-fpm, php-cgi and embedded PHP.

import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { after, describe, test } from 'node:test'
import { join } from 'node:path'
import { Pool } from '@fastcgi/client'
import type { BackendKind } from '@fastcgi/php'
import { PHP_ROOT } from '../support/paths.ts'
import { answerOf, bodyOf, Gate, noise, php, readAll, sha256, type Answer } from '../support/php.ts'
import { fileScope } from '../support/process.ts'
import { folderOf, KINDS, page, start } from './backend.ts'

const FORM = 'application/x-www-form-urlencoded'

for (const kind of KINDS) describe(kind, () => answersAlike(kind))

function answersAlike(kind: BackendKind): void {
  const starting = start(fileScope(), {
    backend: kind,
    ini: {
      memory_limit: '96M',
      user_agent: `it's ; = #`,
      output_buffering: 0,
      display_errors: false,
    },
    env: { COLOUR: 'red' },
  })
  const pooling = starting.then(({ php: { address } }) => new Pool(address))
  // Told by the tests that wait for it.
  pooling.catch(() => {})
  after(async () => (await pooling).destroy())
  const ask = async (request: Parameters<Pool['execute']>[0]): Promise<Answer> =>
    answerOf(await (await pooling).execute(request))

  test('says what it is', async () => {
    const { php: started } = await starting
    assert.equal(started.kind, kind)
    assert.match(started.version ?? '', /^\d+\.\d+\.\d+/)
    assert.equal(started.stats.running, true)
    assert.equal(started.description.includes('\n'), false)
    assert.match(started.description, new RegExp(`^(embedded PHP|${kind}) ${started.version}, `))
  })

  test('GET with a query and cookies', async () => {
    const params = { HTTP_COOKIE: 'a=1; b=%20' }
    const { text } = await ask(page('form.php', { query: { q: 'ü&', n: 1 }, params }))
    const { get, cookie } = JSON.parse(text)
    assert.deepEqual(get, { q: 'ü&', n: '1' })
    assert.deepEqual(cookie, { a: '1', b: ' ' })
  })

  test('POST of a form', async () => {
    const stdin = 'name=value&list%5B%5D=1&list%5B%5D=2'
    const params = { CONTENT_TYPE: FORM }
    const { text } = await ask(page('form.php', { method: 'POST', stdin, params }))
    assert.deepEqual(JSON.parse(text).post, { name: 'value', list: ['1', '2'] })
  })

  test('a file is uploaded byte for byte, into the private folder', async () => {
    const file = noise(300_000)
    const form = new FormData()
    form.set('title', 'Ünïcode')
    form.set('file', new Blob([file], { type: 'image/png' }), 'a picture.png')
    const encoded = new Response(form)
    const params = { CONTENT_TYPE: encoded.headers.get('content-type') ?? '' }
    const stdin = new Uint8Array(await encoded.arrayBuffer())
    const { text } = await ask(page('form.php', { method: 'POST', stdin, params }))
    const { php: started } = await starting
    assert.deepEqual(JSON.parse(text), {
      get: [],
      post: { title: 'Ünïcode' },
      cookie: [],
      files: {
        file: {
          name: 'a picture.png',
          type: 'image/png',
          error: 0,
          sha256: sha256(file),
          folder: join(folderOf(started), 'uploads'),
        },
      },
    })
  })

  test('php://input has every byte of the body', async () => {
    const body = noise(1_000_003)
    const { text } = await ask(php('body.php', { stdin: body }))
    assert.deepEqual(JSON.parse(text), { length: body.length, sha256: sha256(body) })
  })

  test('the body of an answer comes byte for byte', async () => {
    const all = Uint8Array.from({ length: 256 }, (_, index) => index)
    const shifted = Array.from({ length: 256 }, (_, shift) =>
      Buffer.concat([all.subarray(shift), all.subarray(0, shift)]),
    )
    const { body } = await ask(php('bytes.php'))
    assert.equal(sha256(body), sha256(Buffer.concat(shifted)))
  })

  test('status and headers, of one name as well', async () => {
    const { status, headers, text } = await ask(page('head.php'))
    assert.equal(status, 418)
    assert.equal(headers.get('set-cookie'), 'first=1\nsecond=2')
    assert.equal(headers.get('etag'), 'W/"a\\b"')
    assert.equal(headers.get('x-latin1'), 'gr\xfc\xdfe')
    assert.equal(text, 'short and stout')
  })

  test('an answer to HEAD has no body', async () => {
    const { status, body } = await ask(page('head.php', { method: 'HEAD' }))
    assert.equal(status, 418)
    assert.equal(body.length, 0)
  })

  test('a session goes on from one request to the next', async () => {
    const first = await ask(page('session.php'))
    assert.equal(first.text, '1')
    const cookie = /^[^;]+/.exec(first.headers.get('set-cookie') ?? '')?.[0] ?? ''
    for (const visit of ['2', '3', '4', '5']) {
      const { text } = await ask(page('session.php', { params: { HTTP_COOKIE: cookie } }))
      assert.equal(text, visit)
    }
  })

  test('what a script logs comes as stderr', async () => {
    const pool = await pooling
    const { stdout, stderr } = await readAll(pool.stream(php('stderr.php')))
    assert.match(stdout.toString(), /one two three$/)
    assert.match(stderr.toString(), /first complaint: ünïcode[\s\S]*second complaint\nof two lines/)
  })

  test('a script that fails answers 500 and tells only the log', async () => {
    const response = await (await pooling).execute(page('broken.php'))
    const { status, text } = answerOf(response)
    assert.equal(status, 500)
    assert.equal(text, '')
    assert.match(response.stderrText(), /Fatal error/)
  })

  test('a script that is missing is 404', async () => {
    const response = await (await pooling).execute(page('missing.php'))
    const { status, text } = answerOf(response)
    assert.equal(status, 404)
    assert.match(text, kind === 'php-cgi' ? /No input file specified/ : /^File not found\.\n$/)
    if (kind !== 'php-cgi') assert.match(response.stderrText(), /Primary script unknown/)
  })

  test('$_SERVER is what the params say', async () => {
    const params = {
      HTTPS: 'on',
      HTTP_HOST: 'example.org:8443',
      PATH_INFO: '/more/ü',
      REMOTE_ADDR: '192.0.2.7',
      REQUEST_URI: '/pretty?x=1',
      SERVER_NAME: 'example.org',
      SERVER_PORT: 8443,
    }
    const server = JSON.parse((await ask(php('env.php', { params }))).text)
    for (const [name, value] of Object.entries(params)) assert.equal(server[name], String(value))
    assert.equal(server.DOCUMENT_ROOT, PHP_ROOT)
    assert.equal(server.SCRIPT_FILENAME, join(PHP_ROOT, 'env.php'))
    assert.equal(server.REQUEST_METHOD, 'GET')
  })

  test('HTTPS is there only when it is said', async () => {
    const plain = JSON.parse((await ask(php('env.php'))).text)
    assert.equal('HTTPS' in plain, false)
    const off = JSON.parse((await ask(php('env.php', { params: { HTTPS: 'off' } }))).text)
    assert.equal(off.HTTPS, 'off')
  })

  test('the user and password of Basic authentication', async () => {
    const params = { HTTP_AUTHORIZATION: `Basic ${Buffer.from('me:pä:ss').toString('base64')}` }
    const server = JSON.parse((await ask(php('env.php', { params }))).text)
    assert.equal(server.PHP_AUTH_USER, 'me')
    assert.equal(server.PHP_AUTH_PW, 'pä:ss')
  })

  test('new files have the rights that umask leaves', async () => {
    const { php: started } = await starting
    const file = join(folderOf(started), 'written')
    assert.equal((await ask(page('write.php', { query: { file } }))).text, 'written')
    assert.equal(statSync(file).mode & 0o777, 0o666 & ~process.umask())
  })

  test('a script runs in its own folder', async () => {
    const { text } = await ask(page('sub/relative.php'))
    assert.equal(text, 'included from sub')
  })

  test('ini and env reach PHP as they were given', async () => {
    const setting = async (name: string): Promise<unknown> =>
      JSON.parse((await ask(php('ini.php', { query: { name } }))).text).value
    assert.equal(await setting('memory_limit'), '96M')
    assert.equal(await setting('user_agent'), `it's ; = #`)
    assert.equal((await ask(page('env.php', { query: { name: 'COLOUR' } }))).text, '"red"')
  })

  test('several requests run at a time', async (t) => {
    const { php: started } = await starting
    const { workers = 0 } = started
    assert.ok(workers >= 2)
    const gates = [new Gate(folderOf(started)), new Gate(folderOf(started))]
    const pool = await pooling
    const running = gates.map((gate) =>
      bodyOf(pool.execute(php('gate.php', { query: { gate: gate.path, after: 'through' } }))),
    )
    t.after(() => gates.forEach((gate) => gate.open()))
    for (const gate of gates) await gate.reached()
    for (const gate of gates) gate.open()
    assert.deepEqual(await Promise.all(running), ['through', 'through'])
  })

  test('an answer comes as it is made', async () => {
    const { php: started } = await starting
    const gate = new Gate(folderOf(started))
    const query = { gate: gate.path, before: 'early', after: 'late' }
    let seen = ''
    for await (const { type, data } of (await pooling).stream(php('gate.php', { query }))) {
      if (type === 'stdout') seen += Buffer.from(data).toString('latin1')
      // The rest comes only now: were the answer held back, this would wait for ever.
      if (seen.endsWith('early')) gate.open()
    }
    assert.match(seen, /earlylate$/)
  })

  if (kind === 'php-fpm') {
    test('status and ping have names that nobody can guess', async () => {
      const { php: started } = await starting
      const { statusPath = '', pingPath = '' } = started
      assert.match(statusPath, /[0-9a-f]{32}/)
      const params = (name: string): Record<string, string> => ({
        SCRIPT_NAME: name,
        SCRIPT_FILENAME: name,
        REQUEST_URI: name,
      })
      const ping = await ask(page('', { params: params(pingPath) }))
      assert.equal(ping.text, 'pong')
      const status = await ask(page('', { params: params(statusPath) }))
      assert.match(status.text, /process manager:\s+static/)
    })
  }

  if (kind !== 'php-cgi') {
    test('nothing but *.php runs', async () => {
      const { status, text } = await ask(page('part.txt'))
      assert.equal(status, 403)
      assert.equal(text, 'Access denied.\n')
    })
  }
}
