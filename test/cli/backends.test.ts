// ping, status and values on real backends.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { fromFetch, serve } from '@fastcgi/client/responder'
import { startPhpCgi } from '../support/backends.ts'
import { startFpm } from '../support/fpm.ts'
import { PHP_ROOT } from '../support/paths.ts'
import { Gate, php, openPool } from '../support/php.ts'
import { fileScope, temporaryDirectory } from '../support/process.ts'
import { fcgi } from './fcgi.ts'

let address: string

const scope = fileScope()

before(async () => {
  address = (await startFpm(scope, { workers: 3 })).address
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

test('status shows every field, also those of newer versions and those that are not known yet', async (t) => {
  const worker = {
    'start time': 1_700_000_000,
    'start since': 90_061,
    'content length': 0,
    user: '-',
    'last request cpu': 12.4,
    'last request memory': 2_097_152,
  }
  const page = {
    pool: 'shop',
    'process manager': 'dynamic',
    'start time': 1_700_000_000,
    'start since': 90_061,
    'accepted conn': 1_234_567,
    'listen queue': 3,
    'max listen queue': 12,
    'listen queue len': 511,
    'idle processes': 1,
    'active processes': 1,
    'total processes': 2,
    'max active processes': 2,
    'max children reached': 4,
    'slow requests': 5,
    'memory peak': 25_165_824,
    'new field': 'new value',
    processes: [
      {
        ...worker,
        pid: 100,
        state: 'Idle',
        requests: 10,
        'request duration': 1500,
        'request method': 'GET',
        'request uri': '/index.php?a',
        script: '/index.php',
      },
      {
        ...worker,
        pid: 101,
        state: 'Reading headers',
        requests: 1200,
        'request duration': 2_500_000,
        'request method': 'POST',
        'request uri': '/cart',
        'content length': 5000,
        user: 'ada',
        script: '/srv/shop/index.php',
      },
    ],
  }
  const path = join(await temporaryDirectory(t), 's')
  const server = await serve(
    fromFetch(() => Response.json(page)),
    { listen: `unix:${path}` },
  )
  t.after(() => server.close())
  const { out } = await fcgi(['status', path, '--full'], { columns: 120 })
  assert.deepEqual(
    out
      .replace(`unix:${path}`, 'ADDRESS')
      .split('\n')
      .map((line) => line.replace(/ {3,}ADDRESS/, '  ADDRESS')),
    [
      'shop · dynamic · up 1d 1h  ADDRESS',
      '',
      '  workers    ████████████░░░░░░░░░░░░  1 of 2 busy, 2 at the most so far',
      '  queue      3 waiting, room for 511, 12 at the most so far',
      '  accepted   1,234,567 connections',
      '  limit      pm.max_children reached 4 times: requests had to wait for a worker',
      '  slow       5 slow requests, see the slowlog of the pool',
      '  memory     peak 25.2 MB',
      '  new field  new value',
      '',
      '  PID  STATE               UP  REQUESTS     TIME   CPU  MEMORY    BODY  USER  REQUEST',
      '  101  Reading headers  1d 1h     1,200   2.50 s                5.0 kB  ada   POST /cart /srv/shop/index.php',
      '  100  Idle             1d 1h        10  1.50 ms  12 %  2.1 MB                GET /index.php?a',
      '',
    ],
  )
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

test('opcache shows what it holds, and forgets', async (t) => {
  const { address: cached } = await startFpm(t, {
    ini: { 'opcache.enable': 1 },
    zendExtensions: ['opcache'],
  })
  const shown = await fcgi(['opcache', cached])
  assert.equal(shown.code, 0)
  const shape = shown.out.replaceAll(/\d+(?:[.,]\d+)*(?: [kM]?B)?/g, 'N').replaceAll(/ +/g, ' ')
  assert.match(
    shape,
    /^scripts N \(N of N keys\)\nhits N, N %; N misses\nmemory N used, N free, N wasted\nstrings /,
  )
  const { opcache_enabled: enabled } = JSON.parse((await fcgi(['opcache', cached, '--json'])).out)
  assert.equal(enabled, true)
  assert.match((await fcgi(['opcache', cached, 'reset'])).out, /^OPcache forgets everything/)
  const file = join(PHP_ROOT, 'hello.php')
  const forgotten = await fcgi(['opcache', cached, 'invalidate', file])
  assert.deepEqual([forgotten.code, forgotten.out], [0, `forgotten  ${file}\n`])
})

test('opcache says what is wrong', async () => {
  const off = await fcgi(['opcache', address])
  assert.equal(off.code, 1)
  assert.match(off.err, /^fcgi: unix:\S+: OPcache is not loaded/)
  assert.equal((await fcgi(['opcache', address, 'invalidate'])).code, 2)
  assert.equal((await fcgi(['opcache', address, 'reset', '/a.php'])).code, 2)
  const unknown = await fcgi(['opcache', address, 'forget'])
  assert.equal(unknown.code, 2)
  assert.match(unknown.err, /Allowed choices are status, reset, invalidate/)
})
