// Connections and the queue: limits, fairness, time, closing.

import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import {
  Client,
  executeOnce,
  Pool,
  prepareParams,
  TimeoutError,
  type Connector,
  type PoolOptions,
  type TimeoutPhase,
} from '@fastcgi/client'
import { scriptedPeer, type PeerScript } from '@fastcgi/client/testing'
import { GET, nextTurn, POST, Recorder, until } from '../support/requests.js'

function poolOf(t: TestContext, script: PeerScript, options: PoolOptions = {}): Pool {
  const pool = new Pool('unix:/peer', { ...options, connect: scriptedPeer(script) })
  t.after(() => pool.destroy())
  return pool
}

/** Answers every request with its number on the connection and whether the connection is to be kept. */
const answerAll: PeerScript = async (peer, index) => {
  for (let served = 0; ; served++) {
    const { id, keepConn } = await peer.request()
    peer.stdout(id, `${index}.${served} ${keepConn ? 'keep' : 'close'}`)
    peer.end(id)
    if (!keepConn) return peer.close()
  }
}

/** Answers only when it is told to; counts what waits. */
class Gate {
  waiting = 0
  #open: (() => void)[] = []

  readonly script: PeerScript = async (peer) => {
    for (;;) {
      const { id, params } = await peer.request()
      this.waiting++
      await new Promise<void>((resolve) => {
        this.#open.push(resolve)
      })
      this.waiting--
      peer.stdout(id, params.get('N') ?? '')
      peer.end(id)
    }
  }

  /** Lets the request answer that has waited longest. */
  release(): void {
    this.#open.shift()?.()
  }
}

const numbered = (N: number | string): typeof GET => ({ params: { ...GET.params, N } as never })

