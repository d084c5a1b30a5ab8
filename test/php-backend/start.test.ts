// Which backend is chosen, what can go wrong at the start, and how it is told.

import assert from 'node:assert/strict'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { chmod, chown, copyFile, mkdir, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { findPhp, PhpStartError, startPhp, type StartPhpOptions } from '@fastcgi/php'
import { findFpm } from '../support/fpm.ts'
import { answerOf, bodyOf, openPool, php } from '../support/php.ts'
import { findProgram, temporaryDirectory } from '../support/process.ts'
import { folderOf, page, SITE, start } from './backend.ts'

const FPM = findFpm()
const CGI = process.env.PHP_CGI ?? findProgram(['php-cgi', 'php-cgi8.2']) ?? 'php-cgi'

/** Sets variables of this process for one test. */
function withEnv(t: TestContext, env: Record<string, string>): void {
  for (const [name, value] of Object.entries(env)) {
    const before = process.env[name]
    process.env[name] = value
    t.after(() => {
      if (before === undefined) delete process.env[name]
      else process.env[name] = before
    })
  }
}

/** A program that does what the shell script says. */
async function script(t: TestContext, text: string): Promise<string> {
  const path = join(await temporaryDirectory(t), 'php-fpm')
  await writeFile(path, `#!/bin/sh\n${text}\n`)
  await chmod(path, 0o755)
  return path
}

function folders(): string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith('fcgi-php-'))
}

/** How the start fails, which must leave no folder of its own behind. */
async function failure(t: TestContext, options: Partial<StartPhpOptions>): Promise<PhpStartError> {
  withEnv(t, { TMPDIR: await temporaryDirectory(t) })
  const error: unknown = await startPhp({ root: SITE, ...options }).then(
    async (started) => {
      await started.destroy()
      return undefined
    },
    (reason: unknown) => reason,
  )
  assert.deepEqual(folders(), [])
  assert.ok(error instanceof PhpStartError, String(error))
  return error
}

test('php-fpm comes first', async (t) => {
  withEnv(t, { PHP_FPM: FPM })
  const { php: started } = await start(t, {})
  assert.equal(started.kind, 'php-fpm')
  assert.equal(
    started.description,
    `php-fpm ${started.version}, 4 workers (${FPM}, found in PHP_FPM)`,
  )
})

test('php-cgi comes next, and the line says why', async (t) => {
  const broken = await script(t, 'exit 1')
  withEnv(t, { PHP_FPM: '', PATH: `${dirname(broken)}:${process.env.PATH}`, PHP_CGI: CGI })
  const { php: started, log } = await start(t, {})
  assert.equal(started.kind, 'php-cgi')
  assert.ok(log[0]?.startsWith(`supervisor warn: php-fpm (${broken}) does not serve: it is no PHP`))
  assert.match(
    started.description,
    /found in PHP_CGI; php-fpm did not start\); php-fpm is sturdier: /,
  )
})

test('the line on embedded PHP says how to get a faster one', async (t) => {
  const broken = await script(t, 'exit 1')
  await copyFile(broken, join(dirname(broken), 'php-cgi'))
  withEnv(t, { PHP_FPM: '', PHP_CGI: '', PATH: `${dirname(broken)}:${process.env.PATH}` })
  const { php: started } = await start(t, { workers: 1 })
  assert.match(
    started.description,
    /^embedded PHP 8\.\d+\.\d+, 1 worker \(php-fpm did not start, php-cgi did not start\); php-fpm is .* faster: \S/,
  )
})

test('who asks for a backend is not told to install another one', async (t) => {
  const { php: embedded } = await start(t, { backend: 'embedded', workers: 1 })
  assert.match(embedded.description, /^embedded PHP \S+, 1 worker \(as asked for\)$/)
  const { php: cgi } = await start(t, { backend: 'php-cgi', program: CGI, workers: 1 })
  assert.match(cgi.description, /^php-cgi \S+, 1 worker \(.+, as asked for\)$/)
})

test('an address is used as it is, and survives close()', async (t) => {
  const { php: other } = await start(t, { backend: 'php-cgi', workers: 1 })
  const started = await startPhp({ root: SITE, address: other.address })
  assert.equal(started.kind, 'address')
  assert.equal(started.address, other.address)
  assert.equal(started.stats.pid, undefined)
  await started.close()
  const pool = openPool(t, other.address)
  assert.equal(await bodyOf(pool.execute(php('hello.php'))), 'hello')
})

