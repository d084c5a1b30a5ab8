// The application side of one connection, driven by raw records.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Encoder, RecordType, Role } from '@fastcgi/client/protocol'
import { ResponderConnection } from '@fastcgi/client/responder'
import type { ResponderHandler, ResponderReply, ResponderRequest } from '@fastcgi/client/responder'
import { connectMemory } from '@fastcgi/client/testing'
import { nextTurn, until } from '../support/requests.js'
import { WebServer } from '../support/web-server.js'

const hello: ResponderHandler = (_, reply) => reply.stdout('hello')

const echo: ResponderHandler = async ({ stdin }, reply) => {
  for await (const chunk of stdin) await reply.stdout(chunk)
}

/** A handler that goes on until the test lets it, and what it was called with. */
function held(): {
  handler: ResponderHandler
  calls: { request: ResponderRequest; reply: ResponderReply; finish: (appStatus: number) => void }[]
} {
  const calls: ReturnType<typeof held>['calls'] = []
  const handler: ResponderHandler = (request, reply) =>
    new Promise((resolve) => {
      calls.push({ request, reply, finish: resolve })
    })
  return { handler, calls }
}

async function textOf(stream: ReadableStream<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = []
  for await (const chunk of stream) parts.push(chunk)
  return Buffer.concat(parts).toString()
}

