// createFetch over the real client: bodies both ways, cancelling, and answers that do not come to a good end.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { errorResponse, errorStatus } from '@fastcgi/client/http'
import type { PeerScript } from '@fastcgi/client/testing'
import { applicationFetch, peerFetch, type Backend } from '../support/fetch-backends.js'
import { nextTurn, until } from '../support/requests.js'

const ORIGIN = 'http://example.org'
const BODY_OF_64K = new Uint8Array(65_536).fill(0x78)

function get(init?: RequestInit): Request {
  return new Request(`${ORIGIN}/a.php`, init)
}

function post(
  body: string | ReadableStream<Uint8Array>,
  headers: Record<string, string> = {},
): Request {
  return new Request(`${ORIGIN}/a.php`, { method: 'POST', body, headers, duplex: 'half' })
}

/** Sends head and body, and whatever `end` does after it. */
function answers(
  stdout: string,
  end: (peer: Parameters<PeerScript>[0], id: number) => void,
): PeerScript {
  return async (peer) => {
    const { id } = await peer.request()
    peer.stdout(id, stdout)
    end(peer, id)
  }
}

/** Notes every request that begins, and answers none. */
const listing =
  (seen: string[]): PeerScript =>
  async (peer) => {
    for (;;) seen.push((await peer.params()).params.get('REQUEST_METHOD') ?? '')
  }

/** The backend answers a plain request, on whatever connection it has now. */
async function stillWorks({ php, pool }: Backend): Promise<void> {
  const response = await php(get())
  assert.equal(response.status, 200)
  await response.text()
  assert.equal(pool.stats.running, 0)
}

describe('bodies', () => {
  test('stream both ways: the answer comes while the request is still being sent', async (t) => {
    const { php } = applicationFetch(t, async ({ stdin }, reply) => {
      await reply.stdout('A: b\n\n')
      for await (const chunk of stdin) await reply.stdout(chunk)
    })
    let push!: (text: string) => void
    let end!: () => void
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        push = (text) => controller.enqueue(Buffer.from(text))
        end = () => controller.close()
      },
    })
    const response = await php(post(body, { 'content-length': '9' }))
    const reader = response.body!.getReader()
    for (const text of ['ping', 'pong']) {
      push(text)
      assert.equal(Buffer.from((await reader.read()).value).toString(), text)
    }
    // The last byte may wait for the end of its source: only then it is known to be the last.
    push('!')
    end()
    assert.equal(Buffer.from((await reader.read()).value).toString(), '!')
    assert.equal((await reader.read()).done, true)
  })

  test('of unknown length are collected, so that PHP knows CONTENT_LENGTH', async (t) => {
    const { php } = applicationFetch(t, async ({ params, stdin }, reply) => {
      await reply.stdout(`A: b\n\n${params.get('CONTENT_LENGTH')} `)
      for await (const chunk of stdin) await reply.stdout(chunk)
    })
    const body = new Blob(['hello ', 'world']).stream()
    assert.equal(await (await php(post(body))).text(), '11 hello world')
  })

  test('that nobody reads hold the backend up, and come whole later', async (t) => {
    const total = 200
    let written = 0
    const { php } = applicationFetch(t, async (_, reply) => {
      await reply.stdout('A: b\n\n')
      for (; written < total; written++) await reply.stdout(BODY_OF_64K)
    })
    const response = await php(get())
    for (let turn = 0; turn < 100; turn++) await nextTurn()
    // Of 13 MB not one tenth: what the stream, the client and the connection keep.
    assert.ok(written < total / 10, `${written} pieces were taken`)
    assert.equal((await response.arrayBuffer()).byteLength, total * BODY_OF_64K.length)
  })

  test('that the backend does not read hold their source up', async (t) => {
    let pulled = 0
    const { php, pool } = applicationFetch(t, async ({ signal }, reply) => {
      await reply.stdout('A: b\n\n')
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
    })
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled++
        controller.enqueue(BODY_OF_64K)
      },
    })
    const response = await php(post(body, { 'content-length': '100000000' }))
    for (let turn = 0; turn < 100; turn++) await nextTurn()
    assert.ok(pulled > 0 && pulled < 50, `${pulled} pieces were taken`)
    await response.body!.cancel()
    await until(() => pool.stats.running === 0)
  })

  test('may be binary, empty, or begin with blank lines', async (t) => {
    const binary = Uint8Array.from({ length: 512 }, (_, index) => index)
    for (const body of [binary, new Uint8Array(0), Buffer.from('\r\n\n\r\nx')]) {
      const { php } = applicationFetch(t, async (_, reply) => {
        await reply.stdout('A: b\r\n\r\n')
        await reply.stdout(body)
      })
      const got = new Uint8Array(await (await php(get())).arrayBuffer())
      assert.deepEqual(got, new Uint8Array(body))
    }
  })

  test('never carry stderr, which goes to onStderr', async (t) => {
    let log = ''
    const { php } = peerFetch(
      t,
      async (peer) => {
        const { id } = await peer.request()
        for (const part of ['A: b\n', '\nbo', 'dy']) {
          peer.stderr(id, 'PHP message: /srv/secret.php; ')
          peer.stdout(id, part)
        }
        peer.end(id)
      },
      { onStderr: (data, request) => (log += `${request.url} ${Buffer.from(data).toString()}`) },
    )
    assert.equal(await (await php(get())).text(), 'body')
    assert.equal(log, `${ORIGIN}/a.php PHP message: /srv/secret.php; `.repeat(3))
  })
})

