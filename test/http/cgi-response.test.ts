// stdout -> status, headers, and where the body begins.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { CgiResponseParser, MAX_HEADER_SIZE, type CgiHead } from '@fastcgi/client/http'
import { latin1, parse } from '../support/http.js'

const REFUSED = { code: 'FCGI_ERR_CGI_RESPONSE' }

/** The head as it comes when stdout arrives in these pieces, and the bytes of body in the last of them. */
function feed(pieces: readonly Uint8Array[]): { head: CgiHead; body: string } {
  const parser = new CgiResponseParser()
  let body = ''
  for (const piece of pieces) {
    if (parser.head) {
      body += Buffer.from(piece).toString('latin1')
      continue
    }
    const at = parser.push(piece)
    // A reader reuses its buffer: whatever the parser keeps must be its own.
    if (at >= 0) body += Buffer.from(piece.subarray(at)).toString('latin1')
    piece.fill(0xdd)
  }
  return { head: parser.end(), body }
}

describe('status', () => {
  const cases: readonly (readonly [string, number, string])[] = [
    ['Content-Type: text/html', 200, 'OK'],
    ['Status: 404 Not Found', 404, 'Not Found'],
    ['Status: 418', 418, ''],
    ['Status: 200 ', 200, ''],
    ['Status:500\tBroken', 500, 'Broken'],
    ['status: 201 Created', 201, 'Created'],
    ['STATUS: 599 a: b: c', 599, 'a: b: c'],
    ['Location: http://example.org/', 302, 'Found'],
    ['Status: 201 Created\nLocation: /new', 201, 'Created'],
    ['Location: /new\nStatus: 308', 308, ''],
  ]
  for (const [block, status, statusText] of cases) {
    test(`${JSON.stringify(block)} is ${status} ${JSON.stringify(statusText)}`, () => {
      const { head } = parse(`${block}\n\n`)
      assert.deepEqual([head.status, head.statusText], [status, statusText])
      assert.ok(head.headers.every(([name]) => name.toLowerCase() !== 'status'))
    })
  }

  for (const value of ['', '20', '2000', '099', '600', '999', '200OK', '+200', '2e2', 'OK 200']) {
    test(`Status ${JSON.stringify(value)} is refused`, () => {
      assert.throws(() => parse(`Status: ${value}\n\n`), REFUSED)
    })
  }
})

describe('Location without Status', () => {
  for (const path of [
    '/next',
    '/next.php?a=b',
    '/',
    '/a//b',
    '/%5cexample.org',
    '/\xc3\xbc',
    '/a b',
  ]) {
    test(`${JSON.stringify(path)} is a local redirect`, () => {
      assert.equal(parse(`Location: ${path}\n\n`).head.localRedirect, path)
    })
  }

  for (const location of [
    'http://example.org/next',
    '//example.org/next',
    '/\\example.org/next',
    '/\t/example.org/next',
    '/a/..\\\\example.org',
    'next',
    '?a=b',
    '',
  ]) {
    test(`${JSON.stringify(location)} is not: the client gets a 302`, () => {
      const { head } = parse(`Location: ${location}\n\n`)
      assert.equal(head.localRedirect, undefined)
      assert.equal(head.status, 302)
      assert.deepEqual(head.headers, [['Location', location]])
    })
  }

  test('a Status beside it makes it an answer, not a local redirect', () => {
    assert.equal(parse('Status: 302 Found\nLocation: /next\n\n').head.localRedirect, undefined)
  })
})

