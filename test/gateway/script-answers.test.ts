// What PHP writes becomes the answer: whole or not at all, as it comes, and with nothing of it believed blindly.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2'
import { mkdir, writeFile } from 'node:fs/promises'
import { connect, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import express from 'express'
import { MockPool } from '@fastcgi/client/testing'
import { createGateway, type GatewayOptions } from '@fastcgi/gateway'
import {
  isWhole,
  rawGet,
  rawRequest,
  startGateway,
  type RawAnswer,
  type RunningGateway,
} from '../support/gateway.ts'
import { HandPlayed, type HandPlayedRun } from '../support/hand-played.ts'
import { PHP_ROOT } from '../support/paths.ts'
import { temporaryDirectory, until } from '../support/process.ts'
import { nextTurn } from '../support/requests.ts'

const HTML = 'Content-Type: text/html\r\n\r\n'

function statusOf({ text }: RawAnswer): number {
  return Number(/^HTTP\/1\.1 ([2-5]\d\d)/m.exec(text)?.[1] ?? 0)
}

function headOf({ text }: RawAnswer): string {
  return text.slice(0, text.indexOf('\r\n\r\n'))
}

function bodyOf({ text }: RawAnswer): string {
  return text.slice(text.indexOf('\r\n\r\n') + 4)
}

/** Scripts whose whole answer is one read. */
function answering(stdout: string, stderr = ''): HandPlayed {
  return new HandPlayed((run) => {
    if (stderr !== '') run.stderr(stderr)
    if (stdout !== '') run.stdout(stdout)
    run.end()
  })
}

/** A gateway whose every script answers this. */
function startWith(
  t: TestContext,
  stdout: string,
  options: GatewayOptions = {},
  stderr = '',
): Promise<RunningGateway> {
  return startGateway(t, { backend: answering(stdout, stderr), ...options })
}

interface Asked extends RunningGateway {
  readonly run: HandPlayedRun
  readonly answer: Promise<RawAnswer>
  /** What the client has got by now. */
  got: string
}

/** A request that a script has begun to work on, by the hand of the test. */
async function ask(t: TestContext, options: GatewayOptions = {}, method = 'GET'): Promise<Asked> {
  const php = new HandPlayed()
  const running = await startGateway(t, { backend: php, ...options })
  const lines = [`${method} /hello.php HTTP/1.1`, 'Host: a.example', 'Connection: close', '', '']
  const asked = { ...running, got: '' } as Asked
  const answer = rawRequest(running.port, lines.join('\r\n'), (text) => {
    asked.got = text
    return false
  })
  const run = await until('the script', () => php.runs[0])
  return Object.assign(asked, { run, answer })
}

describe('the head and the body', () => {
  test('a small page goes out with its length, in the same piece as its head', async (t) => {
    const pieces: string[] = []
    const { port } = await startWith(t, `${HTML}hello`)
    await rawRequest(
      port,
      'GET /hello.php HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
      (text) => {
        pieces.push(text)
        return false
      },
    )
    assert.equal(pieces.length, 1)
    assert.match(pieces[0]!, /\r\ncontent-length: 5\r\n[^]*\r\n\r\nhello$/)
  })

  test('a length that the application gives is kept', async (t) => {
    const { port } = await startWith(t, `Content-Length: 5\r\n${HTML}hello`)
    const answer = await rawGet(port, '/hello.php')
    assert.equal(headOf(answer).match(/content-length: 5/gi)?.length, 1)
    assert.ok(isWhole(answer))
  })

  test('a page without a word has a length of 0', async (t) => {
    const { port } = await startWith(t, HTML)
    const answer = await rawGet(port, '/hello.php')
    assert.equal(statusOf(answer), 200)
    assert.match(headOf(answer), /content-length: 0/)
  })

  test('a head that PHP has flushed goes out before there is a body, and each piece as it comes', async (t) => {
    const asked = await ask(t)
    const { run, answer } = asked
    run.stdout('Content-Type: text/event-stream\r\n\r\n')
    await until('the head', () => asked.got.includes('\r\n\r\n'))
    for (const event of ['data: 1\n\n', 'data: 2\n\n']) {
      run.stdout(event)
      await until('an event', () => asked.got.includes(event))
    }
    run.end()
    assert.ok(isWhole(await answer))
  })

  test('a head in many pieces is one head', async (t) => {
    const { run, answer } = await ask(t)
    for (const char of `Status: 201 Made\r\nX-A: b\r\n${HTML}`) {
      run.stdout(char)
      await nextTurn()
    }
    run.stdout('x')
    run.end()
    const { text } = await answer
    assert.match(text, /^HTTP\/1.1 201 Made\r\n/)
    assert.match(text, /\r\nX-A: b\r\n/)
  })

  for (const status of [204, 304]) {
    test(`an answer with ${status} has no body, whatever PHP writes`, async (t) => {
      const { port } = await startWith(t, `Status: ${status} X\r\nContent-Length: 4\r\n${HTML}body`)
      const answer = await rawGet(port, '/hello.php')
      assert.equal(statusOf(answer), status)
      assert.equal(bodyOf(answer), '')
      assert.doesNotMatch(headOf(answer), /transfer-encoding/i)
    })
  }

  test('HEAD gets the head of GET, and none of the body that PHP writes all the same', async (t) => {
    const { run, answer } = await ask(t, {}, 'HEAD')
    run.stdout(`Content-Length: 700\r\nX-A: b\r\n${HTML}`)
    run.stdout('x'.repeat(700))
    await nextTurn()
    run.stdout('more than it said')
    run.end()
    const whole = await answer
    assert.equal(statusOf(whole), 200)
    assert.match(headOf(whole), /Content-Length: 700/)
    assert.equal(bodyOf(whole), '')
  })

  test('interim responses go out ahead of the answer', async (t) => {
    const link = 'Link: </a.css>; rel=preload'
    const { port } = await startWith(
      t,
      `Status: 103\r\nContent-Length: 5\r\n${link}\r\n\r\n${HTML}x`,
    )
    const { text } = await rawGet(port, '/hello.php')
    assert.ok(
      text.startsWith(`HTTP/1.1 103 Early Hints\r\n${link}\r\n\r\nHTTP/1.1 200 OK\r\n`),
      text,
    )
  })
})

describe('an answer that is not whole', () => {
  for (const [what, head, body] of [
    ['shorter', 'Content-Length: 6', 'hello'],
    ['longer', 'Content-Length: 4', 'hello'],
  ] as const) {
    test(`a body that is ${what} than its length is 502, as long as nothing is out`, async (t) => {
      const { port, log } = await startWith(t, `${head}\r\n${HTML}${body}`)
      const answer = await rawGet(port, '/hello.php')
      assert.equal(statusOf(answer), 502)
      assert.doesNotMatch(answer.text, /hello/)
      assert.match(log.text, /Content-Length/)
    })

    test(`a body that turns out ${what} than its length is cut off`, async (t) => {
      const asked = await ask(t)
      asked.run.stdout(`Content-Length: ${what === 'shorter' ? 10 : 6}\r\n${HTML}`)
      asked.run.stdout('hello')
      await until('the beginning', () => asked.got.includes('hello'))
      if (what === 'longer') asked.run.stdout('and more')
      asked.run.end()
      const answer = await asked.answer
      assert.equal(answer.end, 'reset')
      assert.ok(!isWhole(answer))
    })
  }

  test('a script that dies in the middle of its page resets the connection', async (t) => {
    const asked = await ask(t)
    asked.run.stdout(`${HTML}half`)
    await until('the beginning', () => asked.got.includes('half'))
    asked.run.fail(new Error('the worker died'))
    const answer = await asked.answer
    assert.equal(answer.end, 'reset')
    assert.ok(!isWhole(answer))
    assert.match(asked.log.text, /the worker died/)
  })

  for (const [what, stdout] of [
    ['nothing', ''],
    ['no head', 'hello'],
    ['a head without its end', 'Content-Type: text/html\r\n'],
    ['only an interim head', 'Status: 103\r\n\r\n'],
    ['another protocol', 'Status: 101\r\n\r\n'],
    ['a status that is none', 'Status: 999 x\r\n\r\n'],
    ['two lengths', 'Content-Length: 1\r\nContent-Length: 2\r\n\r\nx'],
    ['a control character', 'X-A: a\x00b\r\n\r\n'],
  ] as const) {
    test(`a script that writes ${what} is answered with 502`, async (t) => {
      const { port } = await startWith(t, stdout)
      const answer = await rawGet(port, '/hello.php')
      assert.equal(statusOf(answer), 502, answer.text)
    })
  }

  test('a client that goes away gives the script up', async (t) => {
    const php = new HandPlayed()
    const { port, gateway, log } = await startGateway(t, { backend: php })
    const socket = connect(port, '127.0.0.1')
    socket.write('GET /hello.php HTTP/1.1\r\nHost: a\r\n\r\n')
    const run = await until('the script', () => php.runs[0])
    socket.destroy()
    await until('the script is given up', () => run.aborted)
    assert.match(String(run.aborted![0]), /the client is gone/)
    assert.equal(gateway.active, 0)
    assert.equal(log.text, '', 'nobody is to blame')
  })
})

describe('a script that fails', () => {
  test('with 500 and without a word gets a page, and its stderr is in the log', async (t) => {
    const { port, log } = await startWith(
      t,
      `Status: 500\r\n${HTML}`,
      {},
      'PHP Fatal error: boom\x1b[2J',
    )
    const answer = await rawGet(port, '/hello.php', ['Accept: text/html'])
    assert.equal(statusOf(answer), 500)
    assert.match(bodyOf(answer), /<h1>Something went wrong/)
    assert.doesNotMatch(answer.text, /boom/)
    assert.equal(log.entries.length, 1)
    assert.equal(log.entries[0]!.level, 'error')
    assert.equal(log.entries[0]!.fields['stderr'], 'PHP Fatal error: boom\\x1b[2J')
  })

  test('with 500 and without a word is found in the log by its page', async (t) => {
    const { port, log } = await startWith(t, `Status: 500\r\n${HTML}`)
    const answer = await rawGet(port, '/hello.php?token=secret')
    const [entry] = log.entries
    const { method, path, script, reference } = entry!.fields
    assert.deepEqual([method, path, script], ['GET', '/hello.php', '/hello.php'])
    assert.match(entry!.message, /^GET \/hello\.php: the application failed with 500/)
    assert.ok(bodyOf(answer).includes(`Reference: ${String(reference)}`), answer.text)
    assert.doesNotMatch(JSON.stringify(entry), /secret/)
  })

  test('with 500 and a page of its own is heard', async (t) => {
    const { port } = await startWith(t, `Status: 500\r\n${HTML}<h1>Oops</h1>`)
    const answer = await rawGet(port, '/hello.php')
    assert.equal(statusOf(answer), 500)
    assert.equal(bodyOf(answer), '<h1>Oops</h1>')
  })

  test('shows its stderr in development, as text', async (t) => {
    const stdout = `Status: 500\r\n${HTML}`
    const { port } = await startWith(t, stdout, { development: true }, 'boom <script>')
    const { text } = await rawGet(port, '/hello.php', ['Accept: text/html'])
    assert.match(text, /boom &lt;script&gt;/)
  })
})

describe('stderr', () => {
  test('of a script that answers is logged, and no part of the answer', async (t) => {
    const { port, log } = await startWith(t, `${HTML}fine`, {}, 'PHP Warning: old\r\x1b[1m')
    const answer = await rawGet(port, '/hello.php')
    assert.equal(bodyOf(answer), 'fine')
    assert.equal(log.entries.length, 1)
    const [{ level, fields, message }] = log.entries as [(typeof log.entries)[0]]
    assert.equal(level, 'warn')
    assert.equal(message, 'GET /hello.php: PHP wrote to stderr')
    const { method, path, script, stderr } = fields
    assert.deepEqual([method, path, script], ['GET', '/hello.php', '/hello.php'])
    assert.equal(stderr, 'PHP Warning: old\\x0d\\x1b[1m')
  })

  test('is kept up to 64 KiB', async (t) => {
    const { run, answer, log } = await ask(t)
    for (let count = 0; count < 10; count++) run.stderr(`${count}`.repeat(10_000))
    run.stdout(`${HTML}x`)
    run.end()
    await answer
    assert.equal(
      log.entries[0]!.fields['stderr'],
      '0123456'.replace(/./g, (digit) => digit.repeat(10_000)).slice(0, 64 * 1024),
    )
  })

  test('of a script that fails is with its failure, once', async (t) => {
    const { run, answer, log } = await ask(t)
    run.stderr('last words')
    run.fail(new Error('the backend died'))
    assert.ok(statusOf(await answer) >= 500)
    assert.equal(log.entries.length, 1)
    assert.equal(log.entries[0]!.fields['stderr'], 'last words')
  })

  test('is shown below HTML in development, and beside nothing else', async (t) => {
    const panel = /<aside[^>]*>.*careful &lt;b&gt;.*<\/aside>/
    const cases: [string, string, boolean][] = [
      [`Content-Length: 4\r\n${HTML}`, 'page', true],
      ['Content-Type: application/json\r\n\r\n', '{}', false],
      ['Content-Type: text/html\r\nContent-Encoding: gzip\r\n\r\n', 'zipped', false],
      ['Content-Type: text/htmlx\r\n\r\n', 'x', false],
    ]
    for (const [head, body, shown] of cases) {
      const { port } = await startWith(t, head + body, { development: true }, 'careful <b>')
      const answer = await rawGet(port, '/hello.php')
      assert.ok(isWhole(answer), answer.text)
      assert.equal(panel.test(answer.text), shown, answer.text)
      assert.ok(bodyOf(answer).includes(body))
    }
    const { port } = await startWith(t, `${HTML}page`, {}, 'careful <b>')
    assert.equal(bodyOf(await rawGet(port, '/hello.php')), 'page')
  })
})

describe('heads that cannot be sent', () => {
  /** Over HTTP/2, which refuses more. */
  async function http2Status(t: TestContext, stdout: string): Promise<[number, string]> {
    const log: string[] = []
    const tell = (_: object, message: string): void => void log.push(message)
    const gateway = createGateway({
      root: PHP_ROOT,
      backend: answering(stdout),
      logger: { debug: tell, info: tell, warn: tell, error: tell },
    })
    const server = createHttp2Server(gateway.handler)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const client = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    t.after(() => {
      client.destroy()
      server.close()
    })
    const request = client.request({ ':path': '/hello.php' })
    const status = await new Promise<number>((resolve, reject) => {
      request.on('response', (headers) => resolve(Number(headers[':status'])))
      request.on('error', reject)
    })
    request.resume()
    await until('the end', () => request.closed)
    return [status, log.join('\n')]
  }

  for (const status of ['', 'Status: 500\r\n']) {
    test(`a field that HTTP/2 has no place for in ${status ? 'a failure' : 'an answer'} makes 502 of it, and nothing falls`, async (t) => {
      const [answered, log] = await http2Status(t, `${status}HTTP2-Settings: x\r\n${HTML}page`)
      assert.equal(answered, 502)
      assert.match(log, /the head cannot be sent/)
    })
  }

  test('fields where HTTP/2 takes one only are an answer all the same', async (t) => {
    assert.deepEqual(await http2Status(t, `Age: 1\r\nAge: 2\r\n${HTML}page`), [200, ''])
  })

  test('an error page that cannot be sent either ends the connection, and nothing else', async (t) => {
    const { port, log } = await startWith(t, `${HTML}page`, {
      use: [
        (next) => (exchange) => {
          exchange.replyHeaders.push(['x-broken', 'a\r\nb'])
          return next(exchange)
        },
      ],
    })
    assert.deepEqual(await rawGet(port, '/hello.php'), { text: '', end: 'reset' })
    assert.match(log.text, /the head cannot be sent.*[^]*the error page could not be sent/)
  })

  test('an interim head that cannot be sent makes 502 of its answer', async (t) => {
    const [answered] = await http2Status(t, `Status: 103\r\nHTTP2-Settings: x\r\n\r\n${HTML}page`)
    assert.equal(answered, 502)
  })
})

describe('local redirects', () => {
  interface Seen {
    readonly method: string | undefined
    readonly uri: string | undefined
    readonly query: string | undefined
    readonly length: string | undefined
    readonly type: string | undefined
    readonly stdin: string
  }

  /** A gateway whose `/hello.php` redirects, and whose `/env.php` says what it was asked. */
  async function startRedirecting(
    t: TestContext,
    location: string,
    options: GatewayOptions = {},
  ): Promise<RunningGateway & { seen: Seen[] }> {
    const seen: Seen[] = []
    const php = new MockPool()
      .on('/hello.php', { stdout: `Location: ${location}\r\n\r\n`, stderr: 'hint' })
      .on('*', ({ params, stdin }) => {
        seen.push({
          method: params.get('REQUEST_METHOD'),
          uri: params.get('REQUEST_URI'),
          query: params.get('QUERY_STRING'),
          length: params.get('CONTENT_LENGTH'),
          type: params.get('CONTENT_TYPE'),
          stdin: Buffer.from(stdin).toString(),
        })
        return { stdout: `${HTML}there` }
      })
    return { ...(await startGateway(t, { backend: php, ...options })), seen }
  }

  test('are answered by a GET without the body, with the query of the location', async (t) => {
    const { port, seen } = await startRedirecting(t, '/env.php/more?a=b%20c')
    const answer = await rawRequest(
      port,
      'POST /hello.php?x=y HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: a/b\r\nContent-Length: 4\r\n\r\nbody',
    )
    assert.match(bodyOf(answer), /there/)
    assert.deepEqual(seen, [
      {
        method: 'GET',
        uri: '/env.php/more?a=b%20c',
        query: 'a=b%20c',
        length: undefined,
        type: undefined,
        stdin: '',
      },
    ])
  })

  test('to a file send it', async (t) => {
    const { port } = await startRedirecting(t, '/notes.txt')
    const answer = await rawGet(port, '/hello.php')
    assert.equal(statusOf(answer), 200)
    assert.match(headOf(answer), /text\/plain/)
  })

  test('to what nobody may have are refused like any other request for it', async (t) => {
    const { port } = await startRedirecting(t, '/.env')
    assert.equal(statusOf(await rawGet(port, '/hello.php')), 404)
  })

  test('without an end are 502', async (t) => {
    const { port, log } = await startRedirecting(t, '/hello.php?again')
    assert.equal(statusOf(await rawGet(port, '/hello.php')), 502)
    assert.match(log.text, /more than 10 local redirects/)
  })

  for (const location of ['/../../etc/passwd', '/%2e%2e/x', '/a%00b', '/%zz', '/a%2fb']) {
    test(`to ${location} are the application's fault`, async (t) => {
      const { port, log, seen } = await startRedirecting(t, location, { frontController: false })
      assert.equal(statusOf(await rawGet(port, '/hello.php')), 502)
      assert.match(log.text, /leads nowhere/)
      assert.deepEqual(seen, [])
    })
  }

  test('out of the part of an application that the gateway is mounted at are refused', async (t) => {
    const php = new MockPool()
      .on('/blog/hello.php', { stdout: 'Location: /admin/env.php\r\n\r\n' })
      .on('/blog/index.php', { stdout: 'Location: /blog/env.php\r\n\r\n' })
      .on('/blog/env.php', { stdout: `${HTML}there` })
    const gateway = createGateway({ root: PHP_ROOT, backend: php })
    const server = express().set('env', 'test').use('/blog', gateway.handler).listen(0, '127.0.0.1')
    t.after(() => server.close())
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    assert.match(bodyOf(await rawGet(port, '/blog/')), /there/)
    assert.equal(statusOf(await rawGet(port, '/blog/hello.php')), 502)
    assert.equal(php.calls.length, 3)
  })

  for (const location of ['//evil.example/', '/\\evil.example/', 'http://evil.example/']) {
    test(`to ${location} are for the client to follow`, async (t) => {
      const { port, seen } = await startRedirecting(t, location)
      const answer = await rawGet(port, '/hello.php')
      assert.equal(statusOf(answer), 302)
      assert.ok(headOf(answer).includes(`Location: ${location}`))
      assert.deepEqual(seen, [])
    })
  }
})

describe('files that the application orders', () => {
  test('and does not get leave its own answer as it is', async (t) => {
    const cases: [string, string][] = [
      ['X-Sendfile: /nowhere', ''],
      ['X-Accel-Redirect: /nowhere', 'Content-Length: 8\r\n'],
    ]
    for (const [order, length] of cases) {
      const stdout = `${order}\r\n${length}${HTML}fallback`
      const { port, log } = await startWith(t, stdout)
      const answer = await rawGet(port, '/hello.php')
      assert.equal(statusOf(answer), 200)
      assert.ok(isWhole(answer), answer.text)
      assert.equal(bodyOf(answer), 'fallback')
      assert.doesNotMatch(answer.text, /nowhere/)
      assert.match(log.text, /none of the sendFileRoots/)
    }
  })

  test('and announces the length of, but does not get, never announce bytes that do not come', async (t) => {
    const { port } = await startWith(t, `X-Sendfile: /nowhere\r\nContent-Length: 1000\r\n${HTML}`)
    const answer = await rawGet(port, '/hello.php')
    assert.equal(statusOf(answer), 502)
    assert.ok(isWhole(answer))
  })

  test('are sent in place of what it wrote', async (t) => {
    const files = await temporaryDirectory(t)
    await writeFile(join(files, 'a.txt'), 'from the disk')
    const stdout = `X-Accel-Redirect: /files/a.txt\r\nContent-Length: 3\r\nX-A: b\r\n${HTML}not this`
    const { port } = await startWith(t, stdout, { sendFileRoots: { '/files/': files } })
    const answer = await rawGet(port, '/hello.php')
    assert.equal(bodyOf(answer), 'from the disk')
    assert.match(headOf(answer), /X-A: b/)
    assert.ok(isWhole(answer))
  })
})

test('a redirect to a folder never names another host', async (t) => {
  const root = await temporaryDirectory(t)
  await mkdir(join(root, 'folder'))
  await writeFile(join(root, 'folder', 'index.html'), 'x')
  const { port } = await startGateway(t, { root, frontController: false })
  const answer = await rawGet(port, '//evil.example/../folder?a=//b')
  assert.equal(statusOf(answer), 301)
  assert.match(answer.text, /\r\nlocation: \/evil\.example\/\.\.\/folder\/\?a=\/\/b\r\n/)
  // Browsers take a backslash for a slash.
  for (const path of ['/\\evil.example/../folder', '/\\/x/../../folder', '/%5cx/../folder']) {
    assert.equal(statusOf(await rawGet(port, path)), 400, path)
  }
})
