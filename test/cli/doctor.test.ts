// Setups that are broken for real, and what the doctor makes of them.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer as createHttpServer } from 'node:http'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { promisify } from 'node:util'
import { startPhpCgi } from '../support/backends.ts'
import { killWorker, startFpm, type Fpm } from '../support/fpm.ts'
import { Gate, openPool, php } from '../support/php.ts'
import { PHP_ROOT } from '../support/paths.ts'
import {
  fileScope,
  findProgram,
  freePort,
  temporaryDirectory,
  until,
  type Scope,
} from '../support/process.ts'
import { fcgi, PROGRAM } from './fcgi.ts'

interface Finding {
  check: string
  outcome: string
  detail: string
  remedies: string[]
}

interface Diagnosis {
  code: number
  healthy: boolean
  outcomes: Record<string, string>
  /** What the check that failed has found. */
  failed: Finding
}

const QUICK = ['--patience', '0.3']
const isRoot = process.getuid?.() === 0

let fpm: Fpm

const scope = fileScope()

before(async () => {
  fpm = await startFpm(scope)
})

async function diagnose(...args: string[]): Promise<Diagnosis> {
  const { code, out, err } = await fcgi(['doctor', '--json', ...args])
  assert.equal(err, '')
  return { code, ...read(out) }
}

function read(out: string): Omit<Diagnosis, 'code'> {
  const { healthy, checks } = JSON.parse(out) as { healthy: boolean; checks: Finding[] }
  const outcomes = Object.fromEntries(checks.map(({ check, outcome }) => [check, outcome]))
  const none = { check: '', outcome: '', detail: '', remedies: [] }
  return { healthy, outcomes, failed: checks.find(({ outcome }) => outcome === 'failed') ?? none }
}

/** Asserts what is broken, what is said about it, and what is to be changed. */
function assertBroken(diagnosis: Diagnosis, check: string, detail: RegExp, remedy: RegExp): void {
  const { failed } = diagnosis
  assert.equal(failed.check, check)
  assert.match(failed.detail, detail)
  assert.match(failed.remedies.join('\n'), remedy)
  assert.equal(diagnosis.healthy, false)
  assert.equal(diagnosis.code, 1)
}

function listen(owner: Scope, server: Server, target: string | number): Promise<number> {
  owner.after(async () => void server.close())
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    const options =
      typeof target === 'string' ? { path: target } : { port: target, host: '127.0.0.1' }
    server.listen({ ...options, backlog: 1 }, () => {
      const bound = server.address()
      resolve(bound !== null && typeof bound === 'object' ? bound.port : 0)
    })
  })
}

test('a setup that works', async () => {
  const { code, healthy, outcomes } = await diagnose(fpm.address, '--root', PHP_ROOT, '/hello.php')
  assert.deepEqual(outcomes, {
    address: 'ok',
    socket: 'ok',
    connection: 'ok',
    protocol: 'ok',
    workers: 'ok',
    script: 'ok',
  })
  assert.deepEqual([code, healthy], [0, true])
})

test('without a script all but the script is looked at', async () => {
  const { code, outcomes } = await diagnose(fpm.address)
  assert.equal(outcomes['script'], 'skipped')
  assert.equal(code, 0)
})

test('rows for people: marks, explanations, arrows, a verdict', async () => {
  const good = await fcgi(['doctor', fpm.address, '--root', PHP_ROOT, '/hello.php'])
  assert.match(good.out, /^ {2}✔ address {5}unix:/)
  assert.match(
    good.out,
    /\n {2}✔ workers {5}php-fpm, pool www \(static\), up \w+: \d of 2 workers busy\n/,
  )
  assert.match(good.out, /\n {2}✔ script {6}it ran: status 200, 5 B, PHP\/\d/)
  assert.match(good.out, /\n\n {2}All is well\.\n$/)
  const bad = await fcgi([
    'doctor',
    fpm.address,
    '--root',
    PHP_ROOT,
    '/notes.txt',
    '--script-filename',
    'notes.txt',
  ])
  assert.match(bad.out, /\n {2}✖ script {6}403: [^]*\n {16}→ /)
  assert.match(bad.out, /\n {2}Broken: script\./)
  for (const line of bad.out.split('\n'))
    assert.ok(line.length <= 80 || !line.includes(' ', 20), line)
})

test('a socket that does not exist, and another that PHP listens on', async (t) => {
  const path = join(await temporaryDirectory(t), 'none.sock')
  const diagnosis = await diagnose(`unix:${path}`)
  assertBroken(diagnosis, 'socket', /none\.sock does not exist/, /php-fpm/)
  assert.equal(diagnosis.outcomes['connection'], 'skipped')
})

test('a file that is no socket', async (t) => {
  const path = join(await temporaryDirectory(t), 'file')
  await writeFile(path, '')
  assertBroken(await diagnose(path), 'socket', /is no socket/, /|listens/)
})