describe('an answer that is cut off never ends in good order', () => {
  const cases: readonly (readonly [string, PeerScript, string])[] = [
    [
      'the connection closes without END_REQUEST, Content-Length or not',
      answers('A: b\n\nhello', (peer) => peer.close()),
      'FCGI_ERR_SOCKET',
    ],
    [
      'the connection closes without END_REQUEST, although all of Content-Length came',
      answers('Content-Length: 5\n\nhello', (peer) => peer.close()),
      'FCGI_ERR_SOCKET',
    ],
    [
      'the connection closes before Content-Length is reached',
      answers('Content-Length: 5000\n\nhello', (peer) => peer.close()),
      'FCGI_ERR_SOCKET',
    ],
    [
      'END_REQUEST comes before Content-Length is reached',
      answers('Content-Length: 6\n\nhello', (peer, id) => peer.end(id)),
      'FCGI_ERR_CGI_RESPONSE',
    ],
    [
      'the body is longer than its Content-Length',
      answers('Content-Length: 4\n\nhello', (peer, id) => peer.end(id)),
      'FCGI_ERR_CGI_RESPONSE',
    ],
    [
      'the body goes on after Content-Length, in a record of its own',
      async (peer) => {
        const { id } = await peer.request()
        peer.stdout(id, 'Content-Length: 5\n\nhello')
        peer.stdout(id, '!')
        peer.end(id)
      },
      'FCGI_ERR_CGI_RESPONSE',
    ],
    [
      'the application says OVERLOADED after some output',
      answers('A: b\n\nhello', (peer, id) => peer.end(id, 0, 2)),
      'FCGI_ERR_REQUEST_REJECTED',
    ],
    [
      'the protocol is broken within the body',
      answers('A: b\n\nhello', (peer) => peer.send([9, 9, 9, 9, 9, 9, 9, 9])),
      'FCGI_ERR_REMOTE_PROTOCOL',
    ],
  ]
  for (const [name, script, code] of cases) {
    test(name, async (t) => {
      const { php, pool } = peerFetch(t, script)
      // What is wrong may already be known when the head arrives: then there is no answer at all.
      await assert.rejects(
        php(get()).then((response) => response.arrayBuffer()),
        { code },
      )
      await until(() => pool.stats.running === 0)
    })
  }

  test('what came before can still be read, then the reader fails', async (t) => {
    const { php } = peerFetch(t, async (peer) => {
      const { id } = await peer.request()
      peer.stdout(id, 'A: b\n\nhello')
      await nextTurn()
      peer.reset()
    })
    const reader = (await php(get())).body!.getReader()
    assert.equal(Buffer.from((await reader.read()).value).toString(), 'hello')
    await assert.rejects(reader.read(), { code: 'FCGI_ERR_SOCKET' })
  })

  test('a body of exactly its Content-Length ends, and the connection is used again', async (t) => {
    const used: number[] = []
    const backend = peerFetch(t, async (peer, index) => {
      for (;;) {
        const { id } = await peer.request()
        used.push(index)
        peer.stdout(id, 'Content-Length: 5\n\nhello')
        peer.end(id)
      }
    })
    assert.equal(await (await backend.php(get())).text(), 'hello')
    await stillWorks(backend)
    assert.deepEqual(used, [0, 0])
  })

  test('HEAD and 304 may promise a length that does not come', async (t) => {
    const { php } = peerFetch(t, async (peer) => {
      for (const status of [200, 304]) {
        const { id } = await peer.request()
        peer.stdout(id, `Status: ${status}\nContent-Length: 5000\n\n`)
        peer.end(id)
      }
    })
    assert.equal((await php(get({ method: 'HEAD' }))).headers.get('content-length'), '5000')
    assert.equal((await php(get())).status, 304)
  })
})

