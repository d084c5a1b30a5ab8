// Which record may come next: every move in every state, on both sides of the table.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { LocalProtocolError, RemoteProtocolError } from '@fastcgi/client'
import { Decoder, Encoder, RecordType, Role, Session } from '@fastcgi/client/protocol'
import type { EndRequest, Message, SendMove, StreamType } from '@fastcgi/client/protocol'
import { bytesOf, textOf } from '../support/hex.ts'

const SEND_MOVES: readonly SendMove[] = [
  'paramsEnd',
  'stdin',
  'stdinEnd',
  'data',
  'dataEnd',
  'abort',
]
const RECEIVE_MOVES = ['stdout', 'stdoutEnd', 'stderr', 'stderrEnd', 'end'] as const
type ReceiveMove = (typeof RECEIVE_MOVES)[number]

/** By role and by what was sent before: what may be sent next. Written from §6, not from the code. */
const MAY_SEND: [string, Role, SendMove[], SendMove[]][] = [
  ['responder, aborted', Role.Responder, ['paramsEnd', 'stdin', 'abort'], []],
  ['filter, aborted', Role.Filter, ['paramsEnd', 'stdinEnd', 'data', 'abort'], []],
  ['responder, begun', Role.Responder, [], ['paramsEnd', 'abort']],
  ['responder, params sent', Role.Responder, ['paramsEnd'], ['stdin', 'stdinEnd', 'abort']],
  [
    'responder, some stdin sent',
    Role.Responder,
    ['paramsEnd', 'stdin'],
    ['stdin', 'stdinEnd', 'abort'],
  ],
  ['responder, stdin ended', Role.Responder, ['paramsEnd', 'stdinEnd'], ['abort']],
  ['authorizer, begun', Role.Authorizer, [], ['paramsEnd', 'abort']],
  ['authorizer, params sent', Role.Authorizer, ['paramsEnd'], ['stdin', 'stdinEnd', 'abort']],
  ['authorizer, stdin ended', Role.Authorizer, ['paramsEnd', 'stdinEnd'], ['abort']],
  ['filter, begun', Role.Filter, [], ['paramsEnd', 'abort']],
  ['filter, params sent', Role.Filter, ['paramsEnd'], ['stdin', 'stdinEnd', 'abort']],
  ['filter, some stdin sent', Role.Filter, ['paramsEnd', 'stdin'], ['stdin', 'stdinEnd', 'abort']],
  ['filter, stdin ended', Role.Filter, ['paramsEnd', 'stdinEnd'], ['data', 'dataEnd', 'abort']],
  [
    'filter, some data',
    Role.Filter,
    ['paramsEnd', 'stdinEnd', 'data'],
    ['data', 'dataEnd', 'abort'],
  ],
  ['filter, data ended', Role.Filter, ['paramsEnd', 'stdinEnd', 'dataEnd'], ['abort']],
]

/** By what has come before: what may come next. php-fpm ends neither stream, so END may come at any time. */
const MAY_RECEIVE: [string, ReceiveMove[], ReceiveMove[]][] = [
  ['nothing came', [], ['stdout', 'stdoutEnd', 'stderr', 'stderrEnd', 'end']],
  ['both streams came', ['stdout', 'stderr'], [...RECEIVE_MOVES]],
  ['stdout ended', ['stdout', 'stdoutEnd'], ['stderr', 'stderrEnd', 'end']],
  ['stdout ended, stderr goes on', ['stdoutEnd', 'stderr'], ['stderr', 'stderrEnd', 'end']],
  ['stderr ended', ['stderrEnd'], ['stdout', 'stdoutEnd', 'end']],
  ['stderr ended, stdout goes on', ['stderrEnd', 'stdout'], ['stdout', 'stdoutEnd', 'end']],
  ['stdout ended, then stderr', ['stdoutEnd', 'stderrEnd'], ['end']],
  ['stderr ended, then stdout', ['stderrEnd', 'stdoutEnd'], ['end']],
  ['the request ended', ['end'], []],
]

