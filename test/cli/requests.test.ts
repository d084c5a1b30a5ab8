// Requests in curl's spelling, against a real php-fpm.

import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough, Readable, Writable } from 'node:stream'
import { before, test } from 'node:test'
import { run } from '@fastcgi/cli'
import { startFpm, type Fpm } from '../support/fpm.ts'
import { sha256 } from '../support/php.ts'
import { PHP_ROOT } from '../support/paths.ts'
import { fileScope, temporaryDirectory, until } from '../support/process.ts'
import { CLI_PHP, fcgi, type FcgiOptions, type FcgiResult } from './fcgi.ts'

let fpm: Fpm
let address: string

const scope = fileScope()

before(async () => {
  fpm = await startFpm(scope)
  address = fpm.address
})

/** `fcgi <method> <address> <url> …` */
function ask(
  method: string,
  url: string,
  args: string[] = [],
  options?: FcgiOptions,
): Promise<FcgiResult> {
  return fcgi([method, address, url, ...args], options)
}

/** What the script was told. */
async function told(
  method: string,
  url: string,
  args: string[] = [],
): Promise<Record<string, string>> {
  const { out, err, code } = await ask(method, url, args)
  assert.equal(code, 0, err)
  return JSON.parse(out) as Record<string, string>
}

test('get prints the body and nothing else', async () => {
  assert.deepEqual(await ask('get', '/hello.php'), {
    code: 0,
    bytes: Buffer.from('hello'),
    out: 'hello',
    err: '',
  })
})

for (const method of ['get', 'post', 'put', 'patch', 'delete', 'options']) {
  test(`${method} sends ${method.toUpperCase()}`, async () => {
    assert.equal((await told(method, '/env.php'))['REQUEST_METHOD'], method.toUpperCase())
  })
}

test('-X sends another method', async () => {
  assert.equal((await told('get', '/env.php', ['-X', 'PURGE']))['REQUEST_METHOD'], 'PURGE')
})

test('head prints the head of the answer', async () => {
  const { out, code } = await ask('head', '/status.php?status=204')
  assert.equal(code, 0)
  assert.match(out, /^Status: 204 No Content\r\n/)
  assert.match(out, /\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n/)
  assert.ok(out.endsWith('\r\n\r\n'))
})

test('-i prints status and headers ahead of the body', async () => {
  const { out } = await ask('get', '/status.php', ['-i'])
  assert.match(out, /^Status: 418\r\n[^]*\r\n\r\nshort and stout$/)
})

test('-H, -b, -u, -A and -e become headers', async () => {
  const env = await told('get', '/env.php', [
    '-H',
    'X-Custom: one',
    '-H',
    'Accept:',
    '-H',
    'X-Empty;',
    '-H',
    'Host: example.org:8080',
    '-b',
    'a=1',
    '-b',
    'b=2',
    '-u',
    'ada:secret',
    '-A',
    'me',
    '-e',
    'http://from.example/',
  ])
  assert.equal(env['HTTP_X_CUSTOM'], 'one')
  assert.equal(env['HTTP_ACCEPT'], undefined)
  assert.equal(env['HTTP_X_EMPTY'], '')
  assert.equal(env['HTTP_HOST'], 'example.org:8080')
  assert.equal(env['SERVER_NAME'], 'example.org')
  assert.equal(env['SERVER_PORT'], '8080')
  assert.equal(env['HTTP_COOKIE'], 'a=1; b=2')
  assert.equal(env['PHP_AUTH_USER'], 'ada')
  assert.equal(env['PHP_AUTH_PW'], 'secret')
  assert.equal(env['HTTP_USER_AGENT'], 'me')
  assert.equal(env['HTTP_REFERER'], 'http://from.example/')
})

test('a header that PHP could mistake for another is not sent, and that is told', async () => {
  const { out, err } = await ask('get', '/env.php', ['-H', 'X_User: root', '-H', 'Proxy: evil'])
  const env = JSON.parse(out) as Record<string, string>
  assert.equal(env['HTTP_X_USER'], undefined)
  assert.equal(env['HTTP_PROXY'], undefined)
  assert.match(err, /the header X_User is not sent/)
  assert.match(err, /the header Proxy is not sent/)
})

