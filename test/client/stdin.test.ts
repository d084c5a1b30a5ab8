// Bodies: their lengths, their sources, and what happens when either is not what was said.

import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { describe, test, type TestContext } from 'node:test'
import fc from 'fast-check'
import { Pool, Role, type FastCGIRequest, type PoolOptions, type StdinBody } from '@fastcgi/client'
import { ResponderConnection, type ResponderHandler } from '@fastcgi/client/responder'
import { connectMemory, scriptedPeer } from '@fastcgi/client/testing'
import { nextTurn, POST, until } from '../support/requests.js'

const echo: ResponderHandler = async ({ params, stdin, data }, reply) => {
  await reply.stderr(params.get('CONTENT_LENGTH') ?? 'none')
  for await (const chunk of stdin) await reply.stdout(chunk)
  for await (const chunk of data) await reply.stdout(chunk)
}

function echoPool(t: TestContext, options: PoolOptions = {}): Pool {
  const roles = [Role.Responder, Role.Authorizer, Role.Filter]
  const connect = connectMemory(
    (transport) =>
      new ResponderConnection(
        transport,
        (request, reply) => {
          // Only a Filter has data whose end comes.
          return echo(request.role === Role.Filter ? request : { ...request, data: empty() }, reply)
        },
        { roles },
        () => {},
      ),
  )
  const pool = new Pool('unix:/echo', { ...options, connect })
  t.after(() => pool.destroy())
  return pool
}

function empty(): ReadableStream<Uint8Array> {
  return new ReadableStream({ start: (controller) => controller.close() })
}

async function* slowly(...chunks: (string | Uint8Array)[]): AsyncGenerator<string | Uint8Array> {
  for (const chunk of chunks) {
    await nextTurn()
    yield chunk
  }
}

describe('kinds of stdin', () => {
  const kinds: readonly (readonly [string, () => StdinBody])[] = [
    ['a string, as UTF-8', () => 'grün und mehr'],
    ['bytes', () => Buffer.from('grün und mehr')],
    ['a Blob', () => new Blob(['grün ', 'und mehr'])],
    ['a ReadableStream', () => new Blob(['grün und mehr']).stream()],
    ['a Node stream', () => Readable.from([Buffer.from('grün '), Buffer.from('und mehr')])],
    ['an async generator of strings and bytes', () => slowly('grün ', '', Buffer.from('und mehr'))],
    ['an array of bytes', () => [Buffer.from('grün '), Buffer.from('und mehr')]],
  ]
  for (const [name, body] of kinds) {
    test(`${name} arrives whole and with its CONTENT_LENGTH`, async (t) => {
      const response = await echoPool(t).execute({ ...POST, stdin: body() })
      assert.equal(response.text(), 'grün und mehr')
      assert.equal(response.stderrText(), '14')
    })

    test(`${name} streams when its CONTENT_LENGTH is given`, async (t) => {
      const params = [...Object.entries(POST.params), ['CONTENT_LENGTH', 14] as const]
      const response = await echoPool(t, { maxBufferedStdin: 0 }).execute({ params, stdin: body() })
      assert.equal(response.text(), 'grün und mehr')
    })
  }

  test('no stdin has no CONTENT_LENGTH, an empty one has 0, an empty value means 0', async (t) => {
    const pool = echoPool(t)
    const lengths = [
      await pool.execute(POST),
      await pool.execute({ ...POST, stdin: '' }),
      await pool.execute({ params: { ...POST.params, CONTENT_LENGTH: '' } }),
      await pool.execute({ ...POST, stdin: 'x', role: Role.Authorizer }),
    ]
    assert.deepEqual(
      lengths.map((response) => response.stderrText()),
      ['none', '0', '', 'none'],
    )
  })

  test('a Filter gets its data after stdin', async (t) => {
    const response = await echoPool(t).execute({
      params: { ...POST.params, FCGI_DATA_LENGTH: 100_000 },
      role: Role.Filter,
      stdin: 'input ',
      data: 'd'.repeat(100_000),
    })
    assert.equal(response.text(), `input ${'d'.repeat(100_000)}`)
  })

  test('what is no body is a TypeError at once', (t) => {
    const pool = echoPool(t)
    for (const stdin of [5, true, {}, Symbol('x')]) {
      assert.throws(
        () =>
          pool.dispatch({ ...POST, stdin } as unknown as FastCGIRequest, {
            onStdout() {},
            onEnd() {},
            onError() {},
          }),
        TypeError,
      )
    }
  })
})

