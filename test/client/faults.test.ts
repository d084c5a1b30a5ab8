// What a peer can do wrong, and what its request and its connection come to.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  Pool,
  isFastCGIError,
  RemoteProtocolError,
  RequestRejectedError,
  SocketError,
} from '@fastcgi/client'
import type { PeerScript } from '@fastcgi/client/testing'
import { GET, POST, Recorder, until } from '../support/requests.js'
import { poolOf } from '../support/scripted-pool.ts'

/** Answers every request on the connection. */
const answerAll: PeerScript = async (peer) => {
  for (;;) {
    const { id, stdin } = await peer.request()
    peer.stdout(id, `answer ${stdin.length}`)
    peer.end(id)
  }
}

/** Misbehaves on the first connection, answers on all others. */
function once(first: PeerScript): PeerScript {
  return (peer, index) => (index === 0 ? first(peer, index) : answerAll(peer, index))
}

/** The next request succeeds, on another connection than the first. */
async function recovers(pool: Pool): Promise<void> {
  assert.equal((await pool.execute(GET)).text(), 'answer 0')
  assert.equal(pool.stats.connected, 1)
}

describe('an end is an end only when it is said', () => {
  test('a connection that closes before END_REQUEST fails the request, whatever came before', async (t) => {
    const pool = poolOf(
      t,
      once(async (peer) => {
        const { id } = await peer.request()
        peer.stdout(id, 'Content-Length: 4\r\n\r\nbody')
        peer.close()
      }),
    )
    const recorder = new Recorder()
    pool.dispatch(GET, recorder)
    await recorder.over
    assert.equal(Buffer.concat(recorder.stdout).toString(), 'Content-Length: 4\r\n\r\nbody')
    const [outcome] = recorder.outcomes
    assert.ok(outcome && 'error' in outcome && outcome.error instanceof SocketError)
    assert.match(outcome.error.message, /unix:\/peer was closed .* before END_REQUEST/)
    assert.equal(outcome.error.retryable, false)
    await recovers(pool)
  })

  test('an END_REQUEST that is cut off is no end', async (t) => {
    const pool = poolOf(t, async (peer) => {
      const { id } = await peer.request()
      peer.send([1, 3, 0, id, 0, 8, 0, 0, 0, 0, 0, 0])
      peer.close()
    })
    await assert.rejects(pool.execute(GET), { code: 'FCGI_ERR_SOCKET' })
  })

  test('a reset keeps its cause', async (t) => {
    const pool = poolOf(t, async (peer) => {
      await peer.request()
      peer.reset()
    })
    await assert.rejects(pool.execute(GET), (error: SocketError) => {
      assert.match(String(error.cause), /ECONNRESET/)
      return error.code === 'FCGI_ERR_SOCKET'
    })
  })

  for (const [status, name] of [
    [1, 'CANT_MPX_CONN'],
    [2, 'OVERLOADED'],
    [3, 'UNKNOWN_ROLE'],
    [9, 'a status that FastCGI does not know'],
  ] as const) {
    test(`protocolStatus ${status} (${name}) is an error with that status, and ends the connection`, async (t) => {
      const pool = poolOf(
        t,
        once(async (peer) => {
          const { id } = await peer.request()
          peer.end(id, 4, status)
          await peer.gone()
        }),
      )
      await assert.rejects(pool.execute(GET), (error) => {
        assert.ok(error instanceof RequestRejectedError)
        assert.deepEqual([error.protocolStatus, error.appStatus], [status, 4])
        assert.ok(error.message.includes(name))
        assert.equal(error.retryable, status === 1 || status === 2)
        return true
      })
      await recovers(pool)
    })
  }

  test('OVERLOADED after some output is not retryable', async (t) => {
    const pool = poolOf(t, async (peer) => {
      const { id } = await peer.request()
      peer.stdout(id, 'begun')
      peer.end(id, 0, 2)
    })
    await assert.rejects(pool.execute(GET), { retryable: false })
  })
})

