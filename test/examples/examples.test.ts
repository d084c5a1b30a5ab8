// Every example, run as its first lines say, against a real php-fpm.

import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { promisify } from 'node:util'
import { build, createServer, preview } from 'vite'
import { startFpm } from '../support/fpm.ts'
import { PHP_ROOT, ROOT } from '../support/paths.ts'
import { fileScope } from '../support/process.ts'

const run = promisify(execFile)
const LIMIT = { timeout: 30_000 }

let address: string

const scope = fileScope()

before(async () => {
  address = (await startFpm(scope)).address
})

const built = (name: string): string => join(ROOT, 'build', 'examples', `${name}.js`)

/** What an example prints, given an address and a fixture. */
async function printed(name: string, ...args: string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [built(name), ...args], LIMIT)
  return stdout
}

/** A request whose connection is not kept, so that a server can end at once. */
const get = (url: string): Promise<Response> => fetch(url, { headers: { connection: 'close' } })

test('short-connection prints what PHP said', async () => {
  const text = await printed('short-connection', address, join(PHP_ROOT, 'hello.php'))
  assert.match(text, /Content-type: text\/plain[^]*\r\n\r\nhello/)
})

test('keep-alive runs a hundred requests over two connections', async () => {
  const text = await printed('keep-alive', address, join(PHP_ROOT, 'hello.php'))
  assert.match(text, /^100 answers over 2 connections in \d+ ms$/m)
})

test('stream keeps stdout and stderr apart', async () => {
  const script = join(PHP_ROOT, 'stderr.php')
  const { stdout, stderr } = await run(process.execPath, [built('stream'), address, script], LIMIT)
  assert.match(stdout, /one two three[^]*ended with appStatus 0/)
  assert.match(stderr, /first complaint: ünïcode/)
})

test('upload sends a file, which comes back unchanged', async () => {
  const file = join(ROOT, 'LICENSE')
  const text = await printed('upload', address, join(PHP_ROOT, 'echo.php'), file)
  assert.ok(text.includes(readFileSync(file, 'utf8').trim()))
})

test('undici asks php-fpm three times', async () => {
  const text = await printed('undici', address.slice('unix:'.length), PHP_ROOT, '/hello.php')
  assert.equal(text.match(/: 200, 5 characters$/gm)?.length, 3)
})

test('opentelemetry prints one trace, from its own span to the phases of the request', async () => {
  const text = await printed('opentelemetry', address, join(PHP_ROOT, 'env.php'))
  assert.match(text, /^PHP works for 00-[0-9a-f]{32}-[0-9a-f]{16}-01$/m)
  const names = text
    .split('\n')
    .slice(1, -1)
    .map((line) => line.replace(/ {2}[\d.]+ ms$/, ''))
  const phases = [
    '    fastcgi.queue',
    '      fastcgi.connect',
    '    fastcgi.send',
    '    fastcgi.wait',
  ]
  assert.deepEqual(names, ['checkout', '  GET /env.php', ...phases, '    fastcgi.receive'])
})

test('responder answers a client', async () => {
  assert.match(await printed('responder'), /Hello FastCGI, you asked for \/greeting/)
})

test('http-proxy puts HTTP in front of PHP until it is interrupted', async (t) => {
  const args = [built('http-proxy'), address, PHP_ROOT, '0']
  const proxy = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => proxy.kill('SIGKILL'))
  const [line] = (await once(proxy.stdout, 'data')) as [Buffer]
  const port = /127\.0\.0\.1:(\d+)/.exec(line.toString())?.[1]
  const base = `http://127.0.0.1:${port}`
  assert.equal(await (await fetch(`${base}/hello.php`)).text(), 'hello')
  const body = 'a body of unknown length'
  const posted = await fetch(`${base}/echo.php`, {
    method: 'POST',
    body: new Blob([body]).stream(),
    duplex: 'half',
  })
  assert.equal(await posted.text(), body)
  assert.equal((await fetch(`${base}/%00`)).status, 400)
  proxy.kill('SIGINT')
  assert.deepEqual(await once(proxy, 'exit'), [0, null])
})

for (const name of ['express', 'fastify', 'h3', 'hono', 'koa']) {
  test(`${name} has PHP below /blog until it is interrupted`, async (t) => {
    const args = [built(name), address, PHP_ROOT, '0']
    const app = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    t.after(() => app.kill('SIGKILL'))
    const [line] = (await once(app.stdout, 'data')) as [Buffer]
    const base = /http:\/\/[\d.]+:\d+/.exec(line.toString())?.[0] ?? ''
    const env = (await (await get(`${base}/blog/env.php`)).json()) as Record<string, string>
    assert.equal(env['SCRIPT_NAME'], '/blog/env.php')
    assert.deepEqual(await (await get(`${base}/api/health`)).json(), { ok: true })
    assert.equal((await get(`${base}/blog/none.txt`)).status, 404)
    app.kill('SIGINT')
    assert.deepEqual(await once(app, 'exit'), [0, null])
  })
}

test('vite has PHP in its dev server, builds, and previews the build with PHP', async (t) => {
  // Below the repository, so that the packages are found from there.
  const root = join(ROOT, 'build', 'example-vite')
  await rm(root, { recursive: true, force: true })
  await cp(join(ROOT, 'examples', 'vite'), root, { recursive: true })
  const given = { root, logLevel: 'error' } as const
  const listen = { port: 0, host: '127.0.0.1' }

  const dev = await createServer({ ...given, server: listen })
  t.after(() => dev.close())
  await dev.listen()
  const [url = ''] = dev.resolvedUrls?.local ?? []
  const form = new URLSearchParams({ name: 'Ada' })
  const posted = await (await fetch(url, { method: 'POST', body: form })).text()
  assert.match(posted, /@vite\/client[^]*src="\/src\/main\.js"[^]*Hello, Ada/)
  assert.match(await (await fetch(`${url}src/main.js`)).text(), /import\.meta\.env|MODE/)

  await build(given)
  const previewed = await preview({ ...given, preview: listen })
  t.after(() => previewed.close())
  const [at = ''] = previewed.resolvedUrls?.local ?? []
  const page = await (await fetch(at)).text()
  assert.doesNotMatch(page, /@vite/)
  const [, script = ''] = /src="\/(build\/assets\/main-[^"]+\.js)"/.exec(page) ?? []
  const [, style = ''] = /href="\/(build\/assets\/main-[^"]+\.css)"/.exec(page) ?? []
  assert.match(await (await fetch(at + script)).text(), /Vite in/)
  assert.match(await (await fetch(at + style)).text(), /font:/)
})

test('each of them is run here, and is short enough to read in one look', () => {
  const names = readdirSync(join(ROOT, 'examples')).filter((file) => file.endsWith('.ts'))
  const tests = readFileSync(join(ROOT, 'test', 'examples', 'examples.test.ts'), 'utf8')
  for (const name of names) {
    assert.ok(tests.includes(`'${name.replace('.ts', '')}'`), `${name} is run`)
    const lines = readFileSync(join(ROOT, 'examples', name), 'utf8').split('\n').length
    assert.ok(lines < 60, `${name} has ${lines} lines`)
  }
})