describe('CONTENT_LENGTH is law', () => {
  for (const value of ['5abc', '-1', '+5', '1e3', ' 5', '0x10', '99999999999999999999', 1.5, NaN]) {
    test(`${JSON.stringify(value)} is refused before anything is sent`, async (t) => {
      const request = { params: { CONTENT_LENGTH: value }, stdin: 'hello' }
      await assert.rejects(echoPool(t).execute(request), { code: 'FCGI_ERR_CONTENT_LENGTH' })
    })
  }

  test('two that differ are refused, two that agree are not', async (t) => {
    const pool = echoPool(t)
    const twice = (one: string, two: string): FastCGIRequest => ({
      params: [
        ['CONTENT_LENGTH', one],
        [Buffer.from('CONTENT_LENGTH'), two],
      ],
      stdin: 'hello',
    })
    await assert.rejects(pool.execute(twice('5', '6')), { code: 'FCGI_ERR_CONTENT_LENGTH' })
    assert.equal((await pool.execute(twice('5', '5'))).text(), 'hello')
  })

  test('one that differs from a body of known size is refused before anything is sent', async (t) => {
    const pool = new Pool('unix:/none', { connect: () => assert.fail('nothing is to be opened') })
    for (const CONTENT_LENGTH of [4, 6]) {
      const request = { params: { CONTENT_LENGTH }, stdin: 'hello' }
      await assert.rejects(pool.execute(request), { code: 'FCGI_ERR_CONTENT_LENGTH' })
    }
    t.after(() => pool.destroy())
  })

  for (const [what, length] of [
    ['shorter', 100],
    ['longer', 5],
  ] as const) {
    test(`a stream that is ${what} fails the request and ends the connection, and what is too much is never sent`, async (t) => {
      let received = 0
      const pool = new Pool('unix:/peer', {
        connections: 1,
        connect: scriptedPeer(async (peer, index) => {
          if (index > 0) {
            const { id } = await peer.request()
            return peer.end(id)
          }
          await peer.params()
          await peer.gone()
          received = peer.stdinReceived
        }),
      })
      t.after(() => pool.destroy())
      const request = {
        params: { ...POST.params, CONTENT_LENGTH: length },
        stdin: slowly('12345', '6789'),
      }
      await assert.rejects(pool.execute(request), { code: 'FCGI_ERR_CONTENT_LENGTH' })
      await pool.execute(POST)
      // The last chunk is held back until it is known to be the last: a script never sees a body that is too long.
      assert.equal(received, what === 'shorter' ? 9 : 0)
    })
  }
})

