// The application side: params -> Request, and Response -> the head of a CGI response.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { cgiHead, requestFromParams } from '@fastcgi/client/http'
import { latin1, parse } from '../support/http.js'

/** The request that these params, as byte strings, make together with a method and a host. */
function requestOf(
  params: Record<string, string>,
  stdin?: ReadableStream<Uint8Array> | null,
): Request {
  const all = { REQUEST_METHOD: 'GET', HTTP_HOST: 'example.org', ...params }
  return requestFromParams(
    Object.entries(all).map(([name, value]) => [latin1(name), latin1(value)] as const),
    stdin,
  )
}

describe('the URL', () => {
  const cases: readonly (readonly [string, Record<string, string>, string])[] = [
    ['path and query of REQUEST_URI', { REQUEST_URI: '/a%20b?c=%20d' }, '/a%20b?c=%20d'],
    ['a query that has question marks', { REQUEST_URI: '/a?b?c' }, '/a?b?c'],
    [
      'bytes beyond ASCII, escaped one by one',
      { REQUEST_URI: '/\xe4?q=\xc3\xbc' },
      '/%E4?q=%C3%BC',
    ],
    ['two slashes at the beginning', { REQUEST_URI: '//evil.example/x' }, '//evil.example/x'],
    ['a number sign', { REQUEST_URI: '/a#b?c#d' }, '/a%23b?c%23d'],
    ['no path at all', {}, '/'],
    [
      'SCRIPT_NAME, PATH_INFO and QUERY_STRING without REQUEST_URI',
      { SCRIPT_NAME: '/a?%#.cgi', PATH_INFO: '/\xc3\xa4 x', QUERY_STRING: 'b=%20c' },
      '/a%3F%25%23.cgi/%C3%A4%20x?b=%20c',
    ],
  ]
  for (const [name, params, expected] of cases) {
    test(`has ${name}`, () => {
      assert.equal(requestOf(params).url, `http://example.org${expected}`)
    })
  }

  for (const [params, scheme] of [
    [{ HTTPS: 'on' }, 'https'],
    [{ HTTPS: '1' }, 'https'],
    [{ REQUEST_SCHEME: 'https' }, 'https'],
    [{ HTTPS: '', REQUEST_SCHEME: 'https' }, 'https'],
    [{ HTTPS: 'off', REQUEST_SCHEME: 'https' }, 'http'],
    [{ HTTPS: '' }, 'http'],
    [{}, 'http'],
  ] as const) {
    test(`is ${scheme} with ${JSON.stringify(params)}`, () => {
      assert.equal(requestOf(params).url, `${scheme}://example.org/`)
    })
  }

  test('without Host has SERVER_NAME and SERVER_PORT', () => {
    const server = { HTTP_HOST: '', SERVER_NAME: 'server.example', SERVER_PORT: '8080' }
    assert.equal(requestOf(server).url, 'http://server.example:8080/')
    assert.equal(requestOf({ HTTP_HOST: '' }).url, 'http://localhost/')
  })

  for (const host of ['a b', 'a/b', 'a?b', 'a#b', 'a\\b', 'user@a', 'u:p@a', 'a\tb', 'a:x', ':']) {
    test(`is none with the Host ${JSON.stringify(host)}`, () => {
      assert.throws(() => requestOf({ HTTP_HOST: host, REQUEST_URI: '/x' }), TypeError)
    })
  }
})

describe('the request', () => {
  test('has the headers, byte for byte', () => {
    const { headers } = requestOf({
      HTTP_X_FORWARDED_FOR: '192.0.2.1',
      HTTP_X_BYTES: '\xff\x9f',
      HTTP_EMPTY: '',
      CONTENT_TYPE: 'a/b',
      CONTENT_LENGTH: '5',
      HTTP_: 'x',
      HTTP_lower: 'x',
      REMOTE_USER: 'x',
    })
    assert.deepEqual(
      [...headers],
      [
        ['content-length', '5'],
        ['content-type', 'a/b'],
        ['host', 'example.org'],
        ['x-bytes', '\xff\x9f'],
        ['x-forwarded-for', '192.0.2.1'],
      ],
    )
  })

  test('believes CONTENT_LENGTH and CONTENT_TYPE, not HTTP_CONTENT_LENGTH, in any order', () => {
    for (const params of [
      { CONTENT_LENGTH: '5', HTTP_CONTENT_LENGTH: '7', HTTP_CONTENT_TYPE: 'x/y' },
      { HTTP_CONTENT_LENGTH: '7', HTTP_CONTENT_TYPE: 'x/y', CONTENT_LENGTH: '5' },
    ]) {
      const { headers } = requestOf(params)
      assert.deepEqual([headers.get('content-length'), headers.get('content-type')], ['5', null])
    }
  })

  test('has the last of two params with one name', () => {
    const pairs = [
      ['REQUEST_METHOD', 'GET'],
      ['REQUEST_METHOD', 'PUT'],
      ['SERVER_NAME', 'example.org'],
    ].map(([name, value]) => [latin1(name!), latin1(value!)] as const)
    assert.equal(requestFromParams(pairs).method, 'PUT')
  })

  for (const [method, has] of [
    ['GET', false],
    ['get', false],
    ['Head', false],
    ['POST', true],
    ['DELETE', true],
  ] as const) {
    test(`of method ${method} has ${has ? 'a' : 'no'} body`, () => {
      const stdin = new Blob(['x']).stream()
      assert.equal(requestOf({ REQUEST_METHOD: method }, stdin).body !== null, has)
    })
  }

  for (const method of ['', 'A B', 'CONNECT', 'TRACE']) {
    test(`is none with the method ${JSON.stringify(method)}`, () => {
      assert.throws(() => requestOf({ REQUEST_METHOD: method }), TypeError)
    })
  }
})

describe('cgiHead', () => {
  const headOf = (init: ResponseInit): string =>
    Buffer.from(cgiHead(new Response(null, init))).toString('latin1')

  test('has status, reason and headers, byte for byte', () => {
    const init = { status: 404, statusText: 'Nicht da', headers: { 'x-a': '\xff' } }
    assert.equal(headOf(init), 'Status: 404 Nicht da\r\nx-a: \xff\r\n\r\n')
    assert.equal(headOf({}), 'Status: 200\r\n\r\n')
  })

  test('keeps each Set-Cookie, and drops a header that would be a second Status', () => {
    const headers = new Headers([
      ['set-cookie', 'a=1, b'],
      ['set-cookie', 'c=2'],
      ['Status', '500 Broken'],
    ])
    const { head } = parse(headOf({ headers }))
    assert.equal(head.status, 200)
    assert.deepEqual(head.headers, [
      ['set-cookie', 'a=1, b'],
      ['set-cookie', 'c=2'],
    ])
  })

  test('of a redirect is a redirect for the client, not a local one', () => {
    const bytes = cgiHead(Response.redirect('http://example.org/next', 307))
    const { head } = parse(Buffer.from(bytes).toString('latin1'))
    assert.deepEqual([head.status, head.localRedirect], [307, undefined])
  })
})