describe('a peer that breaks the protocol', () => {
  const violations: readonly (readonly [string, (id: number) => number[]])[] = [
    ['speaks HTTP', () => [...Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')]],
    ['says another version', (id) => [2, 6, 0, id, 0, 0, 0, 0]],
    ['answers another request id', (id) => [1, 6, 0, id + 1, 0, 1, 0, 0, 65]],
    ['ends another request id', (id) => [1, 3, 0, id + 1, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
    ['sends what only a web server sends', (id) => [1, 5, 0, id, 0, 1, 0, 0, 65]],
    [
      'goes on with stdout after its end',
      (id) => [1, 6, 0, id, 0, 0, 0, 0, 1, 6, 0, id, 0, 1, 0, 0, 65],
    ],
    ['sends an END_REQUEST that is too short', (id) => [1, 3, 0, id, 0, 2, 0, 0, 0, 0]],
  ]
  for (const [name, bytes] of violations) {
    test(`${name}: the request fails, the connection is dropped, the pool goes on`, async (t) => {
      const pool = poolOf(
        t,
        once(async (peer) => {
          const { id } = await peer.request()
          peer.send(bytes(id))
          await peer.gone()
        }),
      )
      await assert.rejects(pool.execute(GET), (error) => {
        assert.ok(error instanceof RemoteProtocolError)
        assert.match(error.message, /^unix:\/peer: /)
        return error.code === 'FCGI_ERR_REMOTE_PROTOCOL' && isFastCGIError(error)
      })
      await recovers(pool)
    })
  }

  test('unknown record types are passed over', async (t) => {
    const pool = poolOf(t, async (peer) => {
      const { id } = await peer.request()
      peer.send([1, 99, 0, 0, 0, 2, 0, 0, 1, 2], [1, 77, 0, id, 0, 1, 7, 0, 1, 0, 0, 0, 0, 0, 0, 0])
      peer.stdout(id, 'fine')
      peer.end(id)
    })
    assert.equal((await pool.execute(GET)).text(), 'fine')
  })

  test('bytes after END_REQUEST do not spoil the answer, but the connection', async (t) => {
    let connections = 0
    const pool = poolOf(t, async (peer) => {
      connections++
      const { id } = await peer.request()
      peer.stdout(id, 'whole')
      peer.end(id)
      peer.end(id)
      await peer.gone()
    })
    assert.equal((await pool.execute(GET)).text(), 'whole')
    assert.equal((await pool.execute(GET)).text(), 'whole')
    assert.equal(connections, 2)
  })

  test('a late record of the request before is never taken for an answer to the next', async (t) => {
    const pool = poolOf(t, async (peer) => {
      const first = await peer.request()
      peer.stdout(first.id, 'first')
      peer.end(first.id)
      await peer.request()
      peer.stdout(first.id, 'of another user')
      await peer.gone()
    })
    assert.equal((await pool.execute(GET)).text(), 'first')
    await assert.rejects(pool.execute(GET), { code: 'FCGI_ERR_REMOTE_PROTOCOL' })
  })

  test('data on an idle connection closes it', async (t) => {
    const pool = poolOf(
      t,
      once(async (peer) => {
        const { id } = await peer.request()
        peer.end(id)
        await new Promise((resolve) => setImmediate(resolve))
        peer.stdout(id, 'more')
        await peer.gone()
      }),
    )
    await pool.execute(GET)
    await until(() => pool.stats.connected === 0)
    await recovers(pool)
  })
})

describe('a reused connection that turns out dead', () => {
  /** The first connection answers once, then dies at the second request; `seen` counts what arrived on all. */
  function diesOnReuse(seen: string[], die: (peer: Parameters<PeerScript>[0]) => void): PeerScript {
    return async (peer, index) => {
      for (let served = 0; ; served++) {
        const { id, params } = await peer.request()
        seen.push(`${index}:${params.get('REQUEST_METHOD')}`)
        if (index === 0 && served === 1) return die(peer)
        peer.stdout(id, `answer ${index}`)
        peer.end(id)
      }
    }
  }

  test('is replaced by a fresh one, and the request replayed once', async (t) => {
    const seen: string[] = []
    const pool = poolOf(
      t,
      diesOnReuse(seen, (peer) => peer.close()),
    )
    await pool.execute(GET)
    assert.equal((await pool.execute({ ...GET, stdin: 'again' })).text(), 'answer 1')
    assert.deepEqual(seen, ['0:GET', '0:GET', '1:GET'])
  })

  test('is not used for a POST, which could not be sent again: that gets a new one', async (t) => {
    const seen: string[] = []
    const pool = poolOf(
      t,
      diesOnReuse(seen, (peer) => peer.reset()),
    )
    await pool.execute(GET)
    assert.equal((await pool.execute(POST)).text(), 'answer 1')
    assert.deepEqual(seen, ['0:GET', '1:POST'])
  })

  test('replays a POST that its caller calls idempotent', async (t) => {
    const seen: string[] = []
    const pool = poolOf(
      t,
      diesOnReuse(seen, (peer) => peer.close()),
    )
    await pool.execute(GET)
    assert.equal((await pool.execute({ ...POST, idempotent: true })).text(), 'answer 1')
    await pool.execute(GET)
    assert.deepEqual(seen, ['0:GET', '0:POST', '1:POST', '1:GET'])
  })

  test('does not replay a one-shot body that was begun', async (t) => {
    const pool = poolOf(
      t,
      diesOnReuse([], (peer) => peer.close()),
    )
    await pool.execute(GET)
    const params = { ...GET.params, CONTENT_LENGTH: 3 }
    const request = { params, stdin: [Buffer.from('abc')].values() }
    await assert.rejects(pool.execute(request), { code: 'FCGI_ERR_SOCKET' })
  })

  test('replays a body of several pieces that are all there', async (t) => {
    const seen: string[] = []
    const pool = poolOf(
      t,
      diesOnReuse(seen, (peer) => peer.close()),
    )
    await pool.execute(GET)
    const stdin = [Buffer.from('ab'), Buffer.from('c')]
    assert.equal((await pool.execute({ ...GET, stdin })).text(), 'answer 1')
    assert.deepEqual(seen, ['0:GET', '0:GET', '1:GET'])
  })

  test('is not used for a GET that says it is not idempotent', async (t) => {
    const seen: string[] = []
    const pool = poolOf(
      t,
      diesOnReuse(seen, (peer) => peer.close()),
    )
    await pool.execute(GET)
    await pool.execute({ ...GET, idempotent: false })
    assert.deepEqual(seen, ['0:GET', '1:GET'])
  })

  test('does not replay what was answered in part', async (t) => {
    const pool = poolOf(
      t,
      once(async (peer) => {
        const first = await peer.request()
        peer.end(first.id)
        const { id } = await peer.request()
        peer.stderr(id, 'I have begun')
        peer.close()
      }),
    )
    await pool.execute(GET)
    await assert.rejects(pool.execute(GET), { code: 'FCGI_ERR_SOCKET' })
  })

  test('a fresh connection that dies is not tried again', async (t) => {
    let connections = 0
    const pool = poolOf(t, async (peer) => {
      connections++
      await peer.request()
      peer.close()
    })
    await assert.rejects(pool.execute(GET), { code: 'FCGI_ERR_SOCKET' })
    assert.equal(connections, 1)
  })

  test('a request is replayed once, and then fails', async (t) => {
    const pool = poolOf(t, async (peer, index) => {
      if (index === 0) {
        const { id } = await peer.request()
        peer.end(id)
      }
      await peer.request()
      peer.close()
    })
    await pool.execute(GET)
    await assert.rejects(pool.execute(GET), { code: 'FCGI_ERR_SOCKET' })
  })

  test('when all of them die at once, every request is replayed on a fresh one and none is lost', async (t) => {
    let restarted = false
    const counts = new Map<string, number>()
    const pool = poolOf(
      t,
      async (peer, index) => {
        for (;;) {
          const { id, params } = await peer.request()
          if (restarted && index < 8) return peer.close()
          const name = params.get('N') ?? ''
          counts.set(name, (counts.get(name) ?? 0) + 1)
          peer.stdout(id, name)
          peer.end(id)
        }
      },
      { connections: 8, keepAliveTimeout: 0 },
    )
    const run = (N: string): Promise<string> =>
      pool.execute({ params: { ...GET.params, N } }).then((response) => response.text())
    await Promise.all(Array.from({ length: 8 }, (_, index) => run(`warm ${index}`)))
    restarted = true
    const names = Array.from({ length: 100 }, (_, index) => `after ${index}`)
    assert.deepEqual(await Promise.all(names.map(run)), names)
    for (const name of names) assert.equal(counts.get(name), 1, name)
    assert.ok(pool.stats.connected <= 8)
  })
})
