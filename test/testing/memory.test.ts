// The transports in memory that tests stand on.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Pool } from '@fastcgi/client'
import { connectMemory, scriptedPeer } from '@fastcgi/client/testing'
import { GET } from '../support/requests.js'

test('what is sent while a connection is being accepted arrives', async () => {
  const connect = scriptedPeer((peer) => peer.send(Buffer.from('220 mail.example.org')))
  const pool = new Pool('unix:/memory', { connect })
  await assert.rejects(pool.execute(GET), { code: 'FCGI_ERR_REMOTE_PROTOCOL', message: /220 mail/ })
})

test('a connection that is reset or closed while it is being accepted is told so, once', async () => {
  for (const reason of [new Error('no'), undefined]) {
    const told: unknown[] = []
    const connect = connectMemory((transport) => {
      if (reason) transport.reset(reason)
      else transport.close()
      return { data() {}, drain() {}, close: () => told.push('far') }
    })
    let connected = false
    await new Promise<void>((resolve, reject) => {
      const near = {
        data: () => reject(new Error('nothing was sent')),
        drain: () => {},
        close: () => {
          told.push(connected ? 'near' : 'near, before it was connected')
          resolve()
        },
      }
      connect(near, new AbortController().signal).then(() => {
        connected = true
      }, reject)
    })
    assert.deepEqual(new Set(told), new Set(['far', 'near']))
    assert.equal(told.length, 2)
  }
})

test('a script that throws at once fails the request of its connection', async () => {
  const connect = scriptedPeer(() => {
    throw new Error('the script is wrong')
  })
  const pool = new Pool('unix:/memory', { connect })
  await assert.rejects(pool.execute(GET), {
    code: 'FCGI_ERR_SOCKET',
    message: /the script is wrong/,
  })
})
