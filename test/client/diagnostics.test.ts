import assert from 'node:assert/strict'
import {
  channel as channelOf,
  hasSubscribers,
  subscribe,
  unsubscribe,
} from 'node:diagnostics_channel'
import { test, type TestContext } from 'node:test'
import {
  channelNames,
  isFastCGIError,
  Pool,
  prepareParams,
  type RequestCreateMessage,
} from '@fastcgi/client'
import { scriptedPeer } from '@fastcgi/client/testing'
import { GET, until } from '../support/requests.js'

type Message = Record<string, unknown>

/** Everything that is published about one address, as [channel, message]. */
function listen(t: TestContext, address: string): [string, Message][] {
  const heard: [string, Message][] = []
  for (const name of Object.values(channelNames)) {
    const listener = (message: unknown): void => {
      const told = message as Message & { pool?: { address?: string } }
      if ((told['address'] ?? told.pool?.address) === address) heard.push([name, told])
    }
    subscribe(name, listener)
    t.after(() => unsubscribe(name, listener))
  }
  return heard
}

test('tells the phases of connections and requests, in order and with one key for each request', async (t) => {
  const heard = listen(t, 'unix:/told')
  const connect = scriptedPeer(async (peer) => {
    for (;;) {
      const { id } = await peer.request()
      peer.stderr(id, 'a warning')
      peer.stdout(id, 'hello')
      peer.end(id, 3)
    }
  })
  const pool = new Pool('unix:/told', { connect })
  await pool.execute(GET)
  await pool.execute(GET)
  await pool.close()
  const carried = ['start', 'sent', 'stderr', 'headers', 'end'].map((name) => `request:${name}`)
  assert.deepEqual(
    heard.map(([name]) => name.replace('fastcgi:', '')),
    [
      'pool:create',
      'request:create',
      'request:queue',
      'connection:open',
      ...carried,
      'request:create',
      ...carried,
      'connection:close',
      'pool:close',
    ],
  )
  const all = (name: string, key: string): unknown[] =>
    heard.filter(([channel]) => channel === `fastcgi:${name}`).map(([, message]) => message[key])
  for (const name of carried) {
    assert.deepEqual(all(name, 'request'), all('request:create', 'request'), name)
  }
  assert.equal(new Set(all('request:create', 'request')).size, 2)
  assert.deepEqual(all('request:start', 'reused'), [false, true])
  const [opened] = all('connection:open', 'connection')
  assert.deepEqual(all('request:start', 'connection'), [opened, opened])
  assert.equal(typeof all('request:start', 'queued')[0], 'number')
  assert.equal(all('request:end', 'appStatus')[0], 3)
  assert.deepEqual(
    [all('connection:close', 'served')[0], all('connection:close', 'error')[0]],
    [2, undefined],
  )
})

test('tells failures with their errors, a replay as a second start', async (t) => {
  const heard = listen(t, 'unix:/failing')
  const connect = scriptedPeer(async (peer, index) => {
    const { id } = await peer.request()
    if (index > 0) return peer.reset()
    peer.end(id)
    await peer.request()
    peer.reset()
  })
  const pool = new Pool('unix:/failing', { connect })
  await pool.execute(GET)
  await assert.rejects(pool.execute(GET), { code: 'FCGI_ERR_SOCKET' })
  await until(() => pool.stats.connected === 0)
  assert.deepEqual(
    heard.map(([name]) => name.replace('fastcgi:', '')),
    [
      'pool:create',
      'request:create',
      'request:queue',
      'connection:open',
      'request:start',
      'request:sent',
      'request:end',
      'request:create',
      'request:start',
      'request:sent',
      'request:queue',
      'connection:close',
      'connection:open',
      'request:start',
      'request:sent',
      'connection:close',
      'request:error',
    ],
  )
  const last = heard.at(-1)?.[1]['error']
  assert.ok(isFastCGIError(last) && last.code === 'FCGI_ERR_SOCKET')
  const refused = listen(t, 'unix:/refused')
  const broken = new Pool('unix:/refused', {
    connect: () => Promise.reject(Object.assign(new Error('no'), { code: 'EACCES' })),
  })
  await assert.rejects(broken.execute(GET), /no permission/)
  assert.deepEqual(
    refused.map(([name]) => name),
    [
      'fastcgi:pool:create',
      'fastcgi:request:create',
      'fastcgi:request:queue',
      'fastcgi:connection:error',
      'fastcgi:request:error',
    ],
  )
  const [failure, outcome] = refused.slice(-2).map(([, message]) => message)
  assert.equal(failure?.['error'], outcome?.['error'])
  assert.equal(typeof failure?.['duration'], 'number')
})

test('who hears of a request before it is sent reads its params, and changes them', async (t) => {
  const pool = new Pool('unix:/changed', {
    connect: scriptedPeer(async (peer) => {
      for (;;) {
        const { id, params } = await peer.request()
        peer.stdout(id, JSON.stringify([...params]))
        peer.end(id)
      }
    }),
  })
  t.after(() => pool.destroy())
  const read: (string | undefined)[] = []
  const listener = (message: unknown): void => {
    const { address, param, setParams } = message as RequestCreateMessage
    if (address !== 'unix:/changed') return
    read.push(...['SCRIPT_NAME', 'SITE', 'REQUEST_METHOD', 'NONE'].map(param))
    setParams({ HTTP_X: 'new', HTTP_Y: undefined, SITE: 'other' })
  }
  subscribe(channelNames.requestCreate, listener)
  t.after(() => unsubscribe(channelNames.requestCreate, listener))
  const prepared = [prepareParams({ SITE: 'first' }), prepareParams({ SITE: 'last' })]
  const params = { SCRIPT_NAME: '/a.php', HTTP_X: 'old', HTTP_Y: 'old' }
  for (const own of [params, Object.entries(params), new Map(Object.entries(params))]) {
    read.length = 0
    const told = JSON.parse((await pool.execute({ prepared, params: own })).text()) as [
      string,
      string,
    ][]
    assert.deepEqual(read, ['/a.php', 'last', 'GET', undefined])
    assert.deepEqual(Object.fromEntries(told), {
      REQUEST_METHOD: 'GET',
      SCRIPT_NAME: '/a.php',
      HTTP_X: 'new',
      SITE: 'other',
    })
  }
  assert.deepEqual(params, { SCRIPT_NAME: '/a.php', HTTP_X: 'old', HTTP_Y: 'old' })
})

test('makes nothing for nobody', async (t) => {
  const names = Object.values(channelNames)
  assert.ok(!names.some((name) => hasSubscribers(name)))
  const published = names.map((name) => t.mock.method(channelOf(name), 'publish'))
  const pool = new Pool('unix:/unheard', {
    connect: scriptedPeer(async (peer) => {
      const { id } = await peer.request()
      peer.stderr(id, 'a warning')
      peer.stdout(id, 'hello')
      peer.end(id)
      peer.close()
    }),
  })
  await pool.execute(GET)
  await pool.close()
  assert.deepEqual(
    published.map(({ mock }) => mock.callCount()),
    names.map(() => 0),
  )
})