describe('lines', () => {
  const HEAD = [
    ['Content-Type', 'text/html'],
    ['X-Two', '2'],
  ]
  for (const [name, stdout] of [
    ['CRLF', 'Content-Type: text/html\r\nX-Two: 2\r\n\r\nbody'],
    ['LF', 'Content-Type: text/html\nX-Two: 2\n\nbody'],
    ['both, mixed', 'Content-Type: text/html\r\nX-Two: 2\n\r\nbody'],
    ['both, the other way round', 'Content-Type: text/html\nX-Two: 2\r\n\nbody'],
    ['spaces and tabs around the value', 'Content-Type: \t text/html \t\r\nX-Two:2\r\n\r\nbody'],
  ] as const) {
    test(`may end in ${name}, and may be cut at every byte`, () => {
      const bytes = latin1(stdout)
      assert.deepEqual(parse(stdout).head.headers, HEAD)
      for (let cut = 0; cut <= bytes.length; cut++) {
        const { head, body } = feed([bytes.slice(0, cut), bytes.slice(cut)])
        assert.deepEqual([head.headers, body], [HEAD, 'body'], `cut at ${cut}`)
      }
      const single = Array.from(bytes, (byte) => Uint8Array.of(byte))
      assert.deepEqual(feed(single), { head: parse(stdout).head, body: 'body' })
    })
  }

  test('a folded line is one value with a space in it', () => {
    const { head } = parse('X-A: one\r\n  two \r\n\tthree\r\nX-B: b\r\n\r\n')
    assert.deepEqual(head.headers, [
      ['X-A', 'one two three'],
      ['X-B', 'b'],
    ])
  })

  test('a folded value keeps its bytes: no-break spaces are part of UTF-8 letters', () => {
    // à is c3 a0, and a0 alone is what Unicode calls a blank.
    assert.deepEqual(parse('X-A: b\n voil\xc3\xa0\n\n').head.headers, [['X-A', 'b voil\xc3\xa0']])
    assert.deepEqual(parse('X-A: \xa0b\xa0\n\n').head.headers, [['X-A', '\xa0b\xa0']])
  })

  test('a control character at the end of a folded line is not taken for a blank', () => {
    assert.throws(() => parse('X-A: b\n c\x0b\n\n'), REFUSED)
  })

  test('long runs of blanks and many folded lines take linear time', () => {
    // Quadratic, each of them would take many seconds; the bound is far from both.
    const start = performance.now()
    parse(`X-A: a${' '.repeat(200_000)}b\n\n`)
    parse(`X-A: b\n${' a\n'.repeat(80_000)}\n`)
    parse(`X-A:${'\t'.repeat(200_000)}\n\n`)
    assert.ok(performance.now() - start < 4000)
  })

  for (const [name, block] of [
    ['no colon', 'no header at all'],
    ['a status line, as an NPH script writes it', 'HTTP/1.1 200 OK'],
    ['a space before the colon', 'X-A : b'],
    ['no name', ': b'],
    ['a name that is not a token', 'X(A): b'],
    ['a name that is not ASCII', 'X\xe4: b'],
    ['a fold in the first line', ' X-A: b'],
    ['a bare CR', 'X-A: b\rX-B: c'],
    ['two CRs', 'X-A: b\r'],
    ['NUL', 'X-A: b\0c'],
    ['ESC', 'X-A: \x1b[31m'],
    ['DEL', 'X-A: \x7f'],
    ['only CRs', '\r'],
  ] as const) {
    test(`are refused with ${name}`, () => {
      assert.throws(() => parse(`${block}\r\n\r\n`), REFUSED)
    })
  }

  test('a tab and bytes beyond ASCII are fine in a value', () => {
    assert.deepEqual(parse('X-A: a\tb\xff\n\n').head.headers, [['X-A', 'a\tb\xff']])
  })
})