describe('a request', () => {
  test('is answered by stdout, its end, and END_REQUEST, in this order', async () => {
    const server = await WebServer.to(hello)
    assert.equal(await server.get(1), '0/0')
    assert.deepEqual(server.log, ['1 stdout hello', '1 stdout end', '1 end 0/0'])
  })

  test('ends stderr only when something was written to it', async () => {
    const server = await WebServer.to((_, reply) => reply.stderr('careful'))
    await server.get(1)
    const lines = ['1 stderr careful', '1 stdout end', '1 stderr end', '1 end 0/0']
    assert.deepEqual(new Set(server.log), new Set(lines))
    assert.equal(server.log.at(-1), '1 end 0/0')
  })

  test('has its params as text and as bytes, in order, the last of two counting', async () => {
    const seen: unknown[] = []
    const server = await WebServer.to(({ params, rawParams, role, keepConn }) => {
      const raw = rawParams.map((pair) => pair.map((part) => Buffer.from(part).toString('latin1')))
      seen.push([...params], raw, role, keepConn)
    })
    server.encoder.beginRequest(1, Role.Responder, true)
    server.encoder.params(1, [
      ['A', 'ü'],
      ['B', Uint8Array.of(0xff)],
      ['A', ''],
    ])
    server.stdin(1)
    await server.end(1)
    assert.deepEqual(seen, [
      [
        ['A', ''],
        ['B', '\ufffd'],
      ],
      [
        ['A', '\xc3\xbc'],
        ['B', '\xff'],
        ['A', ''],
      ],
      Role.Responder,
      true,
    ])
  })

  test('begins when its params are complete, before stdin is', async () => {
    const { handler, calls } = held()
    const server = await WebServer.to(handler)
    server.encoder.beginRequest(1, Role.Responder, true)
    server.flush()
    await nextTurn()
    assert.equal(calls.length, 0)
    server.encoder.params(1, { A: 'b' })
    server.flush()
    await until(() => calls.length === 1)
    await calls[0]!.reply.stdout('early')
    await until(() => server.log.includes('1 stdout early'))
    server.stdin(1, 'late')
    server.stdin(1)
    assert.equal(await textOf(calls[0]!.request.stdin), 'late')
    calls[0]!.finish(0)
    assert.equal(await server.end(1), '0/0')
  })

  test('may come byte by byte', async () => {
    const server = await WebServer.to(echo)
    const encoder = new Encoder()
    encoder.beginRequest(1, Role.Responder, true)
    encoder.params(1, { A: 'b'.repeat(200) })
    encoder.stream(RecordType.Stdin, 1, Buffer.from('hello'))
    encoder.streamEnd(RecordType.Stdin, 1)
    for (const byte of encoder.take()) server.send(byte)
    assert.equal(await server.end(1), '0/0')
    assert.equal(server.stdout(1), 'hello')
  })

  test('has the appStatus that the handler returns, modulo 2³²', async () => {
    for (const [returned, said] of [
      [7, 7],
      [0xff_ff_ff_ff, 0xff_ff_ff_ff],
      [-1, 0xff_ff_ff_ff],
    ] as const) {
      const server = await WebServer.to(() => returned)
      assert.equal(await server.get(1), `${said}/0`)
    }
  })

  test('that throws ends with appStatus 1, its error in stderr and not in stdout', async () => {
    for (const handler of [
      () => {
        throw new Error('broken')
      },
      () => Promise.reject(new Error('broken')),
      () => Promise.reject('broken'),
    ]) {
      const server = await WebServer.to(handler)
      assert.equal(await server.get(1), '1/0')
      assert.equal(server.stdout(1), '')
      assert.ok(server.log.some((line) => line.startsWith('1 stderr') && line.includes('broken')))
      assert.equal(await server.get(2), '1/0')
    }
  })

  test('that is ended early takes no more output, and its handler may go on', async () => {
    const { handler, calls } = held()
    const server = await WebServer.to(handler)
    server.begin(1)
    await until(() => calls.length === 1)
    const { request, reply, finish } = calls[0]!
    await reply.stdout('hello')
    reply.end(3)
    reply.end(4)
    assert.equal(await server.end(1), '3/0')
    await assert.rejects(reply.stdout('more'), { code: 'FCGI_ERR_CLOSED' })
    await assert.rejects(reply.stderr('more'), { code: 'FCGI_ERR_CLOSED' })
    await assert.rejects(textOf(request.stdin), { code: 'FCGI_ERR_CLOSED' })
    finish(5)
    await nextTurn()
    // What the web server had on its way for it is dropped.
    server.stdin(1, 'late')
    server.stdin(1)
    server.begin(2)
    await until(() => calls.length === 2)
    calls[1]!.finish(0)
    assert.equal(await server.end(2), '0/0')
    assert.deepEqual(
      server.log.filter((line) => line.startsWith('1 end')),
      ['1 end 3/0'],
    )
  })

  test('that never reads its stdin ends all the same, and so does the next one', async () => {
    const server = await WebServer.to(hello)
    for (const id of [1, 2]) {
      server.begin(id, { CONTENT_LENGTH: '1000000' })
      server.stdin(id, new Uint8Array(1_000_000))
      server.stdin(id)
      assert.equal(await server.end(id), '0/0')
    }
    assert.equal(server.closed, false)
  })

  test('whose handler cancels stdin takes in what comes, and keeps none of it', async () => {
    const server = await WebServer.to(async ({ stdin }, reply) => {
      await stdin.cancel()
      await reply.stdout('cancelled')
      return 9
    })
    server.begin(1)
    server.stdin(1, new Uint8Array(300_000))
    server.stdin(1)
    assert.equal(await server.end(1), '9/0')
  })
})

describe('stdin against CONTENT_LENGTH', () => {
  for (const [name, length, body, outcome] of [
    ['as long as it says', '5', 'hello', 'hello'],
    ['empty, and 0', '0', '', ''],
    ['of a length that is not said', '', 'hello', 'hello'],
    ['of a length that is no number', 'abc', 'hello', 'hello'],
    ['shorter than it says', '6', 'hello', undefined],
    ['longer than it says', '4', 'hello', undefined],
    ['missing', '1', '', undefined],
  ] as const) {
    test(`a body that is ${name} ${outcome === undefined ? 'fails its reader' : 'is read'}`, async () => {
      const server = await WebServer.to(async ({ stdin }, reply) => {
        await reply.stdout(`read ${await textOf(stdin)}`)
      })
      server.begin(1, { CONTENT_LENGTH: length })
      if (body !== '') server.stdin(1, body)
      server.stdin(1)
      assert.equal(await server.end(1), outcome === undefined ? '1/0' : '0/0')
      assert.equal(server.stdout(1), outcome === undefined ? '' : `read ${outcome}`)
      assert.equal(server.closed, false)
    })
  }

  test('a body that goes on after its length fails its reader at once, before it has ended', async () => {
    const server = await WebServer.to(async ({ stdin }) => {
      await textOf(stdin)
    })
    server.begin(1, { CONTENT_LENGTH: '4' })
    server.stdin(1, 'hello')
    assert.equal(await server.end(1), '1/0')
  })
})