test(
  'a socket that this user may not use: who I am, what it is, how to get in',
  { skip: isRoot && findProgram(['setpriv']) ? false : 'needs root and setpriv, to become nobody' },
  async (t) => {
    const directory = await temporaryDirectory(t)
    const path = join(directory, 'locked.sock')
    await listen(t, createServer(), path)
    await chmod(directory, 0o755)
    await chmod(path, 0o660)
    const asNobody = ['--reuid=65534', '--regid=65534', '--clear-groups']
    const run = async (target: string): Promise<Diagnosis> => {
      const args = [...asNobody, process.execPath, PROGRAM, 'doctor', '--json', `unix:${target}`]
      const { stdout, code } = await promisify(execFile)('setpriv', args, { cwd: '/' }).then(
        () => assert.fail('it found nothing'),
        (error: { stdout: string; code: number }) => error,
      )
      return { code, ...read(stdout) }
    }
    const closed = await run(path)
    assertBroken(
      closed,
      'socket',
      /^nobody \(groups \w+\) may not write to .*locked\.sock, which is srw-rw---- root root$/,
      /^sudo usermod -aG root nobody[^]*listen\.mode = 0660/,
    )
    await chmod(path, 0)
    assertBroken(await run(path), 'socket', /s--------- root root$/, /^in the pool: listen\.owner/)
    await chmod(directory, 0o700)
    assertBroken(
      await run(path),
      'socket',
      /may not look into .*, which is drwx------ root/,
      /chmod o\+x/,
    )
  },
)

test('a socket whose process has died', async (t) => {
  const dead = await startFpm(t)
  const { workers } = dead
  await dead.program.stop('SIGKILL')
  for (const pid of workers) killWorker(pid)
  const diagnosis = await until('its workers have gone, too', async () => {
    const found = await diagnose(dead.address, ...QUICK)
    return found.failed.check === 'connection' ? found : undefined
  })
  assertBroken(
    diagnosis,
    'connection',
    /a process that has ended left the file behind/,
    /restart php-fpm/,
  )
})

test('a port on which nothing listens', async () => {
  const diagnosis = await diagnose(`:${await freePort()}`)
  assertBroken(
    diagnosis,
    'connection',
    /nothing listens on tcp:\/\/127\.0\.0\.1:\d+/,
    /set listen in its pool/,
  )
})

test('a host that is not known', async () => {
  const diagnosis = await diagnose('php.invalid:9000', '--allow-remote', '--patience', '10')
  assert.equal(diagnosis.outcomes['address'], 'warning')
  assertBroken(
    diagnosis,
    'connection',
    /host of tcp:\/\/php\.invalid:9000 is not known/,
    /containers/,
  )
})

test('HTTP on the port', async (t) => {
  const port = await listen(
    t,
    createHttpServer((_, response) => response.end()),
    0,
  )
  assertBroken(
    await diagnose(`:${port}`),
    'protocol',
    /speaks HTTP, not FastCGI/,
    /listen in its pool/,
  )
})

test('a web server that only answers whole lines', async (t) => {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', (data) => {
      if (data.includes('\n')) socket.end('HTTP/1.0 400 Bad Request\r\n\r\n')
    })
  })
  const port = await listen(t, server, 0)
  const args = [`:${port}`, '--patience', '1']
  assertBroken(
    await diagnose(...args),
    'protocol',
    /speaks HTTP, not FastCGI/,
    /listen in its pool/,
  )
})

test('another protocol on the port', async (t) => {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.end('SSH-2.0-OpenSSH_9.2\r\n')
  })
  const diagnosis = await diagnose(`:${await listen(t, server, 0)}`)
  assertBroken(diagnosis, 'protocol', /begins with "SSH-2\.0-OpenSSH_9\.2/, /listen in its pool/)
})

test('a client that listen.allowed_clients does not allow', async (t) => {
  const strict = await startFpm(t, {
    listen: 'tcp',
    directives: { 'listen.allowed_clients': '192.0.2.1' },
  })
  const diagnosis = await diagnose(strict.address, ...QUICK)
  assertBroken(diagnosis, 'protocol', /accepted, and closed before/, /listen\.allowed_clients/)
})

test('a pool whose workers are all busy', async (t) => {
  const small = await startFpm(t, { workers: 1 })
  const gate = new Gate(small.directory)
  const busy = openPool(t, small.address).execute(php('gate.php', { query: { gate: gate.path } }))
  await gate.reached()
  const diagnosis = await diagnose(small.address, ...QUICK)
  gate.open()
  await busy
  assert.equal(diagnosis.outcomes['connection'], 'ok')
  assert.equal(diagnosis.outcomes['protocol'], 'skipped')
  assertBroken(
    diagnosis,
    'workers',
    /no worker answered within 300 ms: all of them are busy/,
    /pm\.max_children/,
  )
})