describe('connections', () => {
  test('none is opened before the first request', (t) => {
    const pool = poolOf(t, answerAll)
    assert.deepEqual(pool.stats, { connected: 0, connecting: 0, idle: 0, running: 0, queued: 0 })
  })

  test('are kept and used again, the last one first', async (t) => {
    const pool = poolOf(t, answerAll)
    await Promise.all([pool.execute(GET), pool.execute(GET), pool.execute(GET)])
    assert.deepEqual(pool.stats, { connected: 3, connecting: 0, idle: 3, running: 0, queued: 0 })
    const answers = new Set<string>()
    for (let n = 0; n < 3; n++) answers.add((await pool.execute(GET)).text().split('.')[0]!)
    assert.equal(answers.size, 1)
  })

  test('are never more than the limit, also under a burst', async (t) => {
    let open = 0
    let most = 0
    const pool = poolOf(
      t,
      async (peer, index) => {
        most = Math.max(most, ++open)
        void peer.gone().then(() => open--)
        await answerAll(peer, index)
      },
      { connections: 3 },
    )
    await Promise.all(Array.from({ length: 200 }, () => pool.execute(GET)))
    assert.equal(most, 3)
  })

  test('are not kept with keepAlive: false, and for one request when it says so', async (t) => {
    const short = poolOf(t, answerAll, { keepAlive: false })
    assert.equal((await short.execute(GET)).text(), '0.0 close')
    assert.equal((await short.execute(GET)).text(), '1.0 close')
    const kept = poolOf(t, answerAll)
    assert.equal((await kept.execute({ ...GET, keepAlive: false })).text(), '0.0 close')
    assert.equal((await kept.execute(GET)).text(), '1.0 keep')
  })

  test('end after maxRequestsPerConnection, and the last request says so', async (t) => {
    const pool = poolOf(t, answerAll, { connections: 1, maxRequestsPerConnection: 2 })
    const answers: string[] = []
    for (let n = 0; n < 4; n++) answers.push((await pool.execute(GET)).text())
    assert.deepEqual(answers, ['0.0 keep', '0.1 close', '1.0 keep', '1.1 close'])
  })

  test('are closed after keepAliveTimeout without a request', async (t) => {
    const pool = poolOf(t, answerAll, { keepAliveTimeout: 10 })
    await Promise.all([pool.execute(GET), pool.execute(GET)])
    assert.equal(pool.stats.idle, 2)
    await until(() => pool.stats.connected === 0)
    assert.equal((await pool.execute(GET)).text(), '2.0 keep')
  })

  test('that cannot be opened fail one request each, and the others are still tried', async (t) => {
    let attempts = 0
    const peers = scriptedPeer(answerAll)
    const connect: Connector = (handler, signal) => {
      if (attempts++ < 2) return Promise.reject(Object.assign(new Error('no'), { code: 'ENOENT' }))
      return peers(handler, signal)
    }
    const pool = new Pool('unix:/none', { connect, connections: 1 })
    t.after(() => pool.destroy())
    const outcomes = await Promise.allSettled([1, 2, 3].map(() => pool.execute(GET)))
    assert.deepEqual(
      outcomes.map((outcome) => outcome.status),
      ['rejected', 'rejected', 'fulfilled'],
    )
    await assert.rejects(
      Promise.reject((outcomes[0] as PromiseRejectedResult).reason as Error),
      /cannot connect to unix:\/none \(ENOENT\): there is no such socket/,
    )
  })

  test('a full backlog (EAGAIN) is waited out', async (t) => {
    let attempts = 0
    const peers = scriptedPeer(answerAll)
    const connect: Connector = (handler, signal) => {
      if (attempts++ < 3) {
        return Promise.reject(Object.assign(new Error('full'), { code: 'EAGAIN' }))
      }
      return peers(handler, signal)
    }
    const pool = new Pool('unix:/full', { connect })
    t.after(() => pool.destroy())
    assert.equal((await pool.execute(GET)).text(), '0.0 keep')
    assert.equal(attempts, 4)
  })

  test('one that is over before its connector has resolved fails its request, and leaks nothing', async (t) => {
    const connect: Connector = async (handler) => {
      handler.close(new Error('changed its mind'))
      await nextTurn()
      return { failed: true, write: () => false, pause() {}, resume() {}, destroy() {}, end() {} }
    }
    const pool = new Pool('unix:/hasty', { connect, connections: 1 })
    t.after(() => pool.destroy())
    for (let n = 0; n < 2; n++) {
      await assert.rejects(pool.execute(GET), { code: 'FCGI_ERR_CONNECT', retryable: true })
    }
    await pool.close()
    assert.deepEqual(pool.stats, { connected: 0, connecting: 0, idle: 0, running: 0, queued: 0 })
  })

  test('one that was opened for a request which gave up serves the next', async (t) => {
    const pool = poolOf(t, answerAll, { connections: 1 })
    const controller = new AbortController()
    const aborted = pool.execute(GET, { signal: controller.signal })
    controller.abort()
    await assert.rejects(aborted, { name: 'AbortError' })
    assert.equal((await pool.execute(GET)).text(), '0.0 keep')
  })
})

describe('an application with fewer workers than the pool has connections', () => {
  /** Serves as many connections at a time as it has workers, each until it is closed; the others wait unread, as in a backlog. */
  function workers(free: number): PeerScript {
    const backlog: (() => void)[] = []
    return async (peer) => {
      if (free-- <= 0) {
        await new Promise<void>((resolve) => {
          backlog.push(resolve)
        })
      }
      void peer.gone().then(() => {
        free++
        backlog.shift()?.()
      })
      for (;;) {
        const { id } = await peer.request()
        peer.stdout(id, 'served')
        peer.end(id)
      }
    }
  }

  test('answers them all, although some connections are busy all the time', async (t) => {
    const pool = poolOf(t, workers(2), {
      connections: 4,
      maxRequestsPerConnection: 0,
      keepAliveTimeout: 60_000,
    })
    const over = new AbortController()
    const first = Array.from({ length: 4 }, () => pool.execute(GET))
    const load = Array.from({ length: 4 }, async () => {
      while (!over.signal.aborted) {
        await pool.execute(GET)
        await nextTurn()
      }
    })
    const answers = await Promise.all(first)
    over.abort()
    await Promise.all(load)
    assert.deepEqual(
      answers.map((answer) => answer.text()),
      ['served', 'served', 'served', 'served'],
    )
  })

  test('answers them all, although an idle connection is kept for ever', async (t) => {
    const pool = poolOf(t, workers(1), { connections: 2, keepAliveTimeout: 0 })
    const answers = await Promise.all([pool.execute(GET), pool.execute(GET)])
    assert.equal(answers.length, 2)
  })
})

