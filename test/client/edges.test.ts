// Where phases, replays and refusals meet.

import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { describe, test } from 'node:test'
import {
  connectNode,
  Pool,
  prepareParams,
  type Connector,
  type FastCGIRequest,
} from '@fastcgi/client'
import { scriptedPeer, type PeerScript } from '@fastcgi/client/testing'
import { GET, POST, Recorder, until } from '../support/requests.ts'
import { poolOf } from '../support/scripted-pool.ts'

const answerAll: PeerScript = async (peer) => {
  for (;;) {
    const { id, params } = await peer.request()
    peer.stdout(id, params.get('REQUEST_METHOD') ?? 'none')
    peer.end(id)
  }
}

const stalled = (): ReadableStream<Uint8Array> =>
  new ReadableStream({ start: (controller) => controller.enqueue(Buffer.from('a')) })

/** Answers the first request of the first connection and dies at its second; what comes after cannot connect. */
function diesAndStaysDead(seen: string[]): Connector {
  let opened = 0
  const peers = scriptedPeer(async (peer) => {
    for (let served = 0; ; served++) {
      const { id, params } = await peer.request()
      seen.push(params.get('REQUEST_METHOD') ?? 'none')
      if (served === 1) return peer.close()
      peer.end(id)
    }
  })
  return (handler, signal) =>
    opened++ === 0
      ? peers(handler, signal)
      : Promise.reject(Object.assign(new Error('down'), { code: 'ECONNREFUSED' }))
}

describe('REQUEST_METHOD', () => {
  test('is GET for a responder that is told nothing else: php-fpm needs one', async (t) => {
    const pool = poolOf(t, answerAll)
    const requests: FastCGIRequest[] = [
      { params: {} },
      { params: [['A', 'b']] },
      { params: { REQUEST_METHOD: 'PUT' } },
      { params: {}, prepared: prepareParams({ REQUEST_METHOD: 'POST' }) },
      { params: {}, prepared: [prepareParams({ REQUEST_METHOD: 'DELETE' }), prepareParams({})] },
      { params: {}, role: 2 },
    ]
    const methods: string[] = []
    for (const request of requests) methods.push((await pool.execute(request)).text())
    assert.deepEqual(methods, ['GET', 'GET', 'PUT', 'POST', 'DELETE', 'none'])
  })

  test('counts also when it was prepared: a POST gets a new connection', async (t) => {
    const seen: string[] = []
    const pool = new Pool('unix:/peer', { connect: diesAndStaysDead(seen) })
    t.after(() => pool.destroy())
    await pool.execute(GET)
    const prepared = prepareParams({ REQUEST_METHOD: 'POST' })
    await assert.rejects(pool.execute({ prepared, params: {} }), { code: 'FCGI_ERR_CONNECT' })
    assert.deepEqual(seen, ['GET'])
  })
})

test('a replay that cannot connect is not retryable: the first time may have been seen', async (t) => {
  const pool = new Pool('unix:/peer', { connect: diesAndStaysDead([]) })
  t.after(() => pool.destroy())
  await pool.execute(GET)
  await assert.rejects(pool.execute(GET), { code: 'FCGI_ERR_CONNECT', retryable: false })
})

describe('deadlines', () => {
  test('hold while stdin is collected, from one piece of it to the next', async (t) => {
    const pool = poolOf(t, answerAll)
    const slow = pool.execute({ ...POST, stdin: stalled() }, { queueTimeout: 20 })
    await assert.rejects(slow, { phase: 'queue', message: /no more of its stdin/ })
    const whole = pool.execute({ ...POST, stdin: stalled() }, { requestTimeout: 20 })
    await assert.rejects(whole, { phase: 'request' })
    await pool.close()
  })

  test('hold while a replay connects', async (t) => {
    let opened = 0
    const peers = scriptedPeer(async (peer) => {
      const { id } = await peer.request()
      peer.end(id)
      await peer.request()
      peer.close()
    })
    const connect: Connector = (handler, signal) =>
      opened++ === 0 ? peers(handler, signal) : new Promise(() => {})
    const pool = new Pool('unix:/peer', { connect })
    t.after(() => pool.destroy())
    await pool.execute(GET)
    await assert.rejects(pool.execute(GET, { requestTimeout: 30 }), { phase: 'request' })
  })

  test('for the first byte do not count while the reader has paused', async (t) => {
    const pool = poolOf(t, answerAll)
    const recorder = new Recorder()
    const dispatched = pool.dispatch(GET, recorder, { headersTimeout: 30 })
    dispatched.pause()
    await new Promise((resolve) => setTimeout(resolve, 120))
    dispatched.resume()
    await recorder.over
    assert.deepEqual(recorder.outcomes, [{ appStatus: 0, protocolStatus: 0 }])
  })

  test('between pieces of the answer do not count while the upload goes on', async (t) => {
    const pool = poolOf(t, async (peer) => {
      const { id } = await peer.params()
      peer.stdout(id, 'I listen')
      await peer.request()
      peer.end(id)
    })
    async function* slow(): AsyncGenerator<string> {
      for (let n = 0; n < 8; n++) {
        await new Promise((resolve) => setTimeout(resolve, 40))
        yield 'x'
      }
    }
    const request = { params: { ...POST.params, CONTENT_LENGTH: 8 }, stdin: slow() }
    assert.equal((await pool.execute(request, { bodyTimeout: 200 })).text(), 'I listen')
  })
})

