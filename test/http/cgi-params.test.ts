// HTTP request -> CGI/1.1 params.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { headerParams, headerReader, siteParams, type HeaderPolicy } from '@fastcgi/client/http'
import { decodePairs } from '@fastcgi/client/protocol'
import { byName, paramsOf, shown } from '../support/http.js'

const BAD = { code: 'FCGI_ERR_HTTP_REQUEST', status: 400 }

function headers(list: [string, string][], policy?: HeaderPolicy): Record<string, string> {
  return byName(headerParams(list, policy).params)
}

describe('cgiParams', () => {
  test('says everything that RFC 3875 §4.1 and PHP ask for, and nothing twice', () => {
    const params = paramsOf(
      {
        method: 'POST',
        target: '/app.php/more/a%20b?x=1&y=%20z',
        headers: [
          ['Host', 'example.org:8443'],
          ['Content-Type', 'text/plain; charset=utf-8'],
          ['Content-Length', '12'],
          ['Accept', 'text/html'],
          ['Authorization', 'Basic dTpw'],
        ],
        protocol: 'HTTP/2.0',
      },
      {
        root: '/srv/app',
        script: { scriptName: '/app.php', pathInfo: '/more/a b' },
        serverName: 'example.org',
        serverPort: 8443,
        serverAddress: '192.0.2.1',
        https: true,
        remoteAddress: '198.51.100.7',
        remotePort: 50_000,
      },
    )
    assert.deepEqual(params, {
      REQUEST_METHOD: 'POST',
      REQUEST_URI: '/app.php/more/a%20b?x=1&y=%20z',
      QUERY_STRING: 'x=1&y=%20z',
      SERVER_PROTOCOL: 'HTTP/2.0',
      SCRIPT_NAME: '/app.php',
      SCRIPT_FILENAME: '/srv/app/app.php',
      DOCUMENT_URI: '/app.php/more/a b',
      PATH_INFO: '/more/a b',
      PATH_TRANSLATED: '/srv/app/more/a b',
      SERVER_NAME: 'example.org',
      SERVER_PORT: '8443',
      REQUEST_SCHEME: 'https',
      HTTPS: 'on',
      SERVER_ADDR: '192.0.2.1',
      REMOTE_ADDR: '198.51.100.7',
      REMOTE_PORT: '50000',
      HTTP_HOST: 'example.org:8443',
      HTTP_ACCEPT: 'text/html',
      HTTP_AUTHORIZATION: 'Basic dTpw',
      CONTENT_TYPE: 'text/plain; charset=utf-8',
      CONTENT_LENGTH: '12',
    })
  })

  test('leaves out what it does not know, and trusts nothing by default', () => {
    assert.deepEqual(paramsOf(), {
      REQUEST_METHOD: 'GET',
      REQUEST_URI: '/',
      QUERY_STRING: '',
      SERVER_PROTOCOL: 'HTTP/1.1',
      SCRIPT_NAME: '/index.php',
      SCRIPT_FILENAME: '/srv/index.php',
      DOCUMENT_URI: '/index.php',
      SERVER_NAME: 'example.org',
      SERVER_PORT: '80',
      REQUEST_SCHEME: 'http',
      REMOTE_ADDR: '0.0.0.0',
      REMOTE_PORT: '0',
    })
  })

  test('a base is part of the name of the script, and not of its file', () => {
    const params = paramsOf(
      { target: '/blog/app.php/more' },
      { base: '/blog', script: { scriptName: '/app.php', pathInfo: '/more' } },
    )
    assert.equal(params.SCRIPT_NAME, '/blog/app.php')
    assert.equal(params.SCRIPT_FILENAME, '/srv/app.php')
    assert.equal(params.DOCUMENT_URI, '/blog/app.php/more')
    assert.equal(params.PATH_TRANSLATED, '/srv/more')
  })

  test('takes everything after the first question mark for the query', () => {
    assert.equal(paramsOf({ target: '/?a=b?c=d' }).QUERY_STRING, 'a=b?c=d')
    assert.equal(paramsOf({ target: '/?' }).QUERY_STRING, '')
  })

  test('keeps bytes: 0x80 to 0xff of a target, a script and a header are one byte each', () => {
    const params = paramsOf(
      { target: '/\xe4?\x80', headers: [['X-A', '\xff\x9f']] },
      { script: { scriptName: '/\xc3\xa4.php', pathInfo: '/\xe4' } },
    )
    assert.equal(params.REQUEST_URI, '/\xe4?\x80')
    assert.equal(params.QUERY_STRING, '\x80')
    assert.equal(params.HTTP_X_A, '\xff\x9f')
    assert.equal(params.SCRIPT_FILENAME, '/srv/\xc3\xa4.php')
    assert.equal(params.PATH_INFO, '/\xe4')
  })

  test('takes a root for text: its file system names are UTF-8', () => {
    const script = { scriptName: '/\xe4.php', pathInfo: '/\xe4' }
    const params = paramsOf({}, { root: '/srv/ü', script })
    assert.equal(params.SCRIPT_FILENAME, '/srv/\xc3\xbc/\xe4.php')
    assert.equal(params.PATH_TRANSLATED, '/srv/\xc3\xbc/\xe4')
  })

  test('never cuts a character to its low byte, which may be a dot, a slash or a line break', () => {
    const script = { scriptName: '/\u012e\u012e\u012fx.php', pathInfo: '/\u010d' }
    const params = paramsOf({ target: '/\u010d?\u010a', headers: [['X-A', '\u010a']] }, { script })
    assert.equal(params.SCRIPT_FILENAME, '/srv/\xc4\xae\xc4\xae\xc4\xafx.php')
    assert.equal(params.PATH_INFO, '/\xc4\x8d')
    assert.equal(params.REQUEST_URI, '/\xc4\x8d?\xc4\x8a')
    assert.equal(params.HTTP_X_A, '\xc4\x8a')
  })

  for (const method of ['', 'GET /', 'GE\nT', 'G\0', 'GÄT', 'GET:']) {
    test(`refuses the method ${JSON.stringify(method)}`, () => {
      assert.throws(() => paramsOf({ method }), BAD)
    })
  }

  for (const method of ['PROPFIND', 'M-SEARCH', 'get']) {
    test(`passes the method ${method} on as it came`, () => {
      assert.equal(paramsOf({ method }).REQUEST_METHOD, method)
    })
  }

  for (const [name, script] of [
    ['a PATH_INFO without a slash', { scriptName: '/a.php', pathInfo: 'x' }],
    ['a script without a slash', { scriptName: 'a.php', pathInfo: '' }],
    ['no script', { scriptName: '', pathInfo: '' }],
    ['a script outside of the root', { scriptName: '/../a.php', pathInfo: '' }],
  ] as const) {
    test(`refuses ${name}, whoever chose it`, () => {
      assert.throws(() => paramsOf({}, { script }), BAD)
    })
  }
})