test('a backlog that is full', async (t) => {
  const full = await startFpm(t, { workers: 1, directives: { 'listen.backlog': 1 } })
  await full.halt()
  const waiting: Socket[] = []
  t.after(() => waiting.forEach((socket) => socket.destroy()))
  const path = full.address.replace('unix:', '')
  await until('the backlog is full', async () => {
    const socket = connect(path)
    waiting.push(socket)
    return new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(false))
      socket.once('error', () => resolve(true))
    })
  })
  const diagnosis = await diagnose(full.address, ...QUICK)
  assertBroken(diagnosis, 'connection', /the backlog of .* is full/, /pm\.max_children/)
})

test('a script that exists nowhere, with those that do', async () => {
  const diagnosis = await diagnose(fpm.address, '--root', PHP_ROOT, '/helo.php')
  assertBroken(
    diagnosis,
    'script',
    /knows no script .*\/helo\.php \("Primary script unknown"\), and there is none on this machine/,
    /there are .*\.php/,
  )
})

test('a root that is one folder too high', async (t) => {
  const root = await temporaryDirectory(t)
  await mkdir(join(root, 'public'))
  await copyFile(join(PHP_ROOT, 'hello.php'), join(root, 'public', 'index.php'))
  const diagnosis = await diagnose(fpm.address, '--root', root)
  assertBroken(diagnosis, 'script', /Primary script unknown/, /give --root .*\/public/)
})

test(
  'a root that php-fpm knows by another name',
  { skip: isRoot ? false : 'chroot needs root' },
  async (t) => {
    const jail = await mkdtemp(join(tmpdir(), 'fcgi-jail-'))
    t.after(() => rm(jail, { recursive: true, force: true }))
    await mkdir(join(jail, 'site'))
    await copyFile(join(PHP_ROOT, 'hello.php'), join(jail, 'site', 'hello.php'))
    const jailed = await startFpm(t, { directives: { chroot: jail } })
    const diagnosis = await diagnose(jailed.address, '--root', join(jail, 'site'), '/hello.php')
    assertBroken(
      diagnosis,
      'script',
      /the same script below \/site: it runs in a chroot/,
      /give --root \/site/,
    )
    const cured = await diagnose(jailed.address, '--root', '/site', '/hello.php')
    assert.equal(cured.healthy, true)
  },
)

test(
  'a script that the user of the pool cannot reach',
  { skip: isRoot ? false : 'only root can start php-fpm for another user' },
  async (t) => {
    const root = await mkdtemp(join('/var', 'fcgi-hidden-'))
    t.after(() => rm(root, { recursive: true, force: true }))
    await copyFile(join(PHP_ROOT, 'hello.php'), join(root, 'hello.php'))
    const weak = await startFpm(t, { directives: { user: 65534, group: 65534 } })
    const closed = await diagnose(weak.address, '--root', root, '/hello.php')
    assertBroken(
      closed,
      'script',
      /although it is on this machine/,
      /is drwx------ root root: .*chmod o\+x/,
    )
    await chmod(root, 0o755)
    await chmod(join(root, 'hello.php'), 0o600)
    const unreadable = await diagnose(weak.address, '--root', root, '/hello.php')
    assertBroken(unreadable, 'script', /php-fpm may not read/, /chmod o\+r/)
  },
)

test('a file whose extension security.limit_extensions does not allow', async () => {
  const diagnosis = await diagnose(
    fpm.address,
    '--root',
    PHP_ROOT,
    '/x.php',
    '--script-filename',
    'notes.txt',
  )
  assertBroken(
    diagnosis,
    'script',
    /^403: .*notes\.txt.*security\.limit_extensions/,
    /let the web server send/,
  )
})

test('a script that fails is told by what PHP says', async () => {
  const diagnosis = await diagnose(fpm.address, '--root', PHP_ROOT, '/status.php?status=500')
  assertBroken(diagnosis, 'script', /it ran: status 500/, /up to the application/)
  const warned = await diagnose(fpm.address, '--root', PHP_ROOT, '/warning.php')
  assert.deepEqual([warned.code, warned.outcomes['script']], [0, 'warning'])
})

test('php-cgi is told from php-fpm', async (t) => {
  const { address } = await startPhpCgi(t)
  const { out, code } = await fcgi(['doctor', address, '--root', PHP_ROOT, '/hello.php'])
  assert.equal(code, 0, out)
  assert.match(out, /php-cgi answers; no status page/)
})

test('another machine is not examined by mistake', async () => {
  const { code, err } = await fcgi(['doctor', '192.0.2.1:9000'])
  assert.equal(code, 3)
  assert.match(err, /--allow-remote/)
})