describe('the queue', () => {
  test('is first in, first out', async (t) => {
    const gate = new Gate()
    const pool = poolOf(t, gate.script, { connections: 1 })
    const order: string[] = []
    const all = Array.from({ length: 20 }, async (_, n) => {
      order.push((await pool.execute(numbered(n))).text())
    })
    for (let n = 0; n < 20; n++) {
      await until(() => gate.waiting === 1)
      gate.release()
      await until(() => order.length === n + 1)
    }
    await Promise.all(all)
    assert.deepEqual(
      order,
      Array.from({ length: 20 }, (_, n) => String(n)),
    )
  })

  test('refuses what exceeds maxQueue at once, and takes more when there is room again', async (t) => {
    const gate = new Gate()
    const pool = poolOf(t, gate.script, { connections: 1, maxQueue: 2 })
    const running = [1, 2, 3].map((n) => pool.execute(numbered(n)))
    await until(() => gate.waiting === 1)
    assert.deepEqual([pool.stats.running, pool.stats.queued], [1, 2])
    await assert.rejects(pool.execute(GET), { code: 'FCGI_ERR_QUEUE_FULL', retryable: true })
    gate.release()
    await running[0]
    running.push(pool.execute(numbered(4)))
    for (const next of running.slice(1)) {
      await until(() => gate.waiting === 1)
      gate.release()
      await next
    }
  })

  test('with maxQueue: 0 still serves as many as there are connections', async (t) => {
    const gate = new Gate()
    const pool = poolOf(t, gate.script, { connections: 2, maxQueue: 0 })
    const running = [1, 2].map((n) => pool.execute(numbered(n)))
    await assert.rejects(pool.execute(GET), { code: 'FCGI_ERR_QUEUE_FULL' })
    await until(() => gate.waiting === 2)
    gate.release()
    gate.release()
    await Promise.all(running)
  })

  test('a request that gives up leaves it', async (t) => {
    const gate = new Gate()
    const pool = poolOf(t, gate.script, { connections: 1 })
    const first = pool.execute(numbered(1))
    const controller = new AbortController()
    const second = pool.execute(numbered(2), { signal: controller.signal })
    const third = pool.execute(numbered(3))
    await until(() => gate.waiting === 1)
    controller.abort(new Error('enough'))
    await assert.rejects(second, /enough/)
    assert.equal(pool.stats.queued, 1)
    gate.release()
    await first
    await until(() => gate.waiting === 1)
    gate.release()
    assert.equal((await third).text(), '3')
  })
})