describe('headerParams', () => {
  test('names are upper case, and a dash is an underscore', () => {
    assert.deepEqual(headers([['X-forwarded-FOR', 'a']]), { HTTP_X_FORWARDED_FOR: 'a' })
    assert.deepEqual(headers([['dnt', '1']]), { HTTP_DNT: '1' })
  })

  test('fields of one name are joined in order, cookies by semicolons', () => {
    assert.deepEqual(
      headers([
        ['Accept', 'a'],
        ['Cookie', 'a=1'],
        ['ACCEPT', 'b'],
        ['cookie', 'b=2'],
        ['accept', ''],
      ]),
      { HTTP_ACCEPT: 'a, b, ', HTTP_COOKIE: 'a=1; b=2' },
    )
  })

  test('Content-Type and Content-Length are CGI variables and no HTTP_* ones', () => {
    const { params, contentType, contentLength } = headerParams([
      ['content-length', '007'],
      ['CONTENT-TYPE', 'a/b'],
    ])
    assert.deepEqual([shown(params), contentType, contentLength], [[], 'a/b', 7])
  })

  test('Authorization passes, unless the policy says no', () => {
    const list: [string, string][] = [['authorization', 'Basic dTpw']]
    assert.deepEqual(headers(list), { HTTP_AUTHORIZATION: 'Basic dTpw' })
    assert.deepEqual(headers(list, { authorization: false }), {})
  })

  test('what Connection names concerns one hop only', () => {
    const list: [string, string][] = [
      ['Connection', 'close, X-Hop'],
      ['Connection', ' x-other '],
      ['x-hop', '1'],
      ['X-Other', '2'],
      ['X-Stays', '3'],
    ]
    assert.deepEqual(headers(list), { HTTP_X_STAYS: '3' })
  })

  test('Connection cannot take the Content-Length away from a body', () => {
    const { contentLength } = headerParams([
      ['Connection', 'content-length'],
      ['Content-Length', '5'],
    ])
    assert.equal(contentLength, 5)
  })

  test('other names pass only when the policy has them', () => {
    const list: [string, string][] = [
      ['X_User', '1'],
      ['x.user.name', '2'],
    ]
    assert.deepEqual(headers(list), {})
    assert.deepEqual(headers(list, { unsafeHeaderNames: ['x_user'] }), { HTTP_X_USER: '1' })
  })

  test('two names that are one to PHP are refused, not told apart by their order', () => {
    const policy = { unsafeHeaderNames: ['x_user'] }
    const list: [string, string][] = [
      ['X_User', 'evil'],
      ['X-User', 'good'],
    ]
    assert.throws(() => headerParams(list, policy), BAD)
    assert.throws(() => headerParams(list.toReversed(), policy), BAD)
  })

  test('a second Host is refused, since two programs would choose two sites', () => {
    const list: [string, string][] = [
      ['Host', 'a'],
      ['host', 'a'],
    ]
    assert.throws(() => headerParams(list), BAD)
  })

  test('letters that become ASCII in lower case make no name', () => {
    // U+212A, the Kelvin sign, and U+0130, a capital I with a dot.
    const list: [string, string][] = [
      ['Coo\u212aie', 'a=1'],
      ['S\u0130te', '1'],
      ['', '2'],
      ['A B', '3'],
    ]
    assert.deepEqual(headers(list), {})
  })
})