describe('the web server says', () => {
  for (const [state, role, before, allowed] of MAY_SEND) {
    for (const move of SEND_MOVES) {
      const may = allowed.includes(move)
      test(`${state}: ${move} ${may ? 'is in order' : 'is its own mistake'}`, () => {
        const { session } = logged()
        const id = session.begin(role)
        for (const said of before) session.send(id, said)
        if (may) return session.send(id, move)
        assert.throws(() => session.send(id, move), {
          name: LocalProtocolError.name,
          code: 'FCGI_ERR_LOCAL_PROTOCOL',
          message: new RegExp(`^${move} on request ${id}, which is in state `),
        })
        // A refused move changes nothing: what was in order still is.
        for (const next of allowed) {
          const { session: same } = logged()
          same.begin(role)
          for (const said of before) same.send(1, said)
          assert.throws(() => same.send(1, move))
          same.send(1, next)
        }
        return undefined
      })
    }
  }

  test('nothing about a request that it did not begin, or that has ended', () => {
    const { session } = logged()
    const notOpen = { name: LocalProtocolError.name, message: /on request 1, which is not open/ }
    for (const move of SEND_MOVES) assert.throws(() => session.send(1, move), notOpen)
    session.begin(Role.Responder)
    receive(session, 1, 'end')
    for (const move of SEND_MOVES) assert.throws(() => session.send(1, move), notOpen)
  })
})

describe('the application says', () => {
  for (const [state, before, allowed] of MAY_RECEIVE) {
    for (const move of RECEIVE_MOVES) {
      const may = allowed.includes(move)
      test(`when ${state}: ${move} ${may ? 'is in order' : 'is its mistake'}`, () => {
        const { session, log } = logged()
        const id = session.begin(Role.Responder)
        for (const said of before) receive(session, id, said)
        const heard = log.length
        if (may) {
          receive(session, id, move)
          assert.equal(log.length - heard, move.endsWith('End') ? 0 : 1)
        } else {
          assert.throws(() => receive(session, id, move), {
            name: RemoteProtocolError.name,
            message: before.includes('end')
              ? `${move} for request id 1, which is not open on this connection`
              : `${move} for request 1 after that stream's end`,
          })
          assert.equal(log.length, heard)
        }
      })
    }
  }

  for (const move of RECEIVE_MOVES) {
    test(`${move} for an id that was never begun, which is its mistake`, () => {
      const { session, log } = logged()
      session.begin(Role.Responder)
      for (const id of [2, 255, 256, 65_535]) {
        assert.throws(() => receive(session, id, move), {
          name: RemoteProtocolError.name,
          message: `${move} for request id ${id}, which is not open on this connection`,
        })
      }
      assert.deepEqual(log, [])
    })
  }

  const fromServer: [string, (session: Session) => void][] = [
    ['PARAMS', (session) => session.onStream(RecordType.Params, 1, bytesOf('x'))],
    ['STDIN', (session) => session.onStream(RecordType.Stdin, 1, bytesOf('x'))],
    ['DATA', (session) => session.onStream(RecordType.Data, 1, bytesOf('x'))],
    ['the end of PARAMS', (session) => session.onStreamEnd(RecordType.Params, 1)],
    ['the end of STDIN', (session) => session.onStreamEnd(RecordType.Stdin, 1)],
    ['the end of DATA', (session) => session.onStreamEnd(RecordType.Data, 1)],
    [
      'BEGIN_REQUEST',
      (session) => session.onMessage({ type: 1, requestId: 1, role: 1, keepConn: true }),
    ],
    ['ABORT_REQUEST', (session) => session.onMessage({ type: 2, requestId: 1 })],
    ['GET_VALUES', (session) => session.onMessage({ type: 9, requestId: 0, names: [] })],
  ]
  for (const [what, say] of fromServer) {
    test(`${what}, which only a web server may say`, () => {
      const { session, log } = logged()
      session.begin(Role.Filter)
      assert.throws(() => say(session), {
        name: RemoteProtocolError.name,
        message: /^record of type \d+ for request [01]: only a web server sends it$/,
      })
      assert.deepEqual(log, [])
      assert.equal(session.size, 1)
    })
  }

  const ignored: Message[] = [
    { type: RecordType.UnknownType, requestId: 0, unknownType: 99 },
    { type: RecordType.GetValuesResult, requestId: 0, values: new Map([['A', '1']]) },
    { type: 'unknown', requestId: 0, recordType: 99 },
    { type: 'unknown', requestId: 1, recordType: 12 },
    { type: 'unknown', requestId: 77, recordType: 255 },
  ]
  for (const message of ignored) {
    test(`${JSON.stringify(message)}, which means nothing to a web server`, () => {
      const { session, log } = logged()
      session.begin(Role.Responder)
      session.onMessage(message)
      assert.deepEqual(log, [])
      receive(session, 1, 'stdout')
      assert.equal(log.length, 1)
    })
  }
})