test('a whole URL names host, port and scheme', async () => {
  const env = await told('get', 'https://example.org/env.php/info?q=%20a')
  assert.equal(env['SERVER_NAME'], 'example.org')
  assert.equal(env['SERVER_PORT'], '443')
  assert.equal(env['HTTPS'], 'on')
  assert.equal(env['PATH_INFO'], '/info')
  assert.equal(env['QUERY_STRING'], 'q=%20a')
})

test('--root says where scripts are, as the backend sees them', async () => {
  const { out } = await ask('get', '/hello.php', ['--root', join(CLI_PHP, '..', '..', 'php')], {
    cwd: '/',
  })
  assert.equal(out, 'hello')
})

test('--front-controller answers for URLs that name no script', async () => {
  const env = await told('get', '/articles/5', ['--front-controller', '/env.php'])
  assert.equal(env['SCRIPT_NAME'], '/env.php')
  assert.equal(env['REQUEST_URI'], '/articles/5')
})

test('--script-filename runs that file, whatever the URL says', async () => {
  const env = await told('get', '/some/where.php', ['--script-filename', 'env.php'])
  assert.equal(env['SCRIPT_NAME'], '/some/where.php')
})

test('--param adds and replaces params', async () => {
  const env = await told('get', '/env.php', [
    '--param',
    'REMOTE_ADDR=192.0.2.7',
    '--param',
    'APP_MODE=a=b',
  ])
  assert.equal(env['REMOTE_ADDR'], '192.0.2.7')
  assert.equal(env['APP_MODE'], 'a=b')
})

test('PHP_VALUE is refused as --param, and sent as --unsafe-param', async () => {
  const value = 'PHP_VALUE=default_mimetype=text/x-test'
  const refused = await ask('get', '/hello.php', ['--param', value])
  assert.equal(refused.code, 2)
  assert.match(refused.err, /PHP_VALUE changes what PHP runs.*--unsafe-param/)
  const { code, err } = await ask('get', '/hello.php', ['--unsafe-param', value])
  assert.equal(code, 0, err)
})

test('-o writes the body to a file, byte by byte', async (t) => {
  const file = join(await temporaryDirectory(t), 'body')
  const { out, err } = await ask('get', '/big.php?bytes=3000000', ['-o', file, '-i'])
  const sum = /X-SHA256: (\w+)/i.exec(out)?.[1]
  assert.equal(sha256(await readFile(file)), sum)
  assert.equal(err, '')
})

test('stdout gets the body byte by byte, also when it is slow', async () => {
  const { bytes } = await ask('get', '/big.php?bytes=3000000', ['-i'])
  const bodyAt = bytes.indexOf('\r\n\r\n') + 4
  const sum = /X-SHA256: (\w+)/i.exec(bytes.subarray(0, bodyAt).toString())?.[1]
  assert.equal(sha256(bytes.subarray(bodyAt)), sum)
})

test('a reader that takes nothing holds the script up', async () => {
  const size = 30_000_000
  let release = (): void => {}
  let taken = 0
  const stdout = new Writable({
    write(chunk: Buffer, _, done) {
      taken += chunk.length
      if (taken > chunk.length) done()
      else release = done
    },
  })
  const stdin = Readable.from([])
  const { signal } = new AbortController()
  const io = { stdin, stdout, stderr: new PassThrough(), env: {}, cwd: PHP_ROOT, signal }
  const code = run(['get', address, `/big.php?bytes=${size}`], io)
  await until('the first piece has come', () => taken > 0)
  // Time enough for all of it to come, if it came.
  for (let times = 0; times < 100; times++) await fcgi(['ping', address])
  assert.ok(stdout.writableLength < 1_000_000, `${stdout.writableLength} bytes wait`)
  release()
  assert.equal(await code, 0)
  assert.equal(taken, size)
})

test('a binary body does not reach a terminal unless -o - says so', async () => {
  const refused = await ask('get', '/bytes.php', [], { tty: ['stdout'] })
  assert.equal(refused.code, 23)
  assert.match(refused.err, /binary.*-o FILE.*-o -/)
  assert.equal(refused.bytes.includes(0), false)
  const allowed = await ask('get', '/bytes.php', ['-o', '-'], { tty: ['stdout'] })
  assert.equal(allowed.code, 0)
  assert.equal(allowed.bytes.length, 65_536)
})