describe('time runs out in the phase that the error names', () => {
  const never: Connector = (_handler, signal) =>
    new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason))
    })

  async function timesOut(pool: Pool, phase: TimeoutPhase, options = {}): Promise<void> {
    await assert.rejects(pool.execute(GET, options), (error) => {
      assert.ok(error instanceof TimeoutError)
      assert.equal(error.phase, phase)
      assert.equal(error.code, 'FCGI_ERR_TIMEOUT')
      assert.equal(error.retryable, phase === 'queue' || phase === 'connect')
      assert.match(error.message, /unix:\/(?:peer|none)/)
      return true
    })
  }

  test('connect', async (t) => {
    const pool = new Pool('unix:/none', { connect: never, connectTimeout: 20 })
    t.after(() => pool.destroy())
    await timesOut(pool, 'connect')
    assert.equal(pool.stats.connecting, 0)
  })

  test('queue, by the option of the pool and by that of the request', async (t) => {
    const gate = new Gate()
    const pool = poolOf(t, gate.script, { connections: 1, queueTimeout: 30 })
    const running = pool.execute(numbered(1), { queueTimeout: 0 })
    await until(() => gate.waiting === 1)
    await timesOut(pool, 'queue')
    await timesOut(pool, 'queue', { queueTimeout: 5 })
    assert.equal(pool.stats.queued, 0)
    gate.release()
    assert.equal((await running).text(), '1')
  })

  test('headers: stderr is no answer', async (t) => {
    const pool = poolOf(
      t,
      async (peer) => {
        const { id } = await peer.request()
        peer.stderr(id, 'thinking')
        await peer.gone()
      },
      { headersTimeout: 30 },
    )
    await timesOut(pool, 'headers')
    await until(() => pool.stats.connected === 0)
  })

  test('headers: the time counts from the last piece of stdin that went out', async (t) => {
    const pool = poolOf(
      t,
      async (peer) => {
        const { id } = await peer.request()
        peer.stdout(id, 'late but fine')
        peer.end(id)
      },
      { headersTimeout: 200 },
    )
    async function* slow(): AsyncGenerator<string> {
      for (let n = 0; n < 6; n++) {
        await new Promise((resolve) => setTimeout(resolve, 60))
        yield 'x'
      }
    }
    const params = { ...POST.params, CONTENT_LENGTH: 6 }
    assert.equal((await pool.execute({ params, stdin: slow() })).text(), 'late but fine')
  })

  test('body', async (t) => {
    const pool = poolOf(
      t,
      async (peer) => {
        const { id } = await peer.request()
        peer.stdout(id, 'half')
        await peer.gone()
      },
      { bodyTimeout: 30 },
    )
    await timesOut(pool, 'body')
  })

  test('body: time in which the reader holds it up does not count', async (t) => {
    const pool = poolOf(
      t,
      async (peer) => {
        const { id } = await peer.request()
        for (let n = 0; n < 40; n++) peer.stdout(id, 'x'.repeat(10_000))
        peer.end(id)
      },
      { bodyTimeout: 30 },
    )
    let length = 0
    for await (const { data } of pool.stream(GET)) {
      if (length === 0) await new Promise((resolve) => setTimeout(resolve, 120))
      length += data.length
    }
    assert.equal(length, 400_000)
  })

  test('request: the whole, in whatever phase it is', async (t) => {
    const pool = poolOf(t, async (peer) => {
      const { id } = await peer.request()
      peer.stdout(id, 'half')
      await peer.gone()
    })
    await timesOut(pool, 'request', { requestTimeout: 30 })
    const waiting = new Pool('unix:/none', { connect: never, requestTimeout: 20 })
    t.after(() => waiting.destroy())
    await timesOut(waiting, 'request')
  })
})

describe('closing', () => {
  test('close finishes what runs and what waits, then closes the connections', async (t) => {
    const gate = new Gate()
    const pool = poolOf(t, gate.script, { connections: 1 })
    const running = [1, 2].map((n) => pool.execute(numbered(n)))
    await until(() => gate.waiting === 1)
    let closed = false
    const closing = pool.close().then(() => {
      closed = true
    })
    assert.equal(pool.closed, true)
    await assert.rejects(pool.execute(GET), { code: 'FCGI_ERR_CLOSED' })
    await nextTurn()
    assert.equal(closed, false)
    for (const request of running) {
      await until(() => gate.waiting === 1)
      gate.release()
      await request
    }
    await closing
    assert.deepEqual(pool.stats, { connected: 0, connecting: 0, idle: 0, running: 0, queued: 0 })
  })

  test('close waits for a stdin that is being collected', async (t) => {
    const pool = poolOf(t, answerAll)
    let finish!: () => void
    const rest = new Promise<void>((resolve) => {
      finish = resolve
    })
    async function* slow(): AsyncGenerator<string> {
      yield 'a'
      await rest
    }
    const running = pool.execute({ ...POST, stdin: slow() })
    const closing = pool.close()
    finish()
    assert.equal((await running).text(), '0.0 keep')
    await closing
  })

  test('destroy fails what runs, what waits, what connects and what collects, with its reason', async (t) => {
    const gate = new Gate()
    const pool = poolOf(t, gate.script, { connections: 1 })
    const reason = new Error('shutting down')
    const recorders = Array.from({ length: 4 }, () => new Recorder())
    pool.dispatch(GET, recorders[0]!)
    await until(() => gate.waiting === 1)
    pool.dispatch(GET, recorders[1]!)
    pool.dispatch({ ...POST, stdin: new ReadableStream() }, recorders[2]!)
    const connecting = new Pool('unix:/none', {
      connect: (_handler, signal) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason))
        }),
    })
    connecting.dispatch(GET, recorders[3]!)
    pool.destroy(reason)
    connecting.destroy(reason)
    await Promise.all(recorders.map((recorder) => recorder.over))
    await Promise.all([pool.close(), connecting.close()])
    assert.deepEqual(
      recorders.map((recorder) => recorder.outcomes),
      recorders.map(() => [{ error: reason }]),
    )
    assert.deepEqual(pool.stats, { connected: 0, connecting: 0, idle: 0, running: 0, queued: 0 })
  })

  test('executeOnce leaves no connection, whether it succeeds or fails', async () => {
    let closed = 0
    const connect = scriptedPeer(async (peer, index) => {
      void peer.gone().then(() => closed++)
      const { id } = await peer.request()
      if (index === 1) return peer.close()
      peer.stdout(id, 'once')
      peer.end(id)
    })
    assert.equal((await executeOnce('unix:/peer', GET, { connect })).text(), 'once')
    await assert.rejects(executeOnce('unix:/peer', GET, { connect }), { code: 'FCGI_ERR_SOCKET' })
    await until(() => closed === 2)
  })

  test('a disposed pool is closed', async (t) => {
    const pool = poolOf(t, answerAll)
    await pool.execute(GET)
    await pool[Symbol.asyncDispose]()
    assert.equal(pool.closed, true)
    assert.equal(pool.stats.connected, 0)
  })
})