describe('the block', () => {
  test('keeps repeated fields apart and in order', () => {
    const block =
      'Set-Cookie: a=1, b\nX: y\nset-cookie: c=2; Expires=Thu, 01 Jan 1970\nSet-Cookie: d\n\n'
    assert.deepEqual(parse(block).head.headers, [
      ['Set-Cookie', 'a=1, b'],
      ['X', 'y'],
      ['set-cookie', 'c=2; Expires=Thu, 01 Jan 1970'],
      ['Set-Cookie', 'd'],
    ])
  })

  for (const name of ['Status', 'Content-Length', 'Location']) {
    test(`is refused when it has two of ${name}, in any case, even if they agree`, () => {
      assert.throws(() => parse(`${name}: 200\n${name.toUpperCase()}: 200\n\n`), REFUSED)
    })
  }

  for (const value of ['-1', '+5', '5abc', '5, 5', '0x10', '1e3', '99999999999999999999', '']) {
    test(`is refused with Content-Length ${JSON.stringify(value)}`, () => {
      assert.throws(() => parse(`Content-Length: ${value}\n\n`), REFUSED)
    })
  }

  test('ends where the first blank line is: a body may begin with blank lines', () => {
    assert.equal(parse('A: b\r\n\r\n\r\n\n\r\nbody').body, '\r\n\n\r\nbody')
    assert.equal(parse('A: b\n\n\0\xff\n\n').body, '\0\xff\n\n')
  })

  test('must have a field', () => {
    assert.throws(() => parse('\r\n\r\nbody'), REFUSED)
    assert.throws(() => parse('\nX-A: b\n\nbody'), REFUSED)
  })

  for (const stdout of ['', 'X-A: b', 'X-A: b\r\n', 'X-A: b\r\n\r', 'no headers at all']) {
    test(`is not complete without a blank line: ${JSON.stringify(stdout)}`, () => {
      assert.throws(() => parse(stdout), { ...REFUSED, message: /stdout ended within/ })
    })
  }

  test('may be as large as the limit, and not a byte larger', () => {
    const head = (length: number): Uint8Array => latin1(`X-A: ${'a'.repeat(length - 7)}\n\n`)
    const parser = new CgiResponseParser()
    assert.equal(parser.push(head(MAX_HEADER_SIZE)), MAX_HEADER_SIZE)
    assert.throws(() => new CgiResponseParser().push(head(MAX_HEADER_SIZE + 1)), REFUSED)
  })

  test('is refused as soon as it is too large, also when it never ends and comes byte by byte', () => {
    const parser = new CgiResponseParser(10)
    for (let at = 0; at < 10; at++) assert.equal(parser.push(latin1('a')), -1)
    assert.throws(() => parser.push(latin1('a')), /larger than 10 bytes/)
  })

  test('means the same each time it comes, and a cookie is that of its own answer', () => {
    const answer = (cookie: string, body: string): Uint8Array =>
      latin1(`Status: 201 Made\r\nX-A: b\r\n${cookie}\r\n${body}`)
    for (const [cookie, body] of [
      ['', 'first'],
      ['', 'second'],
      ['Set-Cookie: id=1\r\n', 'third'],
      ['Set-Cookie: id=2\r\n', 'fourth'],
      ['', 'fifth'],
    ] as const) {
      const { head, body: told } = feed([answer(cookie, body)])
      const headers = cookie === '' ? [] : [['Set-Cookie', cookie.slice(12, -2)]]
      assert.deepEqual(
        [head.status, head.statusText, head.headers, told],
        [201, 'Made', [['X-A', 'b'], ...headers], body],
      )
    }
  })

  test('does not count the body against the limit', () => {
    const parser = new CgiResponseParser(16)
    assert.equal(parser.push(latin1(`A: b\n\n${'x'.repeat(100)}`)), 6)
  })
})

describe('interim responses', () => {
  test('come before the final one and are kept apart from it', () => {
    const { head, interim, body } = parse(
      'Status: 103 Early Hints\r\nLink: </a.css>\r\n\r\nStatus: 100\n\nStatus: 404\nX: y\n\nbody',
    )
    assert.deepEqual(
      interim.map(({ status, headers }) => [status, headers]),
      [
        [103, [['Link', '</a.css>']]],
        [100, []],
      ],
    )
    assert.deepEqual([head.status, head.headers, body], [404, [['X', 'y']], 'body'])
  })

  test('alone are no answer', () => {
    assert.throws(() => parse('Status: 103\nLink: </a.css>\n\n'), {
      ...REFUSED,
      message: /after an interim response \(103\)/,
    })
  })

  test('followed by a body, as php-fpm sends them, are no answer', () => {
    assert.throws(() => parse('Status: 103\nLink: </a.css>\n\n<html>\n\n'), REFUSED)
  })

  test('count together against the limit', () => {
    const parser = new CgiResponseParser(100)
    assert.throws(() => parser.push(latin1('Status: 103\n\n'.repeat(100))), REFUSED)
  })

  test('cannot switch protocols', () => {
    const stdout = 'Status: 101 Switching Protocols\nUpgrade: websocket\n\nStatus: 200\n\nbody'
    assert.throws(() => parse(stdout), { ...REFUSED, message: /101/ })
  })
})