test('what PHP logs goes to stderr as it came, and marked line by line on a terminal', async () => {
  const plain = await ask('get', '/stderr.php')
  assert.equal(plain.out, 'one two three')
  assert.match(plain.err, /^PHP message: first complaint: ünïcode.*second complaint\nof two lines/)
  const marked = await ask('get', '/stderr.php', [], { tty: ['stderr'], env: { NO_COLOR: '1' } })
  assert.match(marked.err, /^! PHP message: first[^]*\n! of two lines/)
})

test('on a terminal, what is said begins on a line of its own; elsewhere nothing is added', async () => {
  const tty = ['stdout', 'stderr'] as const
  const both = await ask('get', '/stderr.php', ['--time'], { tty, env: { NO_COLOR: '1' } })
  assert.equal(both.out, 'one two three')
  assert.match(both.err, /^\n! PHP message: first[^]*\nconnect /)
  const one = await ask('get', '/hello.php', ['--time'], {
    tty: ['stderr'],
    env: { NO_COLOR: '1' },
  })
  assert.match(one.err, /^connect /)
})

test('a script that PHP does not know is explained on a terminal', async () => {
  const lost = await ask('get', '/hello.php', ['--root', '/lost'], {
    tty: ['stderr'],
    env: { NO_COLOR: '1' },
  })
  assert.match(
    lost.err,
    /^! Primary script unknown\nfcgi: for PHP there is no \/lost\/hello\.php, .* --root .* fcgi doctor .*\n$/,
  )
  assert.equal((await ask('get', '/hello.php', ['--root', '/lost'])).err, 'Primary script unknown')
})

test('-s silences stderr, --stderr brings it back, --no-stderr drops it', async () => {
  assert.equal((await ask('get', '/stderr.php', ['-s'])).err, '')
  assert.match((await ask('get', '/stderr.php', ['-s', '--stderr'])).err, /first complaint/)
  assert.equal((await ask('get', '/stderr.php', ['--no-stderr'])).err, '')
})

