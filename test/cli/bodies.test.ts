// Bodies in curl's spelling, as PHP receives them.

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { startFpm } from '../support/fpm.ts'
import { noise, sha256 } from '../support/php.ts'
import { fileScope, temporaryDirectory } from '../support/process.ts'
import { CLI_PHP, fcgi, type FcgiOptions } from './fcgi.ts'

let address: string
let directory: string

const scope = fileScope()

before(async () => {
  address = (await startFpm(scope)).address
  directory = await temporaryDirectory(scope)
  await writeFile(join(directory, 'lines'), 'one\r\ntwo\0\n')
  await writeFile(join(directory, 'text'), 'a b&c')
})

/** The body that a script was sent, by the options given. */
async function sent(args: string[], options: FcgiOptions = {}): Promise<string> {
  const all = ['post', address, '/echo.php', '-H', 'Content-Type: text/plain', ...args]
  const { out, err, code } = await fcgi(all.map(placed), options)
  assert.equal(code, 0, err)
  return out
}

/** The files of these tests. */
const placed = (text: string): string => text.replace('DIR', directory)

const CASES: readonly (readonly [args: string[], body: string])[] = [
  [['-d', 'a=b'], 'a=b'],
  [['-d', 'a=b', '-d', 'c=d'], 'a=b&c=d'],
  [['-d', '@DIR/lines'], 'onetwo'],
  [['--data-binary', '@DIR/lines'], 'one\r\ntwo\0\n'],
  [['--data-binary', 'x', '--data-binary', '@DIR/lines'], 'x&one\r\ntwo\0\n'],
  [['--data-raw', '@DIR/lines'], '@DIR/lines'],
  [['--data-urlencode', 'a b&c'], 'a%20b%26c'],
  [['--data-urlencode', '=a b'], 'a%20b'],
  [['--data-urlencode', 'name=ü='], 'name=%C3%BC%3D'],
  [['--data-urlencode', 'name@DIR/text'], 'name=a%20b%26c'],
  [['--data-urlencode', '@DIR/text'], 'a%20b%26c'],
  [['-d', 'a=b', '--data-urlencode', 'c= ', '--data-raw', '@'], 'a=b&c=%20&@'],
  [['--json', '{"a":', '--json', '1}'], '{"a":1}'],
  [['-T', 'DIR/lines'], 'one\r\ntwo\0\n'],
]

for (const [args, body] of CASES) {
  test(`${args.join(' ')} sends ${JSON.stringify(body)}`, async () => {
    assert.equal(await sent(args), placed(body))
  })
}

for (const args of [
  ['-d', '@-'],
  ['--data-binary', '@-'],
  ['-T', '-'],
]) {
  test(`${args.join(' ')} sends stdin`, async () => {
    assert.equal(await sent(args, { stdin: 'from stdin' }), 'from stdin')
  })
}

test('a large file is sent byte by byte, with its length', async () => {
  const content = noise(5_000_000)
  await writeFile(join(directory, 'large'), content)
  const { out } = await fcgi(['put', address, '/body.php', '-T', join(directory, 'large')])
  assert.deepEqual(JSON.parse(out), { length: content.length, sha256: sha256(content) })
})

test('forms and JSON have their content types, which -H replaces', async () => {
  const type = async (...args: string[]): Promise<Record<string, string>> =>
    JSON.parse((await fcgi(['post', address, '/env.php', ...args])).out) as Record<string, string>
  assert.equal((await type('-d', 'a'))['CONTENT_TYPE'], 'application/x-www-form-urlencoded')
  const json = await type('--json', '{}')
  assert.equal(json['CONTENT_TYPE'], 'application/json')
  assert.equal(json['HTTP_ACCEPT'], 'application/json')
  assert.equal((await type('-d', 'a', '-H', 'Content-Type: a/b'))['CONTENT_TYPE'], 'a/b')
})

test('-F sends fields and files as browsers do', async () => {
  const file = noise(300_000)
  await writeFile(join(directory, 'beach "1".jpg'), file)
  const args = [
    '-F',
    'title=Holiday; by the sea',
    '-F',
    `text=<${directory}/text`,
    '-F',
    `photo=@${directory}/beach "1".jpg`,
    '-F',
    `other=@${directory}/text;type=text/x-test;filename=renamed.txt`,
    '--form-string',
    'raw=@nothing;type=x',
  ]
  const { out, err } = await fcgi(['post', address, '/form.php', '--root', CLI_PHP, ...args])
  assert.deepEqual(JSON.parse(out || err), {
    post: { title: 'Holiday; by the sea', text: 'a b&c', raw: '@nothing;type=x' },
    files: {
      photo: { name: 'beach %221%22.jpg', type: 'image/jpeg', sha256: sha256(file) },
      other: {
        name: 'renamed.txt',
        type: 'text/x-test',
        sha256: sha256(Buffer.from('a b&c')),
      },
    },
  })
})

test('-G puts the data into the query', async () => {
  const { out } = await fcgi(['get', address, '/env.php?a=1', '-G', '-d', 'b=2', '-d', 'c=3'])
  const env = JSON.parse(out) as Record<string, string>
  assert.equal(env['QUERY_STRING'], 'a=1&b=2&c=3')
  assert.equal(env['CONTENT_LENGTH'] ?? '', '')
})

test('two kinds of body, or a file that cannot be read, are refused', async () => {
  const both = await fcgi(['post', address, '/echo.php', '-d', 'a', '-F', 'b=c'])
  assert.equal(both.code, 2)
  assert.match(both.err, /one body: -d or -F, not both/)
  for (const args of [
    ['-T', '/nowhere'],
    ['-d', '@/nowhere'],
    ['-F', 'a=@/nowhere'],
  ]) {
    const { code, err } = await fcgi(['post', address, '/echo.php', ...args])
    assert.equal(code, 26)
    assert.match(err, /cannot read \/nowhere: ENOENT/)
  }
})