describe('the end of a request', () => {
  const ends: [Role, SendMove[], boolean][] = [
    [Role.Responder, [], false],
    [Role.Responder, ['paramsEnd'], false],
    [Role.Responder, ['paramsEnd', 'stdin'], false],
    [Role.Responder, ['paramsEnd', 'stdin', 'stdinEnd'], true],
    [Role.Authorizer, ['paramsEnd', 'stdinEnd'], true],
    [Role.Filter, ['paramsEnd', 'stdinEnd'], false],
    [Role.Filter, ['paramsEnd', 'stdinEnd', 'data'], false],
    [Role.Filter, ['paramsEnd', 'stdinEnd', 'dataEnd'], true],
  ]
  for (const [role, moves, sentAll] of ends) {
    test(`of role ${role} after [${moves.join(', ')}] says that ${sentAll ? 'all' : 'not all'} was sent`, () => {
      const { session, log } = logged()
      const id = session.begin(role)
      for (const move of moves) session.send(id, move)
      receive(session, id, 'end')
      assert.deepEqual(log, [`end ${id} appStatus 7 protocolStatus 1 sentAll ${sentAll}`])
      assert.equal(session.size, 0)
    })
  }

  test('is said when the request is no longer open, so that another one may begin', () => {
    const begun: number[] = []
    const session: Session = new Session({
      onStdout() {},
      onStderr() {},
      onEnd() {
        assert.equal(session.size, 0)
        begun.push(session.begin(Role.Responder))
      },
    })
    begun.push(session.begin(Role.Responder))
    receive(session, 1, 'end')
    receive(session, 2, 'end')
    assert.deepEqual(begun, [1, 2, 3])
  })
})

describe('request ids', () => {
  test('go round from 1 to 255', () => {
    const { session } = logged()
    const ids = Array.from({ length: 600 }, () => {
      const id = session.begin(Role.Responder)
      receive(session, id, 'end')
      return id
    })
    assert.deepEqual(
      ids,
      Array.from({ length: 600 }, (_, index) => (index % 255) + 1),
    )
  })

  test('make a late record of the request before a mistake, not an answer', () => {
    const { session, log } = logged()
    for (let round = 0; round < 300; round++) {
      const before = session.begin(Role.Responder)
      receive(session, before, 'end')
      session.begin(Role.Responder)
      log.length = 0
      for (const move of RECEIVE_MOVES) {
        assert.throws(() => receive(session, before, move), RemoteProtocolError)
      }
      assert.deepEqual(log, [])
      receive(session, (before % 255) + 1, 'end')
    }
  })

  test('pass over those that are still open', () => {
    const { session } = logged()
    for (let id = 1; id <= 5; id++) session.begin(Role.Responder)
    for (const id of [1, 3]) receive(session, id, 'end')
    for (let id = 6; id <= 255; id++) assert.equal(session.begin(Role.Responder), id)
    assert.equal(session.begin(Role.Responder), 1)
    assert.equal(session.begin(Role.Responder), 3)
  })

  test('are 255 at once, and one more is the caller’s mistake, until one ends', () => {
    const { session } = logged()
    for (let id = 1; id <= 255; id++) assert.equal(session.begin(Role.Responder), id)
    assert.equal(session.size, 255)
    assert.throws(() => session.begin(Role.Responder), {
      name: LocalProtocolError.name,
      code: 'FCGI_ERR_LOCAL_PROTOCOL',
      message: '255 requests are open on this connection',
    })
    assert.equal(session.size, 255)
    receive(session, 77, 'end')
    assert.equal(session.begin(Role.Responder), 77)
  })
})