describe('siteParams', () => {
  function site(...args: Parameters<typeof siteParams>): Record<string, string> {
    return byName(siteParams(...args).pieces.flatMap((piece) => decodePairs(piece)))
  }

  test('has what is the same for all requests of a site', () => {
    assert.deepEqual(site('/srv/ü', { APP_ENV: 'dev', NONE: undefined, N: 1 }), {
      GATEWAY_INTERFACE: 'CGI/1.1',
      SERVER_SOFTWARE: 'fastcgi-client',
      DOCUMENT_ROOT: '/srv/\xc3\xbc',
      REDIRECT_STATUS: '200',
      APP_ENV: 'dev',
      N: '1',
    })
    assert.equal(site('/', [['APP_ENV', 'dev']]).APP_ENV, 'dev')
  })

  test('says nothing twice: what is chosen replaces what is usual', () => {
    const { pieces } = siteParams('/srv', { SERVER_SOFTWARE: 'mine' })
    const pairs = shown(pieces.flatMap((piece) => decodePairs(piece)))
    const said = pairs.filter(([name]) => name === 'SERVER_SOFTWARE')
    assert.deepEqual(said, [['SERVER_SOFTWARE', 'mine']])
  })

  test('says / for a root that is / without its slash', () => {
    assert.equal(site('').DOCUMENT_ROOT, '/')
  })
})

describe('headerReader', () => {
  test('reads the headers of every request alike, and keeps nothing of the one before', () => {
    const read = headerReader({ unsafeHeaderNames: ['x_user'] })
    const request = (number: number): [string, string][] => [
      ['Host', `host-${number}`],
      ['X-UTF-8', `\xc3\xa4 ${number}`],
      ['X_User', String(number)],
      ['x.other', 'left out'],
      ['Content-Length', String(number)],
    ]
    for (const number of [1, 2, 3]) {
      const { params, contentLength, contentType } = read(request(number))
      assert.deepEqual(byName(params), {
        HTTP_HOST: `host-${number}`,
        HTTP_X_UTF_8: `\xc3\xa4 ${number}`,
        HTTP_X_USER: String(number),
      })
      assert.deepEqual([contentLength, contentType], [number, undefined])
    }
    assert.deepEqual(read([]), { params: [], contentLength: undefined, contentType: undefined })
  })

  test('refuses in the second request what it refuses in the first', () => {
    const read = headerReader()
    for (let times = 0; times < 2; times++) {
      assert.throws(() => read([['X-A', 'b\r\nX-C: d']]), BAD)
    }
  })

  test('reads names that nobody has said before, however many there were', () => {
    const read = headerReader()
    for (let at = 0; at < 3000; at++) {
      assert.deepEqual(byName(read([[`X-${at}`, 'a']]).params), { [`HTTP_X_${at}`]: 'a' })
    }
  })

  test('leaves out the params that the policy omits, whatever the header was called', () => {
    const read = headerReader({ omit: ['HTTP_X_ROLE'], unsafeHeaderNames: ['x_role'] })
    const list: [string, string][] = [
      ['X-Role', 'admin'],
      ['x_role', 'admin'],
      ['X-Rolex', 'stays'],
    ]
    assert.deepEqual(byName(read(list).params), { HTTP_X_ROLEX: 'stays' })
  })
})
