// What PHP in a framework is held to, whatever the framework: the same tests for each of them.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, test, type TestContext } from 'node:test'
import type { Pool } from '@fastcgi/client'
import type { CommonOptions, GatewaySource } from '@fastcgi/gateway/express'
import { createGateway, type Gateway } from '@fastcgi/gateway'
import { startFpm, type Fpm } from './fpm.ts'
import { PHP_ROOT } from './paths.ts'
import { fileScope, until } from './process.ts'

/** Options of every door. */
export type DoorOptions = GatewaySource & CommonOptions

/** What every application under test says where nothing is found. */
export const NOTHING = 'the application has nothing'
/** What every application under test says of a failure. */
export const failedWith = (status: number): string => `the application heard of ${status}`

/** An application of a framework with PHP at `/`, or at `at`. */
export interface FrameworkApp {
  readonly name: string
  /** Starts it on a free port of 127.0.0.1; gone with the test. @returns its URL, without a slash at the end */
  readonly start: (t: TestContext, options: DoorOptions, at?: string) => Promise<string>
}

/** Tests of an application; what is special to a framework is tested beside it. */
export function frameworkContract({ name, start }: FrameworkApp): void {
  let fpm: Fpm
  const scope = fileScope()

  before(async () => {
    fpm = await startFpm(scope)
  })

  function gatewayOf(t: TestContext): Gateway {
    const gateway = createGateway({
      root: PHP_ROOT,
      backend: fpm.address,
      frontController: false,
      index: [],
    })
    t.after(() => gateway.destroy())
    return gateway
  }
  const open = (t: TestContext, at?: string): Promise<string> =>
    start(t, { gateway: gatewayOf(t), fallthrough: true }, at)

  test(`${name}: PHP is told what was asked, and by whom`, async (t) => {
    const url = await open(t)
    const env = (await (await fetch(`${url}/env.php/more?a=b&c`)).json()) as Record<string, string>
    assert.equal(env['REQUEST_METHOD'], 'GET')
    assert.equal(env['REMOTE_ADDR'], '127.0.0.1')
    assert.ok(Number(env['REMOTE_PORT']) > 0)
    assert.equal(env['REQUEST_URI'], '/env.php/more?a=b&c')
    assert.equal(env['SCRIPT_NAME'], '/env.php')
    assert.equal(env['PATH_INFO'], '/more')
    assert.equal(env['HTTP_HOST'], new URL(url).host)
  })

  test(`${name}: below a path, PHP sees it in front of SCRIPT_NAME, and finds its file without`, async (t) => {
    const url = await open(t, '/blog')
    const env = (await (await fetch(`${url}/blog/env.php/x?y=1`)).json()) as Record<string, string>
    assert.equal(env['SCRIPT_NAME'], '/blog/env.php')
    assert.equal(env['REQUEST_URI'], '/blog/env.php/x?y=1')
    assert.equal(env['SCRIPT_FILENAME'], join(PHP_ROOT, 'env.php'))
    assert.equal(await (await fetch(`${url}/env.php`)).text(), NOTHING)
    const folder = await fetch(`${url}/blog`, { redirect: 'manual' })
    assert.equal(folder.status, 301)
    assert.equal(folder.headers.get('location'), '/blog/')
  })

  test(`${name}: a body of some MiB arrives as it was sent, and comes back`, async (t) => {
    const url = await open(t)
    const body = Buffer.alloc(3 * 1024 * 1024 + 7, 'some bytes, not all ASCII: \xff\x00')
    for (const type of ['application/octet-stream', 'application/json', 'multipart/form-data']) {
      const headers = { 'content-type': type }
      const response = await fetch(`${url}/echo.php`, { method: 'POST', body, headers })
      assert.equal(response.status, 200, type)
      if (type !== 'multipart/form-data') {
        const back = Buffer.from(await response.arrayBuffer())
        assert.equal(digest(back), digest(body), type)
      }
    }
  })

  test(`${name}: a body of unknown length arrives whole`, async (t) => {
    const url = await open(t)
    const text = 'chunk after chunk '.repeat(20_000)
    const body = new Blob([text]).stream()
    const response = await fetch(`${url}/echo.php`, { method: 'PUT', body, duplex: 'half' })
    assert.equal(await response.text(), text)
  })

  test(`${name}: what PHP flushes is there before PHP has ended`, async (t) => {
    const url = await open(t)
    const gate = join(fpm.directory, `${name}-stream`)
    const query = new URLSearchParams({ gate, before: 'first', after: 'last' })
    const response = await fetch(`${url}/gate.php?${query.toString()}`)
    const reader = response.body!.getReader()
    assert.equal(textOf(await reader.read()), 'first')
    await writeFile(gate, '')
    assert.equal(textOf(await reader.read()), 'last')
    assert.equal((await reader.read()).done, true)
  })

  test(`${name}: HEAD has the fields of GET and no body`, async (t) => {
    const url = await open(t)
    const response = await fetch(`${url}/hello.php`, { method: 'HEAD' })
    assert.equal(response.status, 200)
    assert.match(response.headers.get('content-type') ?? '', /^text\/plain/)
    assert.equal(await response.text(), '')
    const file = await fetch(`${url}/notes.txt`, { method: 'HEAD' })
    const whole = await (await fetch(`${url}/notes.txt`)).text()
    assert.equal(file.headers.get('content-length'), String(Buffer.byteLength(whole)))
  })

  test(`${name}: a status of PHP's own and several cookies get through`, async (t) => {
    const url = await open(t)
    const response = await fetch(`${url}/status.php?status=418`, { headers: { cookie: 'x=1' } })
    assert.equal(response.status, 418)
    assert.deepEqual(response.headers.getSetCookie(), ['a=1', 'b=2'])
    assert.equal(await response.text(), 'short and stout')
    const none = await fetch(`${url}/status.php?status=204`)
    assert.equal(none.status, 204)
    assert.equal(await none.text(), '')
  })

  test(`${name}: what is not found is the application's to answer`, async (t) => {
    const gateway = gatewayOf(t)
    const url = await start(t, { gateway, fallthrough: true })
    const response = await fetch(`${url}/no-such-file.txt`)
    assert.equal(response.status, 404)
    assert.equal(await response.text(), NOTHING)
    await until('the request counts as over', () => gateway.active === 0)
  })

  test(`${name}: a failure is the application's to answer, with a status`, async (t) => {
    const backend = join('unix:', fpm.directory, 'nobody.sock')
    const gateway = createGateway({ root: PHP_ROOT, backend })
    t.after(() => gateway.destroy())
    const url = await start(t, { gateway, fallthrough: true })
    const response = await fetch(`${url}/hello.php`)
    assert.equal(response.status, 502)
    assert.equal(await response.text(), failedWith(502))
    await until('the request counts as over', () => gateway.active === 0)
  })

  test(`${name}: without fallthrough, the gateway answers for both with its own pages`, async (t) => {
    const backend = join('unix:', fpm.directory, 'nobody.sock')
    const url = await start(t, {
      root: PHP_ROOT,
      backend,
      frontController: false,
      fallthrough: false,
    })
    const missing = await fetch(`${url}/no-such-file.txt`)
    assert.equal(missing.status, 404)
    assert.notEqual(await missing.text(), NOTHING)
    const failed = await fetch(`${url}/hello.php`)
    assert.equal(failed.status, 502)
    assert.notEqual(await failed.text(), failedWith(502))
  })

  test(`${name}: a client that goes away takes its connection to PHP along`, async (t) => {
    const gateway = gatewayOf(t)
    const url = await start(t, { gateway, fallthrough: true })
    const gate = join(fpm.directory, `${name}-abort`)
    const leave = new AbortController()
    const query = new URLSearchParams({ gate, before: 'first' })
    const response = await fetch(`${url}/gate.php?${query.toString()}`, { signal: leave.signal })
    await response.body!.getReader().read()
    const pool = gateway.backends[0]!.executor as Pool
    assert.equal(gateway.active, 1)
    assert.equal(pool.stats.running, 1)
    leave.abort()
    await until('the request is over', () => gateway.active === 0 && pool.stats.running === 0)
    await writeFile(gate, '')
  })

  test(`${name}: a client that goes away before there is an answer does so, too`, async (t) => {
    const gateway = gatewayOf(t)
    const url = await start(t, { gateway, fallthrough: true })
    const gate = join(fpm.directory, `${name}-early`)
    const leave = new AbortController()
    const query = new URLSearchParams({ gate })
    const asked = fetch(`${url}/gate.php?${query.toString()}`, { signal: leave.signal })
    await until('PHP is there', () => existsSync(`${gate}.reached`))
    leave.abort()
    await assert.rejects(asked)
    const pool = gateway.backends[0]!.executor as Pool
    await until('the request is over', () => gateway.active === 0 && pool.stats.running === 0)
    await writeFile(gate, '')
    assert.equal(await (await fetch(`${url}/hello.php`)).text(), 'hello')
  })

  test(`${name}: an answer that breaks off is not taken for whole`, async (t) => {
    const url = await open(t)
    const gate = join(fpm.directory, `${name}-cut`)
    const query = new URLSearchParams({ gate, before: 'first' })
    const response = await fetch(`${url}/gate.php?${query.toString()}`)
    const reader = response.body!.getReader()
    await reader.read()
    const pid = Number(await until('PHP is there', () => readIfThere(`${gate}.reached`)))
    process.kill(pid, 'SIGKILL')
    await assert.rejects(reader.read())
  })

  test(`${name}: an option that there is not is refused by name`, async (t) => {
    await assert.rejects(
      async () => start(t, { rot: PHP_ROOT } as unknown as DoorOptions),
      /rot is no option; did you mean root\?/,
    )
    const gateway = gatewayOf(t)
    await assert.rejects(
      async () => start(t, { gateway, root: PHP_ROOT } as DoorOptions),
      /root is an option of a gateway that is to be made/,
    )
    await assert.rejects(
      async () => start(t, { gateway: {} } as unknown as DoorOptions),
      /gateway must be what createGateway\(\) of this package returns/,
    )
  })
}

function textOf({ value }: { value?: Uint8Array | undefined }): string {
  return Buffer.from(value ?? []).toString()
}

function digest(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function readIfThere(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined
}
