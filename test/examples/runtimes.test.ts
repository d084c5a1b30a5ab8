// The examples of each runtime, run by that runtime as their first lines say, against a real php-fpm.

import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, test, type TestContext } from 'node:test'
import { parseAddress } from '@fastcgi/client'
import { startFpm } from '../support/fpm.ts'
import { PHP_ROOT, ROOT } from '../support/paths.ts'
import { fileScope, Program } from '../support/process.ts'
import { noWorkerd, startWorker } from '../support/workerd.ts'

const MODULES = join(ROOT, 'test/runtimes/node_modules')
const NAMES = ['short-connection', 'keep-alive', 'stream', 'upload', 'http-proxy']
const DENO_PERMISSIONS = ['--allow-net', '--allow-read', '--allow-write']

interface Runtime {
  readonly name: string
  readonly program: string
  /** What stands between the program and the example. */
  readonly flags: readonly string[]
}

const RUNTIMES: readonly Runtime[] = [
  { name: 'bun', program: join(MODULES, '@oven/bun-linux-x64/bin/bun'), flags: [] },
  {
    name: 'deno',
    program: join(MODULES, '@deno/linux-x64-glibc/deno'),
    flags: ['run', '--no-lock', ...DENO_PERMISSIONS],
  },
]

const scope = fileScope()
let address: string
let tcp: string

before(async () => {
  address = (await startFpm(scope)).address
  tcp = (await startFpm(scope, { listen: 'tcp', workers: 3 })).address
})

const script = (name: string): string => join(PHP_ROOT, name)
const sourceOf = (runtime: string, name: string): string =>
  join(ROOT, 'examples', runtime, `${name}.ts`)

for (const { name, program, flags } of RUNTIMES) {
  const skip = !existsSync(program) && `no ${name}: npm ci in test/runtimes`
  const start = (t: TestContext, example: string, ...args: string[]): Program => {
    const started = new Program(program, [...flags, sourceOf(name, example), ...args], {
      NO_COLOR: '1',
    })
    t.after(() => started.stop('SIGKILL'))
    return started
  }
  const printed = async (t: TestContext, example: string, ...args: string[]): Promise<string> => {
    const started = start(t, example, ...args)
    await started.exited
    assert.equal(started.exit, 'status 0', started.log)
    return started.log
  }

  describe(`the examples of ${name}`, { skip }, () => {
    test('short-connection prints what PHP said', async (t) => {
      assert.match(
        await printed(t, 'short-connection', address, script('hello.php')),
        /Content-type: text\/plain[^]*\r\n\r\nhello/,
      )
    })

    test('keep-alive runs a hundred requests over two connections', async (t) => {
      const text = await printed(t, 'keep-alive', address, script('hello.php'))
      assert.match(text, /^100 answers over 2 connections in \d+ ms$/m)
    })

    test('stream has what PHP writes to stdout and to stderr', async (t) => {
      const text = await printed(t, 'stream', address, script('stderr.php'))
      assert.match(text, /one [^]*two [^]*three[^]*ended with appStatus 0/)
      assert.match(text, /first complaint: ünïcode/)
    })

    test('upload sends a file, which comes back unchanged', async (t) => {
      const file = join(ROOT, 'LICENSE')
      const text = await printed(t, 'upload', address, script('echo.php'), file)
      assert.ok(text.includes(readFileSync(file, 'utf8').trim()))
    })

    test('http-proxy puts HTTP in front of PHP until it is interrupted', async (t) => {
      const proxy = start(t, 'http-proxy', address, PHP_ROOT, '0')
      const base = await proxy.until('listens', () => /http:\/\/[\d.]+:\d+/.exec(proxy.log)?.[0])
      await checkProxy(base)
      const env = (await (await fetch(`${base}/env.php`)).json()) as Record<string, string>
      assert.equal(env['REMOTE_ADDR'], '127.0.0.1')
      proxy.signal('SIGINT')
      await proxy.exited
      assert.equal(proxy.exit, 'status 0', proxy.log)
    })
  })
}

describe('the examples of workers', { skip: noWorkerd }, () => {
  const worker = (t: TestContext, name: string, php = 'hello.php'): Promise<string> => {
    const parsed = parseAddress(tcp)
    assert.ok('port' in parsed)
    return startWorker(t, {
      main: join(ROOT, 'build/examples/workers', `${name}.js`),
      ...(name === 'keep-alive' && { object: { binding: 'PHP', className: 'Php' } }),
      bindings: {
        PHP_HOST: parsed.host,
        PHP_PORT: String(parsed.port),
        ROOT: PHP_ROOT,
        SCRIPT: script(php),
      },
    })
  }
  const textOf = async (url: string, init?: RequestInit): Promise<string> =>
    (await fetch(url, init)).text()

  test('short-connection answers with what PHP said', async (t) => {
    assert.match(await textOf(await worker(t, 'short-connection')), /\r\n\r\nhello$/)
  })

  test('keep-alive runs a hundred requests over two connections, and keeps them', async (t) => {
    const origin = await worker(t, 'keep-alive')
    for (let times = 0; times < 2; times++) {
      assert.equal(await textOf(origin), '100 answers over 2 connections\n')
    }
  })

  test('stream passes on what PHP writes', async (t) => {
    assert.match(await textOf(await worker(t, 'stream', 'stderr.php')), /one two three/)
  })

  test('upload sends a body, which comes back unchanged', async (t) => {
    const origin = await worker(t, 'upload', 'echo.php')
    const body = readFileSync(join(ROOT, 'LICENSE'), 'utf8')
    assert.ok((await textOf(origin, { method: 'PUT', body })).includes(body))
  })

  test('http-proxy puts HTTP in front of PHP', async (t) => {
    await checkProxy(await worker(t, 'http-proxy'))
  })
})

async function checkProxy(base: string): Promise<void> {
  assert.equal(await (await fetch(`${base}/hello.php`)).text(), 'hello')
  const body = 'a body of unknown length'
  const posted = await fetch(`${base}/echo.php`, {
    method: 'POST',
    body: new Blob([body]).stream(),
    duplex: 'half',
  })
  assert.equal(await posted.text(), body)
  assert.equal((await fetch(`${base}/%00`)).status, 400)
}

test('each runtime has each of them, short enough to read in one look', () => {
  for (const runtime of ['bun', 'deno', 'workers']) {
    const files = readdirSync(join(ROOT, 'examples', runtime)).filter((file) =>
      file.endsWith('.ts'),
    )
    assert.deepEqual(files.toSorted(), NAMES.map((name) => `${name}.ts`).toSorted())
    for (const name of NAMES) {
      const lines = readFileSync(sourceOf(runtime, name), 'utf8').split('\n').length
      assert.ok(lines < 60, `${runtime}/${name} has ${lines} lines`)
    }
  }
})