describe('roles', () => {
  const roles = [Role.Responder, Role.Authorizer, Role.Filter]

  test('a role that is not played is refused with UNKNOWN_ROLE, and the connection goes on', async () => {
    const server = await WebServer.to(hello)
    for (const role of [Role.Authorizer, Role.Filter, 0, 4, 65_535]) {
      server.begin(1, {}, { role })
      server.stdin(1)
      assert.equal(await server.end(1), '0/3', `role ${role}`)
    }
    assert.equal(await server.get(2), '0/0')
  })

  test('each role is told which it is', async () => {
    const server = await WebServer.to(({ role }, reply) => reply.stdout(`role ${role}`), { roles })
    for (const role of roles) {
      server.begin(role, {}, { role })
      server.stdin(role)
      assert.equal(await server.end(role), '0/0')
      assert.equal(server.stdout(role), `role ${role}`)
    }
  })

  test('a Filter reads stdin, then data', async () => {
    const server = await WebServer.to(
      async ({ stdin, data }, reply) => {
        await reply.stdout(`${await textOf(stdin)}, ${await textOf(data)}`)
      },
      { roles },
    )
    server.begin(1, {}, { role: Role.Filter })
    server.stdin(1, 'stdin')
    server.stdin(1)
    server.stream(RecordType.Data, 1, 'data')
    server.stream(RecordType.Data, 1, undefined)
    assert.equal(await server.end(1), '0/0')
    assert.equal(server.stdout(1), 'stdin, data')
  })
})

describe('several requests on one connection', () => {
  test('one at a time: a second one is refused with CANT_MPX_CONN, the first goes on', async () => {
    const { handler, calls } = held()
    const server = await WebServer.to(handler)
    server.begin(1)
    await until(() => calls.length === 1)
    assert.equal(await server.get(2), '0/1')
    calls[0]!.finish(0)
    assert.equal(await server.end(1), '0/0')
    server.begin(2)
    await until(() => calls.length === 2)
    calls[1]!.finish(0)
    assert.equal(await server.end(2), '0/0')
  })

  test('multiplexed: interleaved records reach the request that they belong to', async () => {
    const server = await WebServer.to(echo, { multiplex: true })
    const ids = [1, 2, 300, 65_535]
    for (const id of ids) server.begin(id)
    for (const part of ['a', 'b', 'c']) for (const id of ids) server.stdin(id, `${part}${id} `)
    for (const id of ids.toReversed()) server.stdin(id)
    for (const id of ids) {
      assert.equal(await server.end(id), '0/0')
      assert.equal(server.stdout(id), `a${id} b${id} c${id} `)
    }
  })

  test('multiplexed: params may be interleaved, too', async () => {
    const server = await WebServer.to(({ params }, reply) => reply.stdout(params.get('A')!), {
      multiplex: true,
    })
    const [first, second] = ['first', 'second'].map((value, index) => {
      const encoder = new Encoder()
      encoder.params(index + 1, { A: value })
      return Array.from(encoder.take())
    })
    for (const id of [1, 2]) server.encoder.beginRequest(id, Role.Responder, true)
    server.flush()
    // The record of the second between the record of the first and its end.
    server.send(...first!.slice(0, -8), ...second!, ...first!.slice(-8))
    assert.deepEqual([await server.end(1), await server.end(2)], ['0/0', '0/0'])
    assert.deepEqual([server.stdout(1), server.stdout(2)], ['first', 'second'])
  })

  test('a request that ends does not take the others with it', async () => {
    const { handler, calls } = held()
    const server = await WebServer.to(handler, { multiplex: true })
    server.begin(1)
    server.begin(2)
    await until(() => calls.length === 2)
    calls[0]!.finish(1)
    assert.equal(await server.end(1), '1/0')
    await calls[1]!.reply.stdout('still here')
    calls[1]!.finish(2)
    assert.equal(await server.end(2), '2/0')
  })

  test('an id that is open cannot begin again: the connection is closed', async () => {
    const { handler, calls } = held()
    const server = await WebServer.to(handler, { multiplex: true })
    server.begin(1)
    await until(() => calls.length === 1)
    server.begin(1)
    await until(() => server.closed)
    assert.equal(calls[0]!.request.signal.aborted, true)
  })
})

