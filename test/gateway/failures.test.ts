// What a person, a program and the log get to see when something fails.

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { MockPool } from '@fastcgi/client/testing'
import { createGateway } from '@fastcgi/gateway'
import { startFpm } from '../support/fpm.js'
import { RecordingLogger, startGateway } from '../support/gateway.js'
import { temporaryDirectory } from '../support/process.js'

const NOBODY = 'unix:/nowhere/php.sock'

describe('an error page', () => {
  const rows: [accept: string | undefined, type: string, body: RegExp][] = [
    [
      'text/html,application/xhtml+xml,*/*;q=0.8',
      'text/html; charset=utf-8',
      /<h1>Bad gateway<\/h1>/,
    ],
    ['application/json', 'application/problem+json', /"title":"Bad gateway","status":502/],
    ['application/problem+json, */*;q=0.1', 'application/problem+json', /"status":502/],
    [undefined, 'text/plain; charset=utf-8', /^502 Bad gateway\n/],
    ['image/png', 'text/plain; charset=utf-8', /^502 Bad gateway\n/],
  ]
  for (const [accept, type, body] of rows) {
    test(`for Accept: ${accept ?? '(none)'} is ${type}`, async (t) => {
      const { url } = await startGateway(t, { backend: NOBODY })
      const response = await fetch(`${url}/hello.php`, {
        headers: accept ? { accept } : { accept: '' },
      })
      assert.equal(response.status, 502)
      assert.equal(response.headers.get('content-type'), type)
      assert.match(await response.text(), body)
      assert.equal(response.headers.get('cache-control'), 'no-store')
    })
  }

  test('has a reference, and the log the cause under the same reference', async (t) => {
    const { url, log } = await startGateway(t, { backend: NOBODY })
    const text = await (await fetch(`${url}/hello.php`, { headers: { accept: '*/*' } })).text()
    const reference = /^Reference: (\S+)$/m.exec(text)?.[1]
    const entry = log.entries.find(({ fields }) => fields.reference === reference)
    assert.equal(entry?.level, 'error')
    assert.match(entry?.message ?? '', /GET \/hello\.php: .*\/nowhere\/php\.sock/)
    assert.doesNotMatch(text, /nowhere/)
  })

  test('for a path that is not there is 404, and costs no PHP', async (t) => {
    const pool = new MockPool()
    const { url } = await startGateway(t, { backend: pool, frontController: false })
    const response = await fetch(`${url}/nothing`, { headers: { accept: 'text/html' } })
    assert.equal(response.status, 404)
    assert.match(await response.text(), /Page not found/)
    assert.equal(pool.calls.length, 0)
  })

  test('is 504 when PHP takes too long, 503 with Retry-After when there is no room', async (t) => {
    const fpm = await startFpm(t, { workers: 1 })
    const gate = join(fpm.directory, 'gate')
    const backend = { address: fpm.address, connections: 1, maxQueue: 0, headersTimeout: 300 }
    const { url } = await startGateway(t, { backend })
    const slow = fetch(`${url}/gate.php?gate=${encodeURIComponent(gate)}`)
    let busy = await fetch(`${url}/hello.php`)
    while (busy.status === 200) busy = await fetch(`${url}/hello.php`)
    assert.equal(busy.status, 503)
    assert.match(busy.headers.get('retry-after') ?? '', /^\d+$/)
    assert.equal((await slow).status, 504)
    await writeFile(gate, '')
  })
})

describe('in development', () => {
  test('the cause and what PHP wrote to stderr are on the error page', async (t) => {
    const { url } = await startGateway(t, { backend: NOBODY, development: true })
    const page = await (
      await fetch(`${url}/hello.php`, { headers: { accept: 'text/html' } })
    ).text()
    assert.match(page, /ConnectError: .*\/nowhere\/php\.sock/)
  })

  test('what PHP wrote to stderr is beside a page that it made, escaped', async (t) => {
    const root = await temporaryDirectory(t)
    await writeFile(
      join(root, 'index.php'),
      '<?php ini_set("log_errors", "1"); ini_set("error_log", ""); error_log("<script>alert(1)</script>"); echo "<p>the page</p>";',
    )
    const fpm = await startFpm(t)
    const { url } = await startGateway(t, { root, backend: fpm.address, development: true })
    const page = await (await fetch(url)).text()
    assert.match(page, /^<p>the page<\/p>/)
    assert.match(page, /stderr of PHP.*&lt;script&gt;alert\(1\)&lt;\/script&gt;/s)
    assert.doesNotMatch(page, /<script>/)
  })

  test('an application that fails without a word gets a page, and the log its stderr', async (t) => {
    const fpm = await startFpm(t)
    const root = await temporaryDirectory(t)
    await writeFile(
      join(root, 'index.php'),
      '<?php ini_set("display_errors", "0"); ini_set("log_errors", "1"); throw new RuntimeException("out of luck");',
    )
    for (const development of [true, false]) {
      const { url, log } = await startGateway(t, { root, backend: fpm.address, development })
      const response = await fetch(url, { headers: { accept: 'text/html' } })
      const page = await response.text()
      assert.equal(response.status, 500)
      assert.match(page, /<h1>Something went wrong<\/h1>/)
      assert.equal(page.includes('out of luck'), development)
      assert.match(JSON.stringify(log.entries), /out of luck/)
    }
  })
})

describe('a script that only this side sees', () => {
  test('is told in the log with what to look at', async (t) => {
    const fpm = await startFpm(t)
    const backendRoot = '/in/the/container'
    const { url, log } = await startGateway(t, { backend: fpm.address, backendRoot })
    const response = await fetch(`${url}/hello.php`)
    assert.equal(response.status, 404)
    await response.text()
    const [entry] = log.entries
    assert.equal(entry?.level, 'warn')
    assert.match(
      entry.message,
      /^GET \/hello\.php: PHP cannot read its script below \/in\/the\/container: .*backendRoot/,
    )
    assert.equal(entry.fields['stderr'], 'Primary script unknown')
  })
})

describe('a gateway that closes', () => {
  test('finishes what runs, and answers 503 from then on', async (t) => {
    const fpm = await startFpm(t)
    const gate = join(fpm.directory, 'gate')
    const { url, gateway } = await startGateway(t, { backend: fpm.address })
    const running = await fetch(
      `${url}/gate.php?before=begun&after=+done&gate=${encodeURIComponent(gate)}`,
    )
    const closed = gateway.close()
    assert.equal((await fetch(`${url}/hello.php`)).status, 503)
    await writeFile(gate, '')
    assert.equal(await running.text(), 'begun done')
    await closed
  })

  test('says nothing unless it is given a logger', async () => {
    const log = new RecordingLogger()
    const gateway = createGateway({ root: '/', backend: NOBODY, frontController: false })
    assert.equal((await gateway.fetch(new Request('http://a/x'))).status, 404)
    assert.equal(log.entries.length, 0)
    await gateway.close()
  })
})
