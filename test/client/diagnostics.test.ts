import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { test, type TestContext } from 'node:test'
import { channelNames, isFastCGIError, Pool } from '@fastcgi/client'
import { scriptedPeer } from '@fastcgi/client/testing'
import { GET, until } from '../support/requests.js'

type Message = Record<string, unknown>

/** Everything that is published about one address, as [channel, message]. */
function listen(t: TestContext, address: string): [string, Message][] {
  const heard: [string, Message][] = []
  for (const name of Object.values(channelNames)) {
    const listener = (message: unknown): void => {
      if ((message as Message)['address'] === address) heard.push([name, message as Message])
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
  const request = ['start', 'stderr', 'headers', 'end'].map((phase) => `fastcgi:request:${phase}`)
  assert.deepEqual(
    heard.map(([name]) => name),
    ['fastcgi:connection:open', ...request, ...request, 'fastcgi:connection:close'],
  )
  const messages = heard.map(([, message]) => message)
  assert.equal(new Set(messages.slice(1, 5).map((message) => message['request'])).size, 1)
  assert.notEqual(messages[1]?.['request'], messages[5]?.['request'])
  assert.deepEqual([messages[1]?.['reused'], messages[5]?.['reused']], [false, true])
  assert.equal(typeof messages[1]?.['queued'], 'number')
  assert.equal(messages[4]?.['appStatus'], 3)
  assert.deepEqual([messages[9]?.['served'], messages[9]?.['error']], [2, undefined])
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
      'connection:open',
      'request:start',
      'request:end',
      'request:start',
      'connection:close',
      'connection:open',
      'request:start',
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
    ['fastcgi:connection:error', 'fastcgi:request:error'],
  )
})
