// What a URL comes to, without sending it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fcgi } from './fcgi.ts'

async function env(...args: string[]): Promise<Record<string, string>> {
  const { out, err, code } = await fcgi(['env', '--json', ...args], { cwd: '/srv' })
  assert.equal(code, 0, err)
  return JSON.parse(out) as Record<string, string>
}

const CASES: readonly (readonly [args: string[], params: Record<string, string | undefined>])[] = [
  [['/a.php'], { SCRIPT_FILENAME: '/srv/a.php', DOCUMENT_ROOT: '/srv', QUERY_STRING: '' }],
  [['/a.php?x=1#top'], { REQUEST_URI: '/a.php?x=1', QUERY_STRING: 'x=1' }],
  [['/a.php/b/c'], { SCRIPT_NAME: '/a.php', PATH_INFO: '/b/c', PATH_TRANSLATED: '/srv/b/c' }],
  [['/news/5'], { SCRIPT_NAME: '/index.php', PATH_INFO: undefined, REQUEST_URI: '/news/5' }],
  [['/news/5', '--front-controller', 'app.php'], { SCRIPT_NAME: '/app.php' }],
  [['/a.php', '--root', 'public'], { SCRIPT_FILENAME: '/srv/public/a.php' }],
  [['/a.php', '--root', '/'], { SCRIPT_FILENAME: '/a.php', DOCUMENT_ROOT: '/' }],
  [['/a b.php?ü'], { REQUEST_URI: '/a%20b.php?%C3%BC', SCRIPT_NAME: '/a b.php' }],
  [['http://[::1]:81/a.php'], { SERVER_NAME: '[::1]', SERVER_PORT: '81', HTTPS: undefined }],
  [['https://x.org'], { SERVER_PORT: '443', HTTPS: 'on', REQUEST_URI: '/' }],
  [[':9000', '/a.php'], { SCRIPT_NAME: '/a.php' }],
  [['/a.php', '-d', 'abc'], { CONTENT_LENGTH: '3', REQUEST_METHOD: 'GET' }],
  [['/a.php', '--param', 'SCRIPT_NAME=/b.php'], { SCRIPT_NAME: '/b.php' }],
]

for (const [args, params] of CASES) {
  test(`env ${args.join(' ')}`, async () => {
    const all = await env(...args)
    const seen = Object.fromEntries(Object.keys(params).map((name) => [name, all[name]]))
    assert.deepEqual(seen, params)
  })
}

test('for people it is a line for each param, and hides secrets', async () => {
  const { out } = await fcgi(['env', '/a.php', '-u', 'ada:secret', '--param', 'API_TOKEN=1234'])
  assert.match(out, /^GATEWAY_INTERFACE {2,}CGI\/1\.1$/m)
  assert.match(out, /^HTTP_AUTHORIZATION {2,}\[hidden/m)
  assert.match(out, /^API_TOKEN {2,}\[hidden/m)
  const shown = await fcgi(['env', '/a.php', '--param', 'API_TOKEN=1234', '--show-secrets'])
  assert.match(shown.out, /^API_TOKEN {2,}1234$/m)
})

const REFUSED: readonly (readonly [args: string[], code: number, message: RegExp])[] = [
  [['no-slash.php'], 3, /is no URL/],
  [['ftp://x.org/'], 3, /is no URL/],
  [['/../../etc/passwd'], 3, /leaves the document root/],
  [['/a%00.php'], 3, /control character/],
  [['nowhere', '/a.php'], 3, /cannot read the address "nowhere"/],
  [['/a.php', '-H', 'no colon'], 2, /is no header/],
  [['/a.php', '--param', 'novalue'], 2, /takes NAME=VALUE/],
  [['/a.php', '--param', 'PHP_ADMIN_VALUE=a=b'], 2, /--unsafe-param/],
  [['/a.php', '-X', 'BAD METHOD'], 3, /is not a token/],
  [['/a.php', '-H', 'X: a\nb'], 3, /line break/],
]

for (const [args, code, message] of REFUSED) {
  test(`env refuses ${JSON.stringify(args.join(' '))}`, async () => {
    const result = await fcgi(['env', ...args])
    assert.equal(result.code, code)
    assert.match(result.err, message)
    assert.equal(result.err.trim().split('\n').length, 1)
  })
}
