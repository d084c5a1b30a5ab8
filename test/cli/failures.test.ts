// Exit codes, one clear sentence, and what --verbose adds.

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { connect, createServer as createNetServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { startFpm, type Fpm } from '../support/fpm.ts'
import { Gate } from '../support/php.ts'
import { fileScope, freePort, temporaryDirectory, until } from '../support/process.ts'
import { CLI_PHP, fcgi } from './fcgi.ts'

let fpm: Fpm

const scope = fileScope()

before(async () => {
  fpm = await startFpm(scope)
})

/** The exit code and the one line that is said. */
async function fails(args: string[]): Promise<{ code: number; err: string }> {
  const { code, err, out } = await fcgi(args)
  assert.equal(out, '')
  assert.equal(err.trim().split('\n').length, 1, err)
  return { code, err }
}

test('2: what cannot be understood, with a hint', async () => {
  for (const args of [
    ['gte'],
    ['get'],
    ['get', ':1', '/', '--nonsense'],
    ['get', ':1', '/', '-m', 'x'],
  ]) {
    const { code, err } = await fcgi(args)
    assert.equal(code, 2)
    assert.match(err, /^fcgi: /)
    assert.match(err, /Try 'fcgi.* --help'\.\n$/)
  }
})

test('3: an address or URL that cannot be used', async () => {
  assert.equal((await fails(['get', 'nonsense', '/'])).code, 3)
  assert.equal((await fails(['get', fpm.address, 'nonsense'])).code, 3)
})

test('3: another machine, unless --allow-remote says that this is meant', async () => {
  for (const host of ['192.0.2.1', 'php', '[2001:db8::1]', '127.0.0.1.example.org']) {
    const { code, err } = await fails(['get', `${host}:9000`, '/'])
    assert.equal(code, 3)
    assert.match(err, /is not on this machine.*--allow-remote/)
  }
  // Loopback needs no permission, and permission is all that is missing.
  const port = await freePort()
  for (const host of ['127.0.0.1', 'localhost', '']) {
    assert.equal((await fails(['get', `${host}:${port}`, '/'])).code, 7)
  }
  assert.equal((await fails(['get', `0.0.0.0:${port}`, '/', '--allow-remote'])).code, 7)
})

test('7: nothing listens there', async (t) => {
  const path = join(await temporaryDirectory(t), 'none')
  const { code, err } = await fails(['get', `unix:${path}`, '/'])
  assert.equal(code, 7)
  assert.match(err, /^fcgi: cannot connect to unix:.*ENOENT.*no such socket/)
})

test('8: HTTP instead of FastCGI', async (t) => {
  const server = createServer()
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const bound = server.address()
  assert.ok(bound !== null && typeof bound === 'object')
  assert.equal((await fails(['get', `:${bound.port}`, '/'])).code, 8)
})

test('18: an answer that is shorter than it says', async () => {
  const { code, err, out } = await fcgi(['get', fpm.address, '/short.php', '--root', CLI_PHP])
  assert.equal(out, 'short')
  assert.equal(code, 18)
  assert.match(err, /the body has 5 bytes, but its Content-Length says 100/)
})

test('18: a connection that ends before the answer does', async (t) => {
  const dying = await startFpm(t, { workers: 1 })
  const gate = new Gate(dying.directory)
  const url = `/gate.php?before=half&gate=${encodeURIComponent(gate.path)}`
  const answer = fcgi(['get', dying.address, url])
  process.kill(await gate.reached(), 'SIGKILL')
  const { code, out } = await answer
  assert.deepEqual([code, out], [18, 'half'])
})

test('28: an answer that stops coming', async (t) => {
  const slow = await startFpm(t, { workers: 2 })
  const gate = new Gate(slow.directory)
  const url = `/gate.php?before=half&gate=${encodeURIComponent(gate.path)}`
  const { code, out } = await fcgi(['get', slow.address, url, '--stall-timeout', '0.05'])
  gate.open()
  assert.deepEqual([code, out], [28, 'half'])
})

test('28: a backend that never answers FCGI_GET_VALUES', async (t) => {
  const path = join(await temporaryDirectory(t), 's')
  const server = createNetServer((socket) => void socket.resume())
  await new Promise<void>((resolve) => void server.listen(path, resolve))
  t.after(() => server.close())
  const { code, err } = await fails(['values', path, '-m', '0.05'])
  assert.equal(code, 28)
  assert.match(err, /did not answer FCGI_GET_VALUES/)
})

test('28: a backlog that stays full', async (t) => {
  const full = await startFpm(t, { workers: 1, directives: { 'listen.backlog': 1 } })
  await full.halt()
  const waiting: Socket[] = []
  t.after(() => waiting.forEach((socket) => socket.destroy()))
  await until('the backlog is full', async () => {
    const socket = connect(full.address.replace('unix:', ''))
    waiting.push(socket)
    return new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(false))
      socket.once('error', () => resolve(true))
    })
  })
  const { code, err } = await fails(['get', full.address, '/hello.php', '--connect-timeout', '0.1'])
  assert.equal(code, 28)
  assert.match(err, /no connection to unix:.* within 100 ms/)
})

test('28: time runs out', async (t) => {
  const slow = await startFpm(t, { workers: 2 })
  const gate = new Gate(slow.directory)
  const url = `/gate.php?gate=${encodeURIComponent(gate.path)}`
  assert.equal((await fails(['get', slow.address, url, '-m', '0.05'])).code, 28)
  const first = await fails(['get', slow.address, url, '--first-byte-timeout', '0.05'])
  assert.equal(first.code, 28)
  gate.open()
})

test('52: the connection is closed before anything is answered', async (t) => {
  const crashing = await startFpm(t, { workers: 1 })
  const gate = new Gate(crashing.directory)
  const answer = fails(['get', crashing.address, `/gate.php?gate=${encodeURIComponent(gate.path)}`])
  process.kill(await gate.reached(), 'SIGKILL')
  assert.equal((await answer).code, 52)
})

test('--verbose shows what led to a failure', async (t) => {
  const path = join(await temporaryDirectory(t), 'none')
  const { err } = await fcgi(['ping', `unix:${path}`, '--verbose'])
  assert.match(err, /\n {2}because: connect ENOENT/)
})

test('what others wrote cannot steer the terminal', async () => {
  const args = ['get', fpm.address, '/escape.php', '--root', CLI_PHP]
  const shown = await fcgi(args, { tty: ['stderr'], env: { NO_COLOR: '1' } })
  assert.equal(shown.err, '! PHP message: before\\x1b[2Jafter\n')
  // A program gets it as it is.
  assert.ok((await fcgi(args)).err.includes('before\x1b[2Jafter'))
  const { out } = await fcgi(['env', '/a.php', '--param', 'X=\x1b[2J'])
  assert.ok(out.includes('X                  \\x1b[2J\n'), out)
})

test('what was asked for cannot steer the terminal from a failure', async () => {
  const { err } = await fcgi(['get', fpm.address, '/x\x1b[2J%00'])
  assert.ok(!err.includes('\x1b'))
})