test('-v shows params, head and end, and hides secrets unless told otherwise', async () => {
  const args = ['-v', '-u', 'ada:secret', '-b', 'session=1234']
  const { out, err } = await ask('get', '/status.php', args)
  assert.equal(out, 'short and stout')
  assert.match(err, /^\* to unix:/)
  assert.match(err, /\n> SCRIPT_NAME +\/status\.php\n/)
  assert.match(err, /\n> HTTP_AUTHORIZATION +\[hidden/)
  assert.match(err, /\n> HTTP_COOKIE +\[hidden/)
  assert.match(err, /\n< Status: 418\n/)
  assert.match(err, /\n< Set-Cookie: a=\[hidden/)
  assert.match(err, /\n\* complete in .*connected in .*appStatus 0, body 15 B/)
  assert.doesNotMatch(err, /1234|YWRhOnNlY3JldA/)
  const open = await ask('get', '/status.php', [...args, '--show-secrets'])
  assert.match(open.err, /HTTP_COOKIE +session=1234/)
  assert.match(open.err, /< Set-Cookie: a=1\n/)
})

test('-f turns an error status into exit code 22 without the body, --fail-with-body keeps it', async () => {
  const failed = await ask('get', '/status.php?status=503', ['-f'])
  assert.equal(failed.code, 22)
  assert.equal(failed.out, '')
  assert.match(failed.err, /the HTTP status is 503/)
  const kept = await ask('get', '/status.php?status=404', ['--fail-with-body', '-s'])
  assert.deepEqual([kept.code, kept.out, kept.err], [22, 'short and stout', ''])
  assert.equal((await ask('get', '/status.php?status=299', ['-f'])).code, 0)
  assert.equal((await ask('get', '/status.php?status=500')).code, 0)
})

const ROOT_OF_CLI = ['--root', CLI_PHP]

/** A redirect of redirect.php. */
const redirect = (to: string, status = 302): string =>
  `/redirect.php?status=${status}&to=${encodeURIComponent(to)}`

test('-L follows redirects: POST becomes GET, except after 307 and 308', async () => {
  const follow = (status: number): Promise<FcgiResult> =>
    ask('post', redirect('/redirect.php', status), [...ROOT_OF_CLI, '-L', '-d', 'a=b'])
  for (const status of [301, 302, 303]) {
    assert.equal((await follow(status)).out, '{"method":"GET","body":""}')
  }
  for (const status of [307, 308]) {
    assert.equal((await follow(status)).out, '{"method":"POST","body":"a=b"}')
  }
})

test('-L sends a body from stdin again', async () => {
  const args = [...ROOT_OF_CLI, '-L', '--data-binary', '@-']
  const { out } = await ask('post', redirect('/redirect.php', 307), args, { stdin: 'piped' })
  assert.equal(out, '{"method":"POST","body":"piped"}')
})

test('without -L a redirect is an answer like any other', async () => {
  assert.equal((await ask('get', redirect('/redirect.php'), ROOT_OF_CLI)).out, 'on the way')
})

test('-L stops at --max-redirs and does not leave the host', async () => {
  const endless = redirect('/redirect.php?to=/redirect.php?to=/redirect.php')
  const many = await ask('get', endless, [...ROOT_OF_CLI, '-L', '--max-redirs', '1'])
  assert.equal(many.code, 47)
  const away = await ask('get', redirect('http://elsewhere.example/'), [...ROOT_OF_CLI, '-L'])
  assert.equal(away.code, 3)
  assert.match(away.err, /another host/)
})

test('--time and --time-json tell how long it took', async () => {
  const { out, err } = await ask('get', '/hello.php', ['--time'])
  assert.equal(out, 'hello')
  assert.match(err, /^connect [\d.]+ ms · first byte [\d.]+ ms · total [\d.]+ ms · 5 B\n$/)
  const timing = JSON.parse((await ask('get', '/hello.php', ['--time-json'])).err)
  assert.deepEqual(Object.keys(timing), ['status', 'connect', 'firstByte', 'total', 'body'])
  assert.ok(timing.connect <= timing.firstByte && timing.firstByte <= timing.total)
})

test('--repeat sends the request so many times and prints the distribution', async (t) => {
  const file = join(await temporaryDirectory(t), 'marks')
  const url = `/count.php?mark=x&file=${encodeURIComponent(file)}`
  const { out, code } = await ask('get', url, ['--repeat', '25', '--parallel', '2'])
  assert.equal(code, 0)
  assert.equal(await readFile(file, 'utf8'), 'x\n'.repeat(25))
  assert.match(out, /^25 requests in .* · 25 B · 25 × 200\n/)
  assert.match(out, /\n +min +p50 +p90 +p99 +max +mean\n/)
  assert.match(out, /\ntotal( +[\d.]+ m?s){6}\n/)
  assert.match(out, /█/)
})

test('--repeat sends a body each time, and prints JSON where asked to', async (t) => {
  const file = join(await temporaryDirectory(t), 'body')
  await writeFile(file, 'x'.repeat(100_000))
  const args = ['--data-binary', `@${file}`, '--repeat', '5', '--time-json']
  const { out } = await ask('put', '/echo.php', args)
  const result = JSON.parse(out)
  assert.equal(result.requests, 5)
  assert.equal(result.failed, 0)
  assert.equal(result.bytes, 500_000)
  assert.deepEqual(result.statuses, { 200: 5 })
  assert.ok(result.total.min <= result.total.p50 && result.total.p50 <= result.total.max)
})

test('--repeat with --fail exits with 22 when one status was an error', async () => {
  const { code } = await ask('get', '/status.php?status=500', ['--repeat', '2', '-f'])
  assert.equal(code, 22)
})

test('colours are for terminals, unless the environment says otherwise', async () => {
  const esc = '\x1b['
  const args = ['-v']
  assert.ok(!(await ask('get', '/hello.php', args)).err.includes(esc))
  assert.ok((await ask('get', '/hello.php', args, { tty: ['stderr'] })).err.includes(esc))
  const off = { tty: ['stderr'], env: { NO_COLOR: '1' } } as const
  assert.ok(!(await ask('get', '/hello.php', args, off)).err.includes(esc))
  assert.ok((await ask('get', '/hello.php', args, { env: { FORCE_COLOR: '1' } })).err.includes(esc))
})