describe('getValues', () => {
  test('asks on a connection of its own and gives what the backend knows', async (t) => {
    const pool = poolOf(t, async (peer) => {
      const message = await peer.message()
      assert.deepEqual(message, {
        type: 9,
        requestId: 0,
        names: ['FCGI_MAX_CONNS', 'FCGI_MAX_REQS', 'FCGI_MPXS_CONNS'],
      })
      peer.values({ FCGI_MPXS_CONNS: '1' })
    })
    assert.deepEqual(await pool.getValues(), new Map([['FCGI_MPXS_CONNS', '1']]))
    assert.equal(pool.stats.connected, 0)
  })

  test('tells a backend that closes from one that never answers', async (t) => {
    const closes = poolOf(t, async (peer) => {
      await peer.message()
      peer.close()
    })
    await assert.rejects(closes.getValues(), { code: 'FCGI_ERR_SOCKET' })
    const silent = poolOf(t, (peer) => peer.gone())
    await assert.rejects(silent.getValues(['X'], { headersTimeout: 20 }), { phase: 'headers' })
    const signal = AbortSignal.timeout(10)
    const alive = setInterval(() => {}, 1000)
    t.after(() => clearInterval(alive))
    await assert.rejects(silent.getValues(['X'], { signal }), { name: 'TimeoutError' })
  })
})

describe('answers of execute', () => {
  test('are limited by maxResponseSize, stdout and stderr together', async (t) => {
    const script: PeerScript = async (peer) => {
      const { id } = await peer.request()
      peer.stdout(id, 'x'.repeat(600))
      peer.stderr(id, 'y'.repeat(401))
      peer.end(id)
    }
    const small = poolOf(t, script, { maxResponseSize: 1000 })
    await assert.rejects(small.execute(GET), { code: 'FCGI_ERR_RESPONSE_TOO_LARGE' })
    const exact = poolOf(t, script, { maxResponseSize: 1001 })
    assert.equal((await exact.execute(GET)).stdout.length, 600)
  })

  test('a handler that throws fails its request with what it threw, and nothing else', async (t) => {
    const pool = poolOf(t, answerAll)
    const mistake = new Error('my own mistake')
    const errors: unknown[] = []
    pool.dispatch(GET, {
      onStdout() {
        throw mistake
      },
      onEnd() {},
      onError: (error) => errors.push(error),
    })
    await until(() => errors.length > 0)
    assert.deepEqual(errors, [mistake])
    assert.equal((await pool.execute(GET)).text(), '1.0 keep')
  })
})

