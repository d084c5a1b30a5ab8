// `fcgi serve`, as it is typed.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { startFpm } from '../support/fpm.ts'
import { temporaryDirectory, until } from '../support/process.ts'
import { fcgi, Running } from './fcgi.ts'

/** A folder with an index.php and other files. */
async function site(t: TestContext, files: Readonly<Record<string, string>> = {}): Promise<string> {
  const root = await temporaryDirectory(t)
  const all = { 'index.php': '<?php echo "hello from PHP";', ...files }
  for (const [name, text] of Object.entries(all)) await writeFile(join(root, name), text)
  return root
}

/** Starts it, and waits until it says where it listens. */
async function serving(
  t: TestContext,
  args: readonly string[],
): Promise<{ running: Running; url: string }> {
  const running = new Running(t, ['serve', '--listen', '127.0.0.1:0', ...args])
  const url = await until('it listens', () => {
    if (running.child.exitCode !== null) throw new Error(running.err)
    return /(http:\/\/127\.0\.0\.1:\d+)/.exec(running.out)?.[1]
  })
  return { running, url }
}

describe('fcgi serve', () => {
  test('serves a folder on a PHP of its own, and ends with 0 on SIGTERM', async (t) => {
    const root = await site(t, { 'style.css': 'body {}' })
    const { running, url } = await serving(t, [root, '--log', 'pretty'])
    assert.equal(await (await fetch(url)).text(), 'hello from PHP')
    assert.equal(await (await fetch(`${url}/style.css`)).text(), 'body {}')
    running.signal('SIGTERM')
    assert.equal(await running.ended(), 0)
    assert.match(running.out, /➜ {2}http:\/\/127\.0\.0\.1:\d+/)
    assert.match(running.out, new RegExp(`root +${root}`))
    assert.match(running.out, /php +php-fpm \d/)
    assert.match(running.out, /200 GET {2}\/ /)
    assert.match(running.out, /200 GET {2}\/style\.css/)
  })

  test('writes JSON where nobody reads along, and nothing else', async (t) => {
    const fpm = await startFpm(t)
    const { running, url } = await serving(t, [await site(t), '--backend', fpm.address])
    await (await fetch(`${url}/?token=secret`)).text()
    running.signal('SIGTERM')
    assert.equal(await running.ended(), 0)
    const entries = running.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    const access = entries.find(({ level }) => level === 'access')
    assert.equal(access?.status, 200)
    assert.doesNotMatch(running.out, /secret/)
  })

  test('takes a configuration file, flags before it, and paths relative to it', async (t) => {
    const fpm = await startFpm(t)
    const folder = await temporaryDirectory(t)
    await mkdir(join(folder, 'public'))
    await writeFile(join(folder, 'public', 'index.php'), '<?php echo $_SERVER["SERVER_NAME"];')
    const config = { root: 'public', serverName: 'configured', backend: 'unix:/nowhere' }
    const file = join(folder, 'fcgi.config.json')
    await writeFile(file, JSON.stringify(config))
    const { running, url } = await serving(t, ['--config', file, '--backend', fpm.address])
    assert.equal(await (await fetch(url)).text(), 'configured')
    await writeFile(file, JSON.stringify({ ...config, serverName: 'reloaded' }))
    running.signal('SIGHUP')
    await until(
      'it has read the file again',
      async () => (await (await fetch(url)).text()) === 'reloaded',
    )
    running.signal('SIGTERM')
    assert.equal(await running.ended(), 0)
  })

  test('shows what a configuration comes to, without what is secret', async (t) => {
    const root = await site(t)
    const options = {
      root,
      backend: 'unix:/x',
      unsafeParams: { PHP_VALUE: 'a=b' },
      tls: { cert: 'c.pem', key: '-----BEGIN' },
    }
    const file = join(root, 'fcgi.config.json')
    await writeFile(file, JSON.stringify(options))
    const { code, out } = await fcgi([
      'serve',
      '-c',
      file,
      '--listen',
      '8080',
      '--no-compress',
      '--max-body',
      '64M',
      '--print-config',
    ])
    assert.equal(code, 0)
    assert.deepEqual(JSON.parse(out), {
      root,
      backend: 'unix:/x',
      unsafeParams: '[secret]',
      tls: { cert: join(root, 'c.pem'), key: '[secret]' },
      listen: [8080],
      response: { compress: false },
      requestBody: { maxSize: 67_108_864 },
    })
  })

  const refused: [what: string, args: readonly string[], message: RegExp][] = [
    ['a folder that is not there', ['/nowhere'], /root \/nowhere/],
    ['a backend beside --php', ['--backend', 'unix:/x', '--php', 'auto'], /--php starts a PHP/],
    ['a key without a certificate', ['--tls-key', 'key.pem'], /belong together/],
    ['an application that is none', ['--preset', 'joomla'], /Allowed choices are wordpress/],
    [
      'a configuration that is not there',
      ['--config', 'nothing.json'],
      /nothing\.json is not there/,
    ],
    ['a size that is none', ['--max-body', '64MB'], /It takes bytes, or .* such as 64M\./],
    ['a port that is none', ['--listen', '99999'], /port 99999 is not between/],
  ]
  for (const [what, args, message] of refused) {
    test(`refuses ${what} in one sentence`, async () => {
      const { code, out, err } = await fcgi(['serve', ...args])
      assert.notEqual(code, 0)
      assert.equal(out, '')
      assert.match(err, message)
      assert.match(err, /^fcgi: .*\n(?:Try 'fcgi serve --help'\.\n)?$/)
    })
  }

  test('refuses a port that is taken in one sentence', async (t) => {
    const taken = createServer().listen(0, '127.0.0.1')
    t.after(() => taken.close())
    await once(taken, 'listening')
    const address = taken.address()
    const port = typeof address === 'object' && address ? address.port : 0
    const root = await site(t)
    const { code, err } = await fcgi(['serve', root, '-b', 'unix:/x', '-l', `127.0.0.1:${port}`])
    assert.equal(code, 1)
    assert.match(err, /^fcgi: cannot listen on 127\.0\.0\.1:\d+: another program .*EADDRINUSE\)\n$/)
  })
})