describe('keeping the connection', () => {
  test('with KEEP_CONN it stays open for the next request, the same id included', async () => {
    const server = await WebServer.to(hello)
    for (let count = 0; count < 3; count++) assert.equal(await server.get(1), '0/0')
    assert.equal(server.closed, false)
  })

  test('without KEEP_CONN the application closes it, after everything was sent', async () => {
    const server = await WebServer.to((_, reply) =>
      reply.stdout(new Uint8Array(300_000).fill(0x61)),
    )
    server.begin(1, {}, { keepConn: false })
    server.stdin(1)
    await until(() => server.closed)
    assert.equal(server.stdout(1).length, 300_000)
    assert.equal(server.log.at(-1), '1 end 0/0')
  })

  test('a refused request without KEEP_CONN closes it as well', async () => {
    const server = await WebServer.to(hello)
    server.begin(1, {}, { role: Role.Filter, keepConn: false })
    await until(() => server.closed)
    assert.equal(server.log.at(-1), '1 end 0/3')
  })
})

describe('management records', () => {
  const values = (server: WebServer): string | undefined =>
    server.log.find((line) => line.startsWith('values'))

  test('GET_VALUES is answered with what is known, and nothing else', async () => {
    const server = await WebServer.to(hello, { values: { FCGI_MAX_REQS: '5' }, multiplex: true })
    server.encoder.getValues(['FCGI_MAX_CONNS', 'FCGI_MPXS_CONNS', 'FCGI_MAX_REQS', '__proto__'])
    server.flush()
    await until(() => values(server) !== undefined)
    assert.equal(values(server), 'values [["FCGI_MPXS_CONNS","1"],["FCGI_MAX_REQS","5"]]')
  })

  test('GET_VALUES may come while a request runs', async () => {
    const { handler, calls } = held()
    const server = await WebServer.to(handler)
    server.begin(1)
    server.encoder.getValues(['FCGI_MPXS_CONNS'])
    server.flush()
    await until(() => values(server) !== undefined)
    assert.equal(values(server), 'values [["FCGI_MPXS_CONNS","0"]]')
    await until(() => calls.length === 1)
    calls[0]!.finish(0)
    assert.equal(await server.end(1), '0/0')
  })

  test('a name that is asked for thousands of times is answered once', async () => {
    const server = await WebServer.to(hello, { values: { A: 'a'.repeat(100) } })
    server.encoder.getValues(Array.from({ length: 10_000 }, () => 'A'))
    server.flush()
    await until(() => values(server) !== undefined || server.closed)
    assert.equal(values(server), `values [["A","${'a'.repeat(100)}"]]`)
    assert.equal(await server.get(1), '0/0')
  })

  test('an unknown management type is answered with UNKNOWN_TYPE, an unknown other one ignored', async () => {
    const server = await WebServer.to(hello)
    server.send(1, 200, 0, 0, 0, 3, 5, 0, 1, 2, 3, 0, 0, 0, 0, 0)
    server.send(1, 201, 0, 1, 0, 0, 0, 0)
    assert.equal(await server.get(1), '0/0')
    assert.deepEqual(server.log, [
      'unknown type 200',
      '1 stdout hello',
      '1 stdout end',
      '1 end 0/0',
    ])
  })
})