test('program names the very program, whatever it is called', async (t) => {
  const link = join(await temporaryDirectory(t), 'my-php')
  await symlink(CGI, link)
  const { php: started } = await start(t, { program: link })
  assert.equal(started.kind, 'php-cgi')
  assert.match(started.description, /my-php, as asked for\)/)
})

test('an address where nobody listens', async (t) => {
  const error = await failure(t, { address: 'unix:/nonexistent/php.sock' })
  assert.equal(error.code, 'PHP_ERR_UNREACHABLE')
  assert.match(
    error.message,
    /^nobody accepts connections at unix:\/nonexistent\/php\.sock \(.*ENOENT/,
  )
})

test('a program that is no PHP', async (t) => {
  const error = await failure(t, { program: '/bin/true' })
  assert.equal(error.code, 'PHP_ERR_START')
  assert.match(
    error.message,
    /php-fpm \(\/bin\/true\): it is no PHP: `-v` does not show a version$/,
  )
  assert.deepEqual(
    error.attempts.map(({ kind, target }) => [kind, target]),
    [['php-fpm', '/bin/true']],
  )
})

test('a program that does not exist', async (t) => {
  const error = await failure(t, { program: '/nonexistent/php-fpm' })
  assert.equal(
    error.message,
    'no PHP could be started: php-fpm (/nonexistent/php-fpm): it is not an executable file (ENOENT)',
  )
})

test('a site that PHP may not enter is told by its folder', async (t) => {
  if (process.getuid?.() === 0) return t.skip('root may enter every folder')
  const root = await temporaryDirectory(t)
  await chmod(root, 0o600)
  const error = await failure(t, { root, program: FPM })
  assert.ok(error.message.includes(`EACCES: may this user enter the folder ${root}?`), `${error}`)
  return undefined
})

test('the PHP of the command line', async (t) => {
  const cli = await script(t, `echo 'PHP 8.4.1 (cli) (built: today)'`)
  const error = await failure(t, { program: cli })
  assert.match(error.message, /it is PHP 8\.4\.1 for cli, neither php-fpm nor php-cgi/)
})

test('the other kind than was asked for', async (t) => {
  const error = await failure(t, { backend: 'php-fpm', program: CGI })
  assert.match(error.message, /it is php-cgi, not php-fpm$/)
})

test('PHP_FPM that names nothing is told, not replaced by another PHP', async (t) => {
  withEnv(t, { PHP_FPM: '/nonexistent/php-fpm' })
  const error = await failure(t, {})
  assert.match(error.message, /php-fpm \(\/nonexistent\/php-fpm\): it is not an executable file$/)
})

test('a backend that ends at its start: its last words are in the error', async (t) => {
  const text = `[ "$1" = -v ] && echo 'PHP 8.4.1 (fpm-fcgi)' && exit 0; echo 'ERROR: no, thanks' >&2; exit 78`
  const error = await failure(t, { program: await script(t, text) })
  assert.equal(error.code, 'PHP_ERR_START')
  assert.match(
    error.message,
    /^no PHP could be started: php-fpm \(\S+\): it ended before it listened \(exit code 78\):\n {2}ERROR: no, thanks$/,
  )
  assert.deepEqual(error.log, ['ERROR: no, thanks'])
})

test('a broken setting is told with what PHP says about it', async (t) => {
  const ini = { extension: '/nonexistent/none.so', zend_extension: '/nonexistent/none.so' }
  const log: string[] = []
  withEnv(t, { PHP_FPM: FPM })
  const { php: started } = await start(t, { ini, onLog: ({ message }) => log.push(message) })
  // PHP warns of it and runs: so does this.
  assert.equal(started.stats.running, true)
  assert.ok(log.some((line) => line.includes('/nonexistent/none.so')))
})

test('a backend that never listens', async (t) => {
  const text = `[ "$1" = -v ] && echo 'PHP 8.4.1 (fpm-fcgi)' && exit 0; exec sleep 1000`
  const error = await failure(t, { program: await script(t, text), startTimeout: 100 })
  assert.equal(error.code, 'PHP_ERR_TIMEOUT')
  assert.match(error.message, /did not listen within 100 ms, and said nothing$/)
})

test('a start that is aborted rejects with the reason, and leaves nothing', async (t) => {
  withEnv(t, { TMPDIR: await temporaryDirectory(t) })
  const text = `[ "$1" = -v ] && echo 'PHP 8.4.1 (fpm-fcgi)' && exit 0; echo starting; exec sleep 1000`
  const abort = new AbortController()
  const reason = new Error('changed my mind')
  const starting = startPhp({
    root: SITE,
    program: await script(t, text),
    signal: abort.signal,
    onLog: ({ message }) => message === 'starting' && abort.abort(reason),
  })
  await assert.rejects(starting, (error) => error === reason)
  assert.deepEqual(folders(), [])
  await assert.rejects(startPhp({ root: SITE, signal: abort.signal }), (error) => error === reason)
})

test('TMPDIR that does not exist', async (t) => {
  withEnv(t, { TMPDIR: '/nonexistent' })
  await assert.rejects(startPhp({ root: SITE, backend: 'php-fpm' }), {
    name: 'PhpStartError',
    message: /cannot make a private folder in \/nonexistent: .*; set TMPDIR to a folder/,
  })
})

test('TMPDIR that is too long for a socket gives way to /tmp, which is told', async (t) => {
  const long = join(await temporaryDirectory(t), 'x'.repeat(100))
  await mkdir(long)
  withEnv(t, { TMPDIR: long })
  const { php: started, log } = await start(t, { backend: 'php-fpm' })
  assert.equal(dirname(folderOf(started)), '/tmp')
  assert.match(log[0] ?? '', /^supervisor warn: TMPDIR .* is too long for the path of a socket/)
})

test('the folder is private', async (t) => {
  const { php: started } = await start(t, { backend: 'php-fpm' })
  assert.equal(statSync(folderOf(started)).mode & 0o777, 0o700)
  assert.equal(statSync(started.address.slice('unix:'.length)).mode & 0o777, 0o600)
})

test('a site of another user runs as that user when root starts it', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('only root can give a folder away')
  const root = await temporaryDirectory(t)
  await copyFile(join(SITE, 'whoami.php'), join(root, 'whoami.php'))
  for (const path of [root, join(root, 'whoami.php')]) await chown(path, 65_534, 65_534)
  for (const backend of ['php-fpm', 'php-cgi'] as const) {
    const { php: started } = await start(t, { root, backend })
    const pool = openPool(t, started.address)
    const params = { SCRIPT_FILENAME: join(root, 'whoami.php') }
    const { text } = answerOf(await pool.execute(page('whoami.php', { params })))
    assert.equal(text, '65534 65534 session')
  }
  return undefined
})

