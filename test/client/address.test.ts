import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatAddress, parseAddress } from '@fastcgi/client'

const forms = [
  ['unix:/run/php/php-fpm.sock', { path: '/run/php/php-fpm.sock' }, 'unix:/run/php/php-fpm.sock'],
  ['unix:///run/php-fpm.sock', { path: '/run/php-fpm.sock' }, 'unix:/run/php-fpm.sock'],
  ['/run/php-fpm.sock', { path: '/run/php-fpm.sock' }, 'unix:/run/php-fpm.sock'],
  ['./php.sock', { path: './php.sock' }, 'unix:./php.sock'],
  ['unix:php.sock', { path: 'php.sock' }, 'unix:php.sock'],
  ['unix:@abstract', { path: '\0abstract' }, 'unix:@abstract'],
  ['unix:/with:colon and space', { path: '/with:colon and space' }, 'unix:/with:colon and space'],
  ['\\\\.\\pipe\\php', { path: '\\\\.\\pipe\\php' }, 'unix:\\\\.\\pipe\\php'],
  ['127.0.0.1:9000', { host: '127.0.0.1', port: 9000 }, 'tcp://127.0.0.1:9000'],
  ['tcp://php:9000', { host: 'php', port: 9000 }, 'tcp://php:9000'],
  ['[::1]:9000', { host: '::1', port: 9000 }, 'tcp://[::1]:9000'],
  ['tcp://[fe80::1]:9000', { host: 'fe80::1', port: 9000 }, 'tcp://[fe80::1]:9000'],
  [':9000', { host: '127.0.0.1', port: 9000 }, 'tcp://127.0.0.1:9000'],
] as const

for (const [text, address, formatted] of forms) {
  test(`reads ${JSON.stringify(text)}, and writes it in one form`, () => {
    assert.deepEqual(parseAddress(text), address)
    assert.deepEqual(parseAddress(address), address)
    assert.equal(formatAddress(address), formatted)
    assert.deepEqual(parseAddress(formatted), address)
  })
}

const nonsense = [
  '',
  'php',
  'php:',
  'php:http',
  'php:99999',
  '::1:9000',
  'http://php:9000',
  'unix:',
  '9000',
  null,
  undefined,
  {},
  { path: '' },
  { path: 5 },
  { host: '', port: 1 },
  { host: 'php', port: -1 },
  { host: 'php', port: 1.5 },
  { host: 'php' },
]
for (const value of nonsense) {
  test(`refuses ${JSON.stringify(value)} with the forms that it reads`, () => {
    assert.throws(() => parseAddress(value as string), {
      name: 'TypeError',
      message: /write unix:\/run\/php\/php-fpm\.sock/,
    })
  })
}