describe('an abort', () => {
  test('tells the handler, fails its stdin, and is answered with END_REQUEST', async () => {
    const { handler, calls } = held()
    const server = await WebServer.to(handler)
    server.begin(1, { CONTENT_LENGTH: '5' })
    await until(() => calls.length === 1)
    const { request, reply, finish } = calls[0]!
    server.encoder.abortRequest(1)
    server.flush()
    assert.equal(await server.end(1), '0/0')
    assert.equal(request.signal.aborted, true)
    await assert.rejects(textOf(request.stdin), { code: 'FCGI_ERR_CLOSED' })
    await assert.rejects(reply.stdout('more'), { code: 'FCGI_ERR_CLOSED' })
    finish(9)
    await nextTurn()
    assert.deepEqual(server.log, ['1 stdout end', '1 end 0/0'])
  })

  test('before the params are complete never calls the handler', async () => {
    const { handler, calls } = held()
    const server = await WebServer.to(handler)
    server.encoder.beginRequest(1, Role.Responder, true)
    server.encoder.abortRequest(1)
    server.flush()
    assert.equal(await server.end(1), '0/0')
    assert.equal(calls.length, 0)
  })

  test('of a request that is over, or never was, does nothing', async () => {
    const server = await WebServer.to(hello)
    await server.get(1)
    server.encoder.abortRequest(1)
    server.encoder.abortRequest(9)
    assert.equal(await server.get(2), '0/0')
  })

  test('comes also with the end of the connection', async () => {
    const { handler, calls } = held()
    const server = await WebServer.to(handler)
    server.begin(1)
    await until(() => calls.length === 1)
    server.close()
    const { request, reply, finish } = calls[0]!
    await until(() => request.signal.aborted)
    await assert.rejects(reply.stdout('x'), { code: 'FCGI_ERR_CLOSED' })
    finish(0)
  })
})

describe('backpressure', () => {
  test('an application that does not read holds the web server up', async () => {
    const { handler, calls } = held()
    const server = await WebServer.to(handler)
    server.begin(1)
    await until(() => calls.length === 1)
    let sent = 0
    const piece = new Uint8Array(32_768)
    // Stops once nothing is taken any more; what the connection and the stream keep is far less than all of it.
    for (let turn = 0; turn < 100; turn++) {
      if (server.stdin(1, piece)) sent += piece.length
      await nextTurn()
      if (sent > 3_000_000) break
    }
    assert.ok(sent < 1_000_000, `${sent} bytes were taken`)
    const reading = textOf(calls[0]!.request.stdin)
    server.stdin(1)
    assert.ok((await reading).length >= sent)
    calls[0]!.finish(0)
    assert.equal(await server.end(1), '0/0')
  })

  test('a web server that does not read holds the application up', async () => {
    let written = 0
    const piece = new Uint8Array(32_768)
    const server = await WebServer.to(async (_, reply) => {
      for (; written < 100; written++) await reply.stdout(piece)
    })
    server.stall(true)
    server.begin(1)
    server.stdin(1)
    for (let turn = 0; turn < 50; turn++) await nextTurn()
    assert.ok(written < 10, `${written} pieces were written`)
    server.stall(false)
    assert.equal(await server.end(1), '0/0')
    assert.equal(server.stdout(1).length, 100 * piece.length)
  })

  test('a write that waits is over when the connection is', async () => {
    let over = false
    const server = await WebServer.to(async (_, reply) => {
      await reply.stdout(new Uint8Array(1_000_000))
      over = true
    })
    server.stall(true)
    server.begin(1)
    await nextTurn()
    assert.equal(over, false)
    server.close()
    await until(() => over)
  })
})

