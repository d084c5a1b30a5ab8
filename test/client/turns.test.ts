// Requests that wait for the end of the turn of the event loop in which they began.

import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import {
  Pool,
  type Connector,
  type FastCGIRequest,
  type Transport,
  type TransportHandler,
} from '@fastcgi/client'
import { scriptedPeer, type PeerScript } from '@fastcgi/client/testing'
import { GET, until } from '../support/requests.ts'

/** Connections of scripted peers whose turns end when the test says so. */
class Turns {
  /** What the peers were asked, each with the number of its connection. */
  readonly asked: string[] = []
  readonly handlers: TransportHandler[] = []
  readonly transports: Transport[] = []
  #callbacks: (() => void)[] = []

  get waiting(): number {
    return this.#callbacks.length
  }

  end(): void {
    for (const callback of this.#callbacks.splice(0)) callback()
  }

  readonly connect: Connector = async (handler, signal) => {
    const number = this.handlers.push(handler)
    const script: PeerScript = async (peer) => {
      for (;;) {
        const { id, params } = await peer.request()
        const method = params.get('REQUEST_METHOD')
        this.asked.push(`${method} ${number}`)
        peer.stdout(id, `${method} ${number}`)
        peer.end(id)
      }
    }
    const transport = await scriptedPeer(script)(handler, signal)
    transport.soon = (callback) => void this.#callbacks.push(callback)
    this.transports.push(transport)
    return transport
  }
}

/** A pool of one connection that has answered one request. */
async function used(t: TestContext): Promise<{ pool: Pool; turns: Turns }> {
  const turns = new Turns()
  const pool = new Pool('unix:/peer', { connections: 1, connect: turns.connect })
  t.after(() => pool.destroy())
  await ask(pool, turns, GET)
  turns.asked.length = 0
  return { pool, turns }
}

async function ask(pool: Pool, turns: Turns, request: FastCGIRequest): Promise<string> {
  const answer = pool.execute(request)
  await until(() => turns.waiting > 0)
  turns.end()
  return (await answer).text()
}

describe('a request', () => {
  test('is written when the turn ends, and not before', async (t) => {
    const { pool, turns } = await used(t)
    const answer = pool.execute(GET)
    for (let step = 0; step < 50; step++) await Promise.resolve()
    assert.deepEqual(turns.asked, [])
    turns.end()
    assert.equal((await answer).text(), 'GET 1')
  })

  test('whose connection closes before has not been seen by anybody, and goes to a new one', async (t) => {
    const { pool, turns } = await used(t)
    const answer = pool.execute(GET)
    turns.handlers[0]!.close()
    await until(() => turns.transports.length === 2 && turns.waiting > 1)
    turns.end()
    assert.equal((await answer).text(), 'GET 2')
    assert.deepEqual(turns.asked, ['GET 2'])
  })

  test('is not answered by what came before it was sent', async (t) => {
    const { pool, turns } = await used(t)
    const answer = pool.execute(GET)
    // END_REQUEST for the request id that comes next, as a peer would say it that has lost count.
    const end = Uint8Array.of(1, 3, 0, 1, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    turns.handlers[0]!.data(end)
    await until(() => turns.transports.length === 2 && turns.waiting > 1)
    turns.end()
    assert.equal((await answer).text(), 'GET 2')
  })

  test('that is aborted before is never sent', async (t) => {
    const { pool, turns } = await used(t)
    const reason = new Error('changed my mind')
    const controller = new AbortController()
    const answer = pool.execute(GET, { signal: controller.signal })
    controller.abort(reason)
    await assert.rejects(answer, (error) => error === reason)
    turns.end()
    assert.equal(await ask(pool, turns, GET), 'GET 2')
    assert.deepEqual(turns.asked, ['GET 2'])
  })

  test('on a first connection that speaks without being asked fails, and says why', async (t) => {
    const turns = new Turns()
    const pool = new Pool('unix:/peer', { connections: 1, connect: turns.connect })
    t.after(() => pool.destroy())
    const answer = pool.execute(GET)
    await until(() => turns.waiting > 0)
    turns.handlers[0]!.data(Uint8Array.of(1))
    await assert.rejects(answer, (error: Error) => /before the request/.test(String(error.cause)))
  })
})
