// What a backend may say that proxies get wrong, row by row; each proxy known to us fails at least one of them.

import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { ProtocolStatus } from '@fastcgi/client'
import type { PeerScript } from '@fastcgi/client/testing'
import { isWhole, rawGet, startGateway, type RawAnswer } from '../support/gateway.js'
import { poolOf } from '../support/scripted-pool.js'

interface Answered {
  readonly answer: RawAnswer
  readonly status: string
  readonly log: string
}

/** What a client gets when the backend follows the script. */
async function answerTo(
  t: TestContext,
  script: PeerScript,
  headers: readonly string[] = [],
): Promise<Answered> {
  const { port, log } = await startGateway(t, { backend: poolOf(t, script) })
  const answer = await rawGet(port, '/index.php', headers)
  return { answer, status: answer.text.split('\r\n', 1)[0] ?? '', log: log.text }
}

/** The script that says one stdout and ends the request. */
function says(stdout: string): PeerScript {
  return async (peer) => {
    const { id } = await peer.request()
    peer.stdout(id, stdout)
    peer.end(id)
  }
}

describe('answers that are cut off', () => {
  test('end of file, no END_REQUEST, no Content-Length: aborted, and said in the log', async (t) => {
    const { answer, log } = await answerTo(t, async (peer) => {
      const { id } = await peer.request()
      peer.stdout(id, 'Content-Type: text/plain\r\n\r\nthe first half')
      peer.close()
    })
    assert.equal(isWhole(answer), false, answer.text)
    assert.match(log, /^error GET \/index\.php/m)
  })

  test('end of file before any output: 502', async (t) => {
    const { answer, status } = await answerTo(t, async (peer) => {
      await peer.request()
      peer.close()
    })
    assert.equal(status, 'HTTP/1.1 502 Bad Gateway')
    assert.ok(isWhole(answer))
  })

  test('Content-Length 5000, 1000 bytes, end of file: aborted at once', async (t) => {
    const { answer } = await answerTo(t, async (peer) => {
      const { id } = await peer.request()
      peer.stdout(id, `Content-Length: 5000\r\n\r\n${'x'.repeat(1000)}`)
      peer.close()
    })
    assert.equal(isWhole(answer), false, answer.text)
  })

  test('Content-Length 5000, 1000 bytes, END_REQUEST: nothing of it is taken for whole', async (t) => {
    const { answer, log } = await answerTo(
      t,
      says(`Content-Length: 5000\r\n\r\n${'x'.repeat(1000)}`),
    )
    assert.ok(!isWhole(answer) || answer.text.startsWith('HTTP/1.1 502 '), answer.text)
    assert.match(log, /4000 bytes before its Content-Length/)
  })

  test('more bytes than Content-Length: never a second answer', async (t) => {
    const { answer } = await answerTo(
      t,
      says('Content-Length: 2\r\n\r\nokHTTP/1.1 200 Forged\r\n\r\n'),
    )
    assert.match(answer.text, /^HTTP\/1\.1 502 /)
    assert.doesNotMatch(answer.text, /Forged/)
  })
})

describe('refusals of the backend', () => {
  test('OVERLOADED without output: 503 with Retry-After', async (t) => {
    const { answer, status } = await answerTo(t, async (peer) => {
      const { id } = await peer.request()
      peer.end(id, 0, ProtocolStatus.Overloaded)
    })
    assert.equal(status, 'HTTP/1.1 503 Service Unavailable')
    assert.match(answer.text, /^retry-after: \d+$/im)
  })

  test('OVERLOADED after output: not a clean answer, and said in the log', async (t) => {
    const { answer, log } = await answerTo(t, async (peer) => {
      const { id } = await peer.request()
      peer.stdout(id, 'Content-Type: text/plain\r\n\r\nall of it?')
      peer.end(id, 0, ProtocolStatus.Overloaded)
    })
    assert.ok(!isWhole(answer) || /^HTTP\/1\.1 50[23] /.test(answer.text), answer.text)
    assert.match(log, /OVERLOADED/i)
  })
})

describe('heads', () => {
  test('201 with Location stays 201', async (t) => {
    const { answer, status } = await answerTo(
      t,
      says('Status: 201 Created\r\nLocation: http://example.org/new\r\n\r\n'),
    )
    assert.equal(status, 'HTTP/1.1 201 Created')
    assert.match(answer.text, /^location: http:\/\/example\.org\/new$/im)
  })

  test('Location with a URL and without Status: 302', async (t) => {
    const { status } = await answerTo(t, says('Location: http://example.org/there\r\n\r\n'))
    assert.equal(status, 'HTTP/1.1 302 Found')
  })

  test('a 103 block, then the final one: Early Hints, then 200', async (t) => {
    const { answer } = await answerTo(
      t,
      says(
        'Status: 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\nContent-Type: text/plain\r\n\r\nbody',
      ),
    )
    const [hints = '', final = ''] = answer.text.split(/(?<=\r\n\r\n)(?=HTTP)/)
    assert.match(hints, /^HTTP\/1\.1 103 Early Hints\r\nlink: <\/a\.css>; rel=preload\r\n\r\n$/i)
    assert.match(final, /^HTTP\/1\.1 200 OK\r\n/)
    assert.ok(final.endsWith('\r\n\r\nbody') && isWhole({ text: final, end: 'closed' }))
  })

  test('a 103 and nothing else, as php-fpm answers header("HTTP/1.1 103"): 502, never 103', async (t) => {
    const { answer } = await answerTo(t, says('Status: 103 Early Hints\r\n\r\nbody'))
    assert.match(answer.text, /(?:^|\r\n\r\n)HTTP\/1\.1 502 /)
  })

  test('101 is refused: nobody can switch protocols behind FastCGI', async (t) => {
    const { status } = await answerTo(t, says('Status: 101\r\nUpgrade: websocket\r\n\r\n'))
    assert.equal(status, 'HTTP/1.1 502 Bad Gateway')
  })

  test('line ends without CR are taken', async (t) => {
    const { answer, status } = await answerTo(
      t,
      says(
        'Status: 404 Gone fishing\nContent-Type: text/plain\nSet-Cookie: a=1\nSet-Cookie: b=2\n\nbody',
      ),
    )
    assert.equal(status, 'HTTP/1.1 404 Gone fishing')
    assert.equal(answer.text.match(/^set-cookie: /gim)?.length, 2)
    assert.ok(answer.text.endsWith('\r\n\r\nbody'))
  })

  test('neither X_Under nor X.Dot nor Proxy reaches the application', async (t) => {
    let seen: ReadonlyMap<string, string> = new Map()
    await answerTo(
      t,
      async (peer) => {
        const { id, params } = await peer.request()
        seen = params
        peer.stdout(id, 'Content-Type: text/plain\r\n\r\n')
        peer.end(id)
      },
      ['X_Under: 1', 'X.Dot: 1', 'Proxy: http://evil.example', 'X-Plain: 1'],
    )
    const names = [...seen.keys()].filter((name) => /X_|PROXY/.test(name))
    assert.deepEqual(names, ['HTTP_X_PLAIN'])
  })
})