describe('refusals', () => {
  test('of twenty thousand waiting requests are no stack of calls', async (t) => {
    const pool = poolOf(t, answerAll, { maxQueue: 30_000 })
    const bad = Array.from({ length: 20_000 }, () => pool.execute({ params: { A: 'a\0b' } }))
    const outcomes = await Promise.allSettled(bad)
    assert.ok(outcomes.every((outcome) => outcome.status === 'rejected'))
    assert.equal((await pool.execute(GET)).text(), 'GET')
  })

  test('of what would fail later and elsewhere are TypeErrors at once', (t) => {
    const pool = poolOf(t, answerAll)
    const handler = new Recorder()
    const reader = new Blob(['x']).stream()
    reader.getReader()
    const requests = [
      { ...GET, role: 'filter' },
      { ...GET, role: 70_000 },
      { ...GET, prepared: { A: 'b' } },
      { ...GET, stdin: reader },
    ]
    for (const request of requests) {
      assert.throws(() => pool.dispatch(request as never, handler), TypeError)
    }
    assert.throws(() => pool.dispatch(GET, {} as never), /handler\.onStdout must be a function/)
  })

  test('by a handler that throws undefined end its request', async (t) => {
    const pool = poolOf(t, async (peer) => {
      const { id } = await peer.request()
      peer.stdout(id, 'x')
      await peer.gone()
    })
    const errors: unknown[] = []
    pool.dispatch(GET, {
      onStdout() {
        throw undefined
      },
      onEnd() {},
      onError: (error) => errors.push(error),
    })
    await until(() => errors.length === 1)
    assert.deepEqual(errors, [undefined])
  })

  test('by a closed pool hold for getValues as well', async () => {
    const pool = new Pool('unix:/none', { connect: () => assert.fail('nothing is to be opened') })
    await pool.close()
    await assert.rejects(pool.getValues(), { code: 'FCGI_ERR_CLOSED' })
  })
})

describe('dialling', () => {
  test('leaves no listener on its signal when it fails', async () => {
    const { signal } = new AbortController()
    const handler = { data() {}, drain() {}, close() {} }
    await assert.rejects(connectNode('unix:/no/such.sock')(handler, signal), { code: 'ENOENT' })
    assert.equal(getEventListeners(signal, 'abort').length, 0)
  })

  test('does not wait for a connector that does not look at its signal, and closes what it brings', async () => {
    let bring!: () => void
    let destroyed = false
    const connect: Connector = async () => {
      await new Promise<void>((resolve) => {
        bring = resolve
      })
      return {
        failed: false,
        write: () => true,
        pause() {},
        resume() {},
        end() {},
        destroy: () => {
          destroyed = true
        },
      }
    }
    const pool = new Pool('unix:/deaf', { connect, connectTimeout: 20 })
    await assert.rejects(pool.execute(GET), { phase: 'connect' })
    await pool.close()
    bring()
    await until(() => destroyed)
  })
})

test('an answer in a great many pieces is collected as what it holds', async (t) => {
  const pool = poolOf(t, async (peer) => {
    const { id } = await peer.request()
    for (let n = 0; n < 5000; n++) peer.stdout(id, String(n % 10))
    peer.end(id)
  })
  assert.equal((await pool.execute(GET)).text(), '0123456789'.repeat(500))
})