describe('params', () => {
  test('prepared ones come first, so that those of the request win', async (t) => {
    const pool = poolOf(t, async (peer) => {
      const { id, params } = await peer.request()
      peer.stdout(id, `${params.get('SITE')} ${params.get('SCRIPT_NAME')}`)
      peer.end(id)
    })
    const prepared = prepareParams({ SITE: 'example', SCRIPT_NAME: '/default.php' })
    const response = await pool.execute({ prepared, params: { SCRIPT_NAME: '/own.php' } })
    assert.equal(response.text(), 'example /own.php')
  })

  test('that cannot be sent fail their request alone: the connection goes on', async (t) => {
    const pool = poolOf(t, answerAll, { connections: 1 })
    await pool.execute(GET)
    const bad = [
      { params: { A: 'a\nb' } },
      { params: { A: 'x'.repeat(70_000) } },
      { params: { 'A\0B': 'x' } },
    ]
    for (const request of bad) {
      await assert.rejects(pool.execute(request), (error: Error & { code: string }) =>
        error.code.startsWith('FCGI_ERR_PARAM_'),
      )
    }
    assert.equal((await pool.execute(GET)).text(), '0.1 keep')
  })

  test('of a request that waits are those that it was given', async (t) => {
    const gate = new Gate()
    const pool = poolOf(t, gate.script, { connections: 1 })
    const params: Record<string, string> = { ...GET.params }
    const running = ['a', 'b', 'c'].map((N) => {
      params['N'] = N
      return pool.execute({ params })
    })
    const answers: string[] = []
    for (const request of running) {
      await until(() => gate.waiting === 1)
      gate.release()
      answers.push((await request).text())
    }
    assert.deepEqual(answers, ['a', 'b', 'c'])
  })

  test('may be read once only, as a generator, and are still replayed', async (t) => {
    const pool = poolOf(
      t,
      async (peer, index) => {
        for (let served = 0; ; served++) {
          const { id, params: received } = await peer.request()
          if (index === 0 && served === 1) return peer.close()
          peer.stdout(id, received.get('A') ?? 'none')
          peer.end(id)
        }
      },
      { connections: 1 },
    )
    await pool.execute(GET)
    function* params(): Generator<[string, string]> {
      yield ['A', 'b']
    }
    assert.equal((await pool.execute({ params: params() })).text(), 'b')
  })
})

describe('options', () => {
  const bad: readonly (readonly [object, RegExp])[] = [
    [{ connections: 0 }, /connections must be a whole number, at least 1, not 0/],
    [{ connectTimeout: -1 }, /connectTimeout must be a number of ms from 0 to 2147483647/],
    [{ headersTimeout: '5' }, /headersTimeout must be a number/],
    [{ bodyTimeout: 2 ** 31 }, /bodyTimeout/],
    [{ maxQueue: 1.5 }, /maxQueue must be a whole number/],
    [{ keepAlive: 1 }, /keepAlive must be true or false/],
    [{ connect: 'x' }, /connect must be a function/],
    [{ conections: 3 }, /unknown option "conections"; there are/],
  ]
  for (const [options, message] of bad) {
    test(`${JSON.stringify(options)} is a TypeError that names the option`, () => {
      assert.throws(() => new Pool('unix:/x', options), { name: 'TypeError', message })
    })
  }

  test('of a request are checked as well', (t) => {
    const pool = poolOf(t, answerAll)
    const handler = new Recorder()
    for (const options of [{ headersTimeout: NaN }, { signal: {} }, { timeout: 5 }]) {
      assert.throws(() => pool.dispatch(GET, handler, options as never), TypeError)
    }
    for (const request of [{}, { params: 'a=b' }, { params: null }]) {
      assert.throws(() => pool.dispatch(request as never, handler), TypeError)
    }
  })

  test('a client has one connection, whatever else it is told', async (t) => {
    const client = new Client('unix:/x', {
      connections: 9,
      connect: scriptedPeer(answerAll),
    } as never)
    t.after(() => client.destroy())
    await Promise.all([client.execute(GET), client.execute(GET)])
    assert.equal(client.stats.connected, 1)
    assert.equal(client.address, 'unix:/x')
  })
})