describe('giving up', () => {
  /** Never ends its first answer; answers later requests, on other connections. */
  const endless: PeerScript = async (peer, index) => {
    for (;;) {
      const { id } = await peer.request()
      peer.stdout(id, 'A: b\n\nhello')
      if (index === 0) return
      peer.end(id)
    }
  }

  test('cancelling a body frees the connection for the next request', async (t) => {
    const backend = peerFetch(t, endless)
    const response = await backend.php(get())
    assert.equal(backend.pool.stats.running, 1)
    await response.body!.cancel('enough')
    await stillWorks(backend)
  })

  test('leaving a loop over a body frees the connection for the next request', async (t) => {
    const backend = peerFetch(t, endless)
    for await (const _ of (await backend.php(get())).body!) break
    await stillWorks(backend)
  })

  test('a signal that is aborted already sends nothing', async (t) => {
    const seen: string[] = []
    const { php, pool } = peerFetch(t, listing(seen))
    const reason = new Error('enough')
    await assert.rejects(php(get({ signal: AbortSignal.abort(reason) })), reason)
    await nextTurn()
    assert.deepEqual([seen, pool.stats.running], [[], 0])
  })

  test('a signal ends a request that waits in the queue', async (t) => {
    const backend = peerFetch(t, endless)
    const first = await backend.php(get())
    const controller = new AbortController()
    const second = backend.php(get({ signal: controller.signal }))
    await until(() => backend.pool.stats.queued === 1)
    controller.abort(new Error('enough'))
    await assert.rejects(second, { message: 'enough' })
    assert.deepEqual([backend.pool.stats.queued, backend.pool.stats.running], [0, 1])
    await first.body!.cancel()
  })

  test('a signal ends a request that waits for its head, whatever onError would say', async (t) => {
    const controller = new AbortController()
    const { php, pool } = peerFetch(
      t,
      async (peer) => {
        await peer.request()
        controller.abort(new Error('enough'))
        await peer.gone()
      },
      { onError: () => new Response('never') },
    )
    await assert.rejects(php(get({ signal: controller.signal })), { message: 'enough' })
    assert.equal(pool.stats.running, 0)
  })

  test('a signal ends a body, with its reason', async (t) => {
    const backend = peerFetch(t, endless)
    const controller = new AbortController()
    const response = await backend.php(get({ signal: controller.signal }))
    controller.abort(new Error('enough'))
    await assert.rejects(response.text(), { message: 'enough' })
    await stillWorks(backend)
  })

  test('a signal ends an upload, and cancels its source', async (t) => {
    const controller = new AbortController()
    let cancelled: unknown
    const { php, pool } = peerFetch(t, async (peer) => {
      await peer.params()
      controller.abort(new Error('enough'))
      await peer.gone()
    })
    const body = new ReadableStream<Uint8Array>({
      cancel(reason) {
        cancelled = reason
      },
    })
    const request = new Request(post(body, { 'content-length': '5' }), {
      signal: controller.signal,
    })
    await assert.rejects(php(request), { message: 'enough' })
    await until(() => cancelled instanceof Error)
    assert.equal(pool.stats.running, 0)
  })

  test('a signal during a local redirect ends it', async (t) => {
    const controller = new AbortController()
    const { php } = peerFetch(t, async (peer) => {
      const { id } = await peer.request()
      peer.stdout(id, 'Location: /b.php\n\n')
      peer.end(id)
      await peer.request()
      controller.abort(new Error('enough'))
    })
    await assert.rejects(php(get({ signal: controller.signal })), { message: 'enough' })
  })
})