describe('a web server that breaks the protocol', () => {
  const begin = (id: number): number[] => [1, 1, 0, id, 0, 8, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
  const noParams = (id: number): number[] => [1, 4, 0, id, 0, 0, 0, 0]
  const violations: readonly (readonly [string, number[]])[] = [
    ['speaks HTTP', [...Buffer.from('GET / HTTP/1.1\r\n\r\n')]],
    ['says another version', [2, 1, 0, 1, 0, 0, 0, 0]],
    ['sends stdout', [1, 6, 0, 1, 0, 1, 0, 0, 65]],
    ['ends stderr', [1, 7, 0, 1, 0, 0, 0, 0]],
    ['sends END_REQUEST', [1, 3, 0, 1, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
    ['sends GET_VALUES_RESULT', [1, 10, 0, 0, 0, 0, 0, 0]],
    ['sends UNKNOWN_TYPE', [1, 11, 0, 0, 0, 8, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0]],
    ['begins request 0', [1, 1, 0, 0, 0, 8, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]],
    ['sends a BEGIN_REQUEST that is too short', [1, 1, 0, 1, 0, 2, 0, 0, 0, 1]],
    ['cuts a pair off', [...begin(1), 1, 4, 0, 1, 0, 3, 0, 0, 5, 5, 65, ...noParams(1)]],
    [
      'says a pair of 2 GiB',
      [...begin(1), 1, 4, 0, 1, 0, 8, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255, ...noParams(1)],
    ],
    ['sends stdin before the params', [...begin(1), 1, 5, 0, 1, 0, 1, 0, 0, 65]],
    ['ends stdin before the params', [...begin(1), 1, 5, 0, 1, 0, 0, 0, 0]],
    [
      'goes on with params after their end',
      [...begin(1), ...noParams(1), 1, 4, 0, 1, 0, 2, 0, 0, 0, 0],
    ],
    ['ends the params twice', [...begin(1), ...noParams(1), ...noParams(1)]],
  ]
  for (const [name, bytes] of violations) {
    test(`${name}: its connection is closed, without an answer`, async () => {
      const { handler } = held()
      const server = await WebServer.to(handler)
      server.send(...bytes)
      await until(() => server.closed)
      assert.deepEqual(server.log, [])
    })
  }

  test('params beyond maxParamsSize close the connection, those within do not', async () => {
    const server = await WebServer.to(hello, { maxParamsSize: 1000 })
    assert.equal(await server.get(1, { A: 'a'.repeat(900) }), '0/0')
    server.begin(2, { A: 'a'.repeat(1000) })
    await until(() => server.closed)
  })

  test('params are limited to 1 MiB unless told otherwise', async () => {
    const server = await WebServer.to(hello)
    const params = (count: number): Record<string, string> =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`A${i}`, 'a'.repeat(60_000)]))
    assert.equal(await server.get(1, params(17)), '0/0')
    server.begin(2, params(18))
    await until(() => server.closed)
  })

  test('does no harm to another connection', async () => {
    const good = await WebServer.to(hello)
    const bad = await WebServer.to(hello)
    bad.send(9, 9, 9, 9, 9, 9, 9, 9)
    await until(() => bad.closed)
    assert.equal(await good.get(1), '0/0')
  })
})

test('a peer that asks and never reads the answers is read no further', async (t) => {
  const connect = connectMemory(
    (transport) =>
      new ResponderConnection(
        transport,
        () => {},
        {},
        () => {},
      ),
  )
  const handler = { data() {}, drain() {}, close() {} }
  const transport = await connect(handler, new AbortController().signal)
  t.after(() => transport.destroy())
  await nextTurn()
  transport.pause()
  // An unknown management type, which is answered with UNKNOWN_TYPE.
  const question = Uint8Array.from([1, 99, 0, 0, 0, 0, 0, 0])
  const questions = new Uint8Array(8 * 4096).map((_, index) => question[index % 8]!)
  let asked = 0
  while (asked < 1000 && transport.write(questions)) {
    asked++
    await nextTurn()
  }
  assert.ok(asked < 100, `${asked} times 4096 questions were taken`)
})