describe('sources of stdin', () => {
  test('one of unknown length beyond maxBufferedStdin is a typed error, and its source is freed', async (t) => {
    let freed = false
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield Buffer.alloc(600)
      } finally {
        freed = true
      }
    }
    const pool = echoPool(t, { maxBufferedStdin: 1000 })
    const stdin = endless()
    await assert.rejects(pool.execute({ ...POST, stdin }), { code: 'FCGI_ERR_STDIN_TOO_LARGE' })
    await until(() => freed)
    assert.deepEqual(pool.stats.queued, 0)
  })

  test('one that fails fails the request with its error as the cause, collected or streamed', async (t) => {
    const cause = new Error('the disk is gone')
    async function* broken(): AsyncGenerator<string> {
      yield 'abc'
      throw cause
    }
    const pool = echoPool(t)
    for (const params of [POST.params, { ...POST.params, CONTENT_LENGTH: 10 }]) {
      const running = pool.execute({ params, stdin: broken() })
      await assert.rejects(running, { code: 'FCGI_ERR_STDIN', cause })
    }
    assert.equal((await pool.execute({ ...POST, stdin: 'ok' })).text(), 'ok')
  })

  test('one that yields neither bytes nor strings fails the request', async (t) => {
    const stdin = [1, 2] as unknown as Uint8Array[]
    await assert.rejects(echoPool(t).execute({ ...POST, stdin }), { code: 'FCGI_ERR_STDIN' })
  })

  test('one that stalls is freed when the request is aborted, collected or streamed', async (t) => {
    const pool = echoPool(t)
    for (const params of [POST.params, { ...POST.params, CONTENT_LENGTH: 10 }]) {
      let cancelled: unknown
      const stdin = new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(Buffer.from('abc')),
        cancel: (reason) => {
          cancelled = reason
        },
      })
      const controller = new AbortController()
      const running = pool.execute({ params, stdin }, { signal: controller.signal })
      await until(() => stdin.locked)
      await nextTurn()
      const reason = new Error('enough')
      controller.abort(reason)
      await assert.rejects(running, reason)
      await until(() => cancelled === reason)
    }
  })

  test('an answer as fast as the last byte of an upload keeps the connection', async (t) => {
    const pool = new Pool('unix:/peer', {
      connections: 1,
      connect: scriptedPeer(async (peer) => {
        for (;;) {
          const { id } = await peer.params()
          await peer.until(() => peer.stdinReceived === 300_000)
          peer.stdout(id, 'got it')
          peer.end(id)
          await peer.request()
        }
      }),
    })
    t.after(() => pool.destroy())
    const chunks = (): Uint8Array[] => Array.from({ length: 3 }, () => new Uint8Array(100_000))
    const params = { ...POST.params, CONTENT_LENGTH: 300_000 }
    for (const stdin of [Buffer.concat(chunks()), chunks(), Buffer.concat(chunks())]) {
      assert.equal((await pool.execute({ params, stdin })).text(), 'got it')
      assert.deepEqual([pool.stats.connected, pool.stats.idle], [1, 1])
    }
  })

  test('an answer that is complete stops the upload and frees its source', async (t) => {
    const pool = new Pool('unix:/peer', {
      connect: scriptedPeer(async (peer) => {
        const { id } = await peer.params()
        await peer.until(() => peer.stdinReceived > 100_000)
        peer.stdout(id, 'I know enough')
        peer.end(id)
        await peer.gone()
      }),
    })
    t.after(() => pool.destroy())
    let freed = false
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield Buffer.alloc(10_000)
      } finally {
        freed = true
      }
    }
    const params = { ...POST.params, CONTENT_LENGTH: 1_000_000_000 }
    assert.equal((await pool.execute({ params, stdin: endless() })).text(), 'I know enough')
    await until(() => freed && pool.stats.connected === 0)
  })

  test('an upload waits for a peer that does not read, and holds little of it meanwhile', async (t) => {
    let taken = 0
    function* chunks(): Generator<Uint8Array> {
      for (; taken < 1000; taken++) yield new Uint8Array(10_000)
    }
    let stalled = false
    let go!: () => void
    const released = new Promise<void>((resolve) => {
      go = resolve
    })
    const pool = new Pool('unix:/peer', {
      connect: scriptedPeer(async (peer) => {
        await peer.params()
        peer.stall(true)
        stalled = true
        await released
        peer.stall(false)
        const { id, stdin } = await peer.request()
        peer.stdout(id, String(stdin.length))
        peer.end(id)
      }),
    })
    t.after(() => pool.destroy())
    const params = { ...POST.params, CONTENT_LENGTH: 10_000_000 }
    const running = pool.execute({ params, stdin: chunks() })
    await until(() => stalled)
    for (let turn = 0; turn < 50; turn++) await nextTurn()
    assert.ok(taken < 100, `${taken} chunks were taken`)
    go()
    assert.equal((await running).text(), '10000000')
  })
})

test('any body against any answer, cut in any way, never deadlocks and arrives unchanged', async () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 150_000 }), { maxLength: 8 })
  await fc.assert(
    fc.asyncProperty(sizes, sizes, fc.boolean(), async (up, down, readsFirst) => {
      const handler: ResponderHandler = async ({ stdin }, reply) => {
        let received = 0
        const read = async (): Promise<void> => {
          for await (const chunk of stdin) received += chunk.length
        }
        const write = async (): Promise<void> => {
          for (const size of down) await reply.stdout(new Uint8Array(size).fill(7))
        }
        if (readsFirst) await read()
        await Promise.all([write(), readsFirst ? undefined : read()])
        await reply.stderr(String(received))
      }
      const connect = connectMemory(
        (transport) => new ResponderConnection(transport, handler, {}, () => {}),
      )
      const pool = new Pool('unix:/duplex', { connect })
      const total = sum(up)
      const response = await pool.execute({
        params: { ...POST.params, CONTENT_LENGTH: total },
        stdin: up.map((size) => new Uint8Array(size)),
      })
      await pool.close()
      assert.equal(response.stdout.length, sum(down))
      assert.ok(response.stdout.every((byte) => byte === 7))
      assert.equal(response.stderrText(), String(total))
    }),
    { numRuns: 60, seed: 20_260_101 },
  )
})

function sum(sizes: readonly number[]): number {
  return sizes.reduce((total, size) => total + size, 0)
}