describe('errors of a request body', () => {
  /** Reads until the client goes away, and tells whether a complete request was seen. */
  const watching =
    (seen: boolean[]): PeerScript =>
    async (peer) => {
      await peer.params()
      const complete = await peer.request().then(
        () => true,
        () => false,
      )
      seen.push(complete)
    }

  for (const [name, length, chunks] of [
    ['shorter', '10', ['hello']],
    ['longer', '4', ['hello']],
    ['longer by a chunk', '5', ['hello', '!']],
  ] as const) {
    test(`a body that is ${name} than its Content-Length never looks complete`, async (t) => {
      const seen: boolean[] = []
      const { php } = peerFetch(t, watching(seen))
      const body = new Blob([...chunks]).stream()
      await assert.rejects(php(post(body, { 'content-length': length })), (error) => {
        assert.equal(errorStatus(error), 400)
        return true
      })
      await until(() => seen.length === 1)
      assert.deepEqual(seen, [false])
    })
  }

  test('a source that fails never looks complete', async (t) => {
    const seen: boolean[] = []
    const { php } = peerFetch(t, watching(seen), { onError: errorResponse })
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.error(new Error('the client went away')),
    })
    assert.equal((await php(post(body, { 'content-length': '5' }))).status, 400)
    await until(() => seen.length === 1)
    assert.deepEqual(seen, [false])
  })

  test('a length without a body is refused before anything is sent', async (t) => {
    const seen: string[] = []
    const { php } = peerFetch(t, listing(seen))
    const request = new Request(ORIGIN, { method: 'POST', headers: { 'content-length': '5' } })
    await assert.rejects(php(request), { code: 'FCGI_ERR_CONTENT_LENGTH' })
    await nextTurn()
    assert.deepEqual(seen, [])
  })
})

describe('errorResponse', () => {
  const cases: readonly (readonly [string, PeerScript, number, string | null])[] = [
    ['OVERLOADED without output', (peer) => refuse(peer, 2), 503, '1'],
    ['CANT_MPX_CONN', (peer) => refuse(peer, 1), 503, '1'],
    ['UNKNOWN_ROLE', (peer) => refuse(peer, 3), 502, null],
    ['no CGI response', answers('nonsense\n\n', (peer, id) => peer.end(id)), 502, null],
    ['a connection that closes', answers('', (peer) => peer.close()), 502, null],
    ['another protocol', (peer) => peer.send(Buffer.from('HTTP/1.1 200 OK\r\n\r\n')), 502, null],
  ]
  for (const [name, script, status, retryAfter] of cases) {
    test(`${name} is ${status}, and says nothing about the cause`, async (t) => {
      const { php } = peerFetch(t, script, { onError: errorResponse })
      const response = await php(post('x'))
      assert.deepEqual([response.status, response.headers.get('retry-after')], [status, retryAfter])
      assert.match(await response.text(), /^[A-Z][A-Za-z ]+\n$/)
    })
  }

  test('a timeout is 504, but 503 when there was no connection to be had', async (t) => {
    const silent: PeerScript = () => {}
    const times = { headersTimeout: 1, queueTimeout: 0 }
    const options = { onError: errorResponse }
    assert.equal((await peerFetch(t, silent, options, times).php(get())).status, 504)
    const { php } = peerFetch(t, silent, options, { queueTimeout: 1 })
    const first = php(get()).catch(() => {})
    assert.equal((await php(get())).status, 503)
    void first
  })

  test('a full queue and a closed pool are 503', async (t) => {
    const backend = peerFetch(t, () => {}, { onError: errorResponse }, { maxQueue: 0 })
    const running = backend.php(get())
    backend.pool.destroy()
    assert.equal((await running).status, 503)
    assert.equal((await backend.php(get())).status, 503)
  })

  test('a param that no record can hold is 431, a body that cannot be collected 413', async (t) => {
    const options = { onError: errorResponse }
    const { php } = peerFetch(t, () => {}, options, { maxBufferedStdin: 3 })
    assert.equal((await php(get({ headers: { a: 'a'.repeat(70_000) } }))).status, 431)
    assert.equal((await php(post(new Blob(['hello']).stream()))).status, 413)
  })

  test('what is no error of this package is 502', () => {
    for (const error of [new Error('x'), 'text', undefined, null, { status: 200 }]) {
      assert.equal(errorStatus(error), 502)
    }
  })
})

async function refuse(peer: Parameters<PeerScript>[0], protocolStatus: number): Promise<void> {
  const { id } = await peer.request()
  peer.end(id, 0, protocolStatus)
}
