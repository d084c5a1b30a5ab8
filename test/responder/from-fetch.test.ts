// fromFetch: a (Request) => Response application as a FastCGI responder.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Pool } from '@fastcgi/client'
import { fromFetch, serve } from '@fastcgi/client/responder'
import { nextTurn, until } from '../support/requests.js'
import { WebServer } from '../support/web-server.js'

const PARAMS = { HTTP_HOST: 'example.org', REQUEST_URI: '/a?b=c' }

/** What the application's response becomes on stdout. */
async function answered(
  handler: Parameters<typeof fromFetch>[0],
  params: Record<string, string> = {},
): Promise<{ stdout: string; end: string; log: readonly string[] }> {
  const server = await WebServer.to(fromFetch(handler))
  const end = await server.get(1, { ...PARAMS, ...params })
  return { stdout: server.stdout(1), end, log: server.log }
}

describe('a response', () => {
  test('has status, headers, each Set-Cookie apart, and the body', async () => {
    const headers = new Headers({ 'x-a': 'ü' })
    headers.append('set-cookie', 'a=1')
    headers.append('set-cookie', 'b=2')
    const { stdout, end } = await answered(
      () => new Response(Buffer.from('body'), { status: 418, statusText: 'Teapot', headers }),
    )
    const [head, body] = stdout.split('\r\n\r\n')
    assert.deepEqual([body, end], ['body', '0/0'])
    assert.equal(head!.split('\r\n')[0], 'Status: 418 Teapot')
    assert.deepEqual(head!.match(/set-cookie: .*/g), ['set-cookie: a=1', 'set-cookie: b=2'])
  })

  test('to HEAD has no body, and lets go of the one that there is', async () => {
    let cancelled = false
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(Buffer.from('body')),
      cancel() {
        cancelled = true
      },
    })
    const headers = { 'content-length': '4' }
    const { stdout } = await answered(() => new Response(body, { headers }), {
      REQUEST_METHOD: 'HEAD',
    })
    assert.equal(stdout, 'Status: 200\r\ncontent-length: 4\r\n\r\n')
    assert.equal(cancelled, true)
  })

  for (const status of [204, 205, 304]) {
    test(`of status ${status} has no body`, async () => {
      const { stdout } = await answered(() => new Response(null, { status }))
      assert.equal(stdout, `Status: ${status}\r\n\r\n`)
    })
  }

  test('streams: a piece is sent when it is there', async () => {
    let push!: (text: string) => void
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        push = (text) => (text ? controller.enqueue(Buffer.from(text)) : controller.close())
      },
    })
    const server = await WebServer.to(fromFetch(() => new Response(body)))
    server.begin(1, PARAMS)
    for (const text of ['first', 'second']) {
      await until(() => push !== undefined)
      push(text)
      await until(() => server.log.includes(`1 stdout ${text}`))
    }
    push('')
    assert.equal(await server.end(1), '0/0')
  })

  test('that throws before its body ends with appStatus 1', async () => {
    const { end, log } = await answered(() => Promise.reject(new Error('broken')))
    assert.equal(end, '1/0')
    assert.ok(log.some((line) => line.startsWith('1 stderr') && line.includes('broken')))
  })

  test('whose body breaks off does not pass for a whole one', async (t) => {
    const server = await serve(
      fromFetch(() => {
        let pulls = 0
        return new Response(
          new ReadableStream<Uint8Array>({
            pull(controller) {
              if (pulls++ === 0) controller.enqueue(Buffer.from('half'))
              else controller.error(new Error('broken'))
            },
          }),
        )
      }),
      { listen: '127.0.0.1:0' },
    )
    const pool = new Pool(server.address)
    t.after(async () => {
      pool.destroy()
      await server.destroy()
    })
    await assert.rejects(pool.execute({ params: { REQUEST_METHOD: 'GET' } }), {
      code: 'FCGI_ERR_SOCKET',
    })
  })

  test('with a header of the name Status says its status once', async () => {
    const { stdout } = await answered(
      () => new Response('', { status: 201, headers: { Status: '200 OK' } }),
    )
    assert.deepEqual(stdout.match(/^status:.*$/gim), ['Status: 201'])
  })

  test('whose body is silent hears of an abort, and is cancelled', async () => {
    let cancelled: unknown
    const body = new ReadableStream<Uint8Array>({
      cancel(reason) {
        cancelled = reason
      },
    })
    const server = await WebServer.to(fromFetch(() => new Response(body)))
    server.begin(1, PARAMS)
    await until(() => server.log.length > 0)
    server.encoder.abortRequest(1)
    server.flush()
    assert.equal(await server.end(1), '0/0')
    await until(() => cancelled !== undefined)
    assert.equal((cancelled as { code: string }).code, 'FCGI_ERR_CLOSED')
  })

  test('that comes after an abort is let go', async () => {
    let cancelled = false
    let respond!: (response: Response) => void
    const server = await WebServer.to(
      fromFetch(
        () =>
          new Promise((resolve) => {
            respond = resolve
          }),
      ),
    )
    server.begin(1, PARAMS)
    await until(() => respond !== undefined)
    server.encoder.abortRequest(1)
    server.flush()
    await server.end(1)
    const body = new ReadableStream<Uint8Array>({
      cancel() {
        cancelled = true
      },
    })
    respond(new Response(body))
    await until(() => cancelled)
    await nextTurn()
    assert.deepEqual(server.log, ['1 stdout end', '1 end 0/0'])
  })
})

describe('a request', () => {
  test('has method, URL, headers and body', async () => {
    const server = await WebServer.to(
      fromFetch(async (request) => {
        const { method, url, headers } = request
        return new Response(`${method} ${url} ${headers.get('x-a')} ${await request.text()}`)
      }),
    )
    server.begin(1, { ...PARAMS, REQUEST_METHOD: 'POST', HTTP_X_A: '1', CONTENT_LENGTH: '4' })
    server.stdin(1, 'body')
    server.stdin(1)
    await server.end(1)
    assert.match(server.stdout(1), /POST http:\/\/example\.org\/a\?b=c 1 body$/)
  })

  test('that is cut short is not taken for a whole one', async () => {
    const seen: string[] = []
    const server = await WebServer.to(
      fromFetch(async (request) => {
        seen.push(await request.text())
        return new Response('saved')
      }),
    )
    server.begin(1, { ...PARAMS, REQUEST_METHOD: 'PUT', CONTENT_LENGTH: '5000' })
    server.stdin(1, 'hello')
    server.stdin(1)
    assert.equal(await server.end(1), '1/0')
    assert.deepEqual([seen, server.stdout(1)], [[], ''])
  })

  test('that makes no URL ends with appStatus 1', async () => {
    for (const params of [{ HTTP_HOST: 'a b' }, { REQUEST_METHOD: '' }]) {
      assert.equal((await answered(() => new Response('never'), params)).end, '1/0')
    }
  })
})