describe('a request taken back', () => {
  test('is not open any more, for either side', () => {
    const { session, log } = logged()
    const id = session.begin(Role.Responder)
    session.cancel(id)
    assert.equal(session.size, 0)
    assert.throws(() => session.send(id, 'paramsEnd'), LocalProtocolError)
    assert.throws(() => receive(session, id, 'end'), RemoteProtocolError)
    assert.equal(session.begin(Role.Responder), id + 1)
    assert.deepEqual(log, [])
  })

  test('that was never begun is nothing', () => {
    const { session } = logged()
    session.begin(Role.Responder)
    session.cancel(99)
    assert.equal(session.size, 1)
  })
})

describe('an application face to face, by way of bytes', () => {
  test('answers three requests interleaved, each on its own', () => {
    const { session, log } = logged()
    const decoder = new Decoder(session)
    const [a, b, c] = [Role.Responder, Role.Authorizer, Role.Filter].map((role) => {
      const id = session.begin(role)
      session.send(id, 'paramsEnd')
      session.send(id, 'stdinEnd')
      return id
    }) as [number, number, number]
    session.send(c, 'dataEnd')
    const app = new Encoder()
    app.stream(RecordType.Stdout, b, bytesOf('Status: 200\r\n\r\n'))
    app.stream(RecordType.Stderr, a, bytesOf('warning'))
    app.stream(RecordType.Stdout, a, bytesOf('one'))
    app.streamEnd(RecordType.Stdout, b)
    app.endRequest(b, 0, 0)
    app.stream(RecordType.Stdout, c, bytesOf('three'))
    app.endRequest(a, 1, 0)
    app.endRequest(c, 3, 0)
    decoder.push(app.take())
    assert.deepEqual(log, [
      'stdout 2 Status: 200\r\n\r\n',
      'stderr 1 warning',
      'stdout 1 one',
      'end 2 appStatus 0 protocolStatus 0 sentAll true',
      'stdout 3 three',
      'end 1 appStatus 1 protocolStatus 0 sentAll true',
      'end 3 appStatus 3 protocolStatus 0 sentAll true',
    ])
    assert.equal(session.size, 0)
    assert.ok(decoder.atBorder)
  })

  test('that says more after its end fails the decoder, and what came before was heard', () => {
    const { session, log } = logged()
    const decoder = new Decoder(session)
    const id = session.begin(Role.Responder)
    const app = new Encoder()
    app.endRequest(id, 0, 0)
    app.stream(RecordType.Stdout, id, bytesOf('late'))
    assert.throws(() => decoder.push(app.take()), RemoteProtocolError)
    assert.deepEqual(log, [`end ${id} appStatus 0 protocolStatus 0 sentAll false`])
    app.stream(RecordType.Stdout, session.begin(Role.Responder), bytesOf('next'))
    assert.throws(() => decoder.push(app.take()), RemoteProtocolError)
  })
})

/** A session and what it told its owner. */
function logged(): { session: Session; log: string[] } {
  const log: string[] = []
  const session = new Session({
    onStdout: (id, data) => log.push(`stdout ${id} ${textOf(data)}`),
    onStderr: (id, data) => log.push(`stderr ${id} ${textOf(data)}`),
    onEnd: ({ requestId, appStatus, protocolStatus }: EndRequest, sentAll) =>
      log.push(
        `end ${requestId} appStatus ${appStatus} protocolStatus ${protocolStatus} sentAll ${sentAll}`,
      ),
  })
  return { session, log }
}

function receive(session: Session, requestId: number, move: ReceiveMove): void {
  if (move === 'end') {
    session.onMessage({
      type: RecordType.EndRequest,
      requestId,
      appStatus: 7,
      protocolStatus: 1,
    })
    return
  }
  const type: StreamType = move.startsWith('stdout') ? RecordType.Stdout : RecordType.Stderr
  if (move.endsWith('End')) session.onStreamEnd(type, requestId)
  else session.onStream(type, requestId, bytesOf('x'))
}
