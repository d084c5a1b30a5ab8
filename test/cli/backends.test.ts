// ping, status and values on real backends.

import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { startPhpCgi } from '../support/backends.ts'
import { startFpm } from '../support/fpm.ts'
import { Gate, php, openPool } from '../support/php.ts'
import { fcgi } from './fcgi.ts'

let address: string

before(async (t) => {
  assert.ok('after' in t)
  address = (await startFpm(t, { workers: 3 })).address
})

test('ping says pong and how long it took', async () => {
  const { code, out } = await fcgi(['ping', address])
  assert.equal(code, 0)
  assert.match(out, /^pong from unix:\S+ {2}connect [\d.]+ ms · total [\d.]+ ms\n$/)
  const json = JSON.parse((await fcgi(['ping', address, '--json'])).out)
  assert.equal(json.ok, true)
  assert.equal(json.answer, 'pong')
  assert.ok(json.connect <= json.total)
})

test('ping exits with 1 when there is no ping page, or it says something else', async () => {
  const missing = await fcgi(['ping', address, '--path', '/other'])
  assert.equal(missing.code, 1)
  assert.match(missing.err, /no ping page at \/other: set ping\.path = \/other in its pool/)
  const other = await fcgi(['ping', address, '--expect', 'alive'])
  assert.equal(other.code, 1)
  assert.match(other.err, /answered 200 and "pong" instead of alive/)
})

test('status shows the pool', async () => {
  const { code, out } = await fcgi(['status', address])
  assert.equal(code, 0)
  const shape = out
    .replace(/unix:\S+/, 'ADDRESS')
    .replace(/█+░*/, 'METER')
    .replaceAll(/\d+/g, 'N')
    .replace(/up (?:Ns|Nm Ns)/, 'up TIME')
    .replace(/TIME +/, 'TIME ')
  assert.equal(
    shape,
    [
      'www · static · up TIME ADDRESS',
      '',
      '  workers   METER  N of N busy, N at the most so far',
      '  queue     N waiting, N at the most so far',
      '  accepted  N connections',
      '  limit     pm.max_children never reached',
      '  slow      no slow requests',
      '',
    ].join('\n'),
  )
})

test('status --full shows every worker and what it does', async (t) => {
  const fpm = await startFpm(t, { workers: 2 })
  const gate = new Gate(fpm.directory)
  const query = { gate: gate.path, note: 'esc\x1b[31m' }
  const busy = openPool(t, fpm.address).execute(php('gate.php', { query }))
  const pid = await gate.reached()
  const { out } = await fcgi(['status', fpm.address, '--full'], { columns: 200 })
  gate.open()
  await busy
  assert.match(out, /\n +PID +STATE +UP +REQUESTS +TIME .*REQUEST\n/)
  const line = out.split('\n').find((text) => text.includes(String(pid)))
  assert.match(line ?? '', /Running .* GET \/gate\.php\?gate=/)
  assert.match(out, /Running .* GET \/status\?json&full/)
  assert.match(out, /█{24} {2}2 of 2 busy/)
  const lines = out.split('\n')
  const narrow = (await fcgi(['status', fpm.address, '--full'], { columns: 60 })).out.split('\n')
  assert.ok(narrow.slice(8).every((text) => text.length <= 60))
  assert.ok(lines.some((text) => text.length > 60))
})

test('status --json gives what php-fpm says', async () => {
  const { out } = await fcgi(['status', address, '--json', '--full'])
  const status = JSON.parse(out)
  assert.equal(status.pool, 'www')
  assert.equal(status['total processes'], 3)
  assert.equal(status.processes.length, 3)
})

test('status says what to set where there is no status page', async () => {
  const { code, err } = await fcgi(['status', address, '--path', '/other'])
  assert.equal(code, 1)
  assert.match(err, /no status page at \/other: set pm\.status_path = \/other in its pool/)
})

test('status --watch prints one look after the other until it is ended', async () => {
  const end = new AbortController()
  const looks = fcgi(['status', address, '--watch', '--json', '--interval', '0.01'], {
    signal: end.signal,
  })
  // That it goes on by itself is shown by what it has asked for: each look is a connection.
  const accepted = async (): Promise<number> =>
    JSON.parse((await fcgi(['status', address, '--json'])).out)['accepted conn']
  const start = await accepted()
  while ((await accepted()) < start + 10);
  end.abort()
  const { out } = await looks
  const lines = out.trim().split('\n')
  assert.ok(lines.length > 1)
  for (const line of lines) assert.equal(JSON.parse(line).pool, 'www')
})

test('values prints what the backend says about itself', async (t) => {
  const fpm = await fcgi(['values', address])
  assert.deepEqual([fpm.code, fpm.out], [0, 'FCGI_MPXS_CONNS  0\n'])
  const cgi = await startPhpCgi(t, { workers: 3 })
  const json = JSON.parse((await fcgi(['values', cgi.address, '--json'])).out)
  assert.deepEqual(json, { FCGI_MAX_CONNS: '3', FCGI_MAX_REQS: '3', FCGI_MPXS_CONNS: '0' })
  const one = await fcgi(['values', cgi.address, 'FCGI_MAX_REQS'])
  assert.equal(one.out, 'FCGI_MAX_REQS  3\n')
})
