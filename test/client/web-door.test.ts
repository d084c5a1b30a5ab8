// The door for runtimes without sockets: the same pool, which has to be told how to open connections.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as face from '@fastcgi/client'
import { scriptedPeer, type PeerScript } from '@fastcgi/client/testing'
import * as web from '@fastcgi/client/web'
import { GET } from '../support/requests.ts'

const answer: PeerScript = async (peer) => {
  const { id } = await peer.request()
  peer.stdout(id, 'hello')
  peer.end(id)
}

test('it offers what the main door offers, but what needs sockets', () => {
  const missing = Object.keys(face).filter((name) => !(name in web))
  assert.deepEqual(missing.toSorted(), ['connectBun', 'connectNode'])
  assert.deepEqual(
    Object.keys(web).filter((name) => !(name in face)),
    [],
  )
})

test('a connector that is given is used', async () => {
  const connect = scriptedPeer(answer)
  await using pool = new web.Pool('tcp://php:9000', { connect, keepAlive: false })
  assert.equal((await pool.execute(GET)).text(), 'hello')
  await using client = new web.Client('tcp://php:9000', { connect, keepAlive: false })
  assert.equal((await client.execute(GET)).text(), 'hello')
  assert.equal((await web.executeOnce('tcp://php:9000', GET, { connect })).text(), 'hello')
})

test('without a connector it says what to do', async () => {
  const told = { name: 'TypeError', message: /connect is missing.*fromStreams/s }
  // What a program in JavaScript can do, and types forbid.
  const options = {} as { connect: web.Connector }
  assert.throws(() => new web.Pool('tcp://php:9000', options), told)
  assert.throws(() => new web.Client('tcp://php:9000', options), told)
  await assert.rejects(web.executeOnce('tcp://php:9000', GET, options), told)
})

test('pools of the main door are pools of this one, and a client is a pool', () => {
  const client = new face.Client('127.0.0.1:9000')
  assert.ok(client instanceof face.Pool)
  assert.ok(client instanceof web.Pool)
})