test('options that are no options', async () => {
  const wrong: [Record<string, unknown>, RegExp][] = [
    [{ root: '' }, /^root must be/],
    [{ root: '/nonexistent' }, /^root \/nonexistent does not exist$/],
    [{ root: '/bin/sh' }, /^root \/bin\/sh is no folder$/],
    [{ wrokers: 1 }, /^unknown option "wrokers"; there are root, backend,/],
    [{ backend: 'hhvm' }, /^backend must be one of auto, php-fpm, php-cgi, embedded, not "hhvm"$/],
    [{ workers: 0 }, /^workers must be a whole number from 1 to 1024, not 0$/],
    [{ maxRequests: -1 }, /^maxRequests must be a whole number/],
    [{ startTimeout: 0.5 }, /^startTimeout must be/],
    [{ ini: { 'a\nb': 1 } }, /^ini: "a\\nb" is no name/],
    [{ ini: { a: 'x\nextension=evil.so' } }, /^ini a has a control character$/],
    [{ ini: { a: `'$` } }, /^ini a has a single quote beside/],
    [{ ini: { a: null } }, /^ini a must be a string, a number, true or false$/],
    [{ env: { A: 1 } }, /^env "A" must be a name with a string$/],
    [{ address: 'nowhere' }, /^cannot read the address "nowhere"/],
    [{ address: ':9000', backend: 'php-fpm' }, /^address excludes backend and program/],
    [{ address: ':9000', workers: 3 }, /^workers concerns a backend that is started/],
    [{ program: 'x', backend: 'embedded' }, /^program: embedded PHP is no program$/],
    [{ onLog: true }, /^onLog must be a function$/],
    [{ signal: {} }, /^signal must be an AbortSignal$/],
  ]
  for (const [options, message] of wrong) {
    await assert.rejects(startPhp({ root: SITE, ...options }), (error) => {
      assert.ok(error instanceof TypeError)
      assert.match(error.message, message)
      return true
    })
  }
})

test('what is found is what is chosen', () => {
  const [first] = findPhp({ root: SITE, env: { PHP_FPM: FPM, PATH: '' } })
  assert.deepEqual(first && [first.kind, first.program, first.origin], ['php-fpm', FPM, 'PHP_FPM'])
  assert.ok(existsSync(FPM))
})
