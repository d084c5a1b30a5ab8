// php-fpm is found under the names and in the places where distributions put it.

import assert from 'node:assert/strict'
import { chmodSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { pathToFileURL } from 'node:url'
import { ROOT } from '../support/paths.ts'
import { Copy } from './copy.ts'

type Find = (options: { env: Record<string, string>; folders: string[] }) => string | undefined
interface Finders {
  findPhpFpm: Find
  findPhpCgi: Find
}

const script = pathToFileURL(join(ROOT, 'scripts', 'lib', 'php.mjs')).href
const { findPhpFpm, findPhpCgi } = (await import(script)) as Finders

/** Folders with programs that do nothing. */
function machine(t: TestContext, ...programs: string[]): string {
  const copy = new Copy(t)
  for (const program of programs) {
    copy.write(program, '#!/bin/sh\n')
    chmodSync(join(copy.root, program), 0o755)
  }
  return copy.root
}

describe('the search for PHP', () => {
  test('prefers the variable', (t) => {
    const root = machine(t, 'own/fpm', 'bin/php-fpm')
    const env = { PHP_FPM: join(root, 'own/fpm'), PATH: join(root, 'bin') }
    assert.equal(findPhpFpm({ env, folders: [] }), join(root, 'own/fpm'))
  })

  test('refuses a variable that leads nowhere', () => {
    const env = { PHP_FPM: '/nowhere/php-fpm', PATH: '' }
    assert.throws(() => findPhpFpm({ env, folders: [] }), /PHP_FPM is \/nowhere\/php-fpm/)
  })

  test('searches PATH in its order, then the usual folders', (t) => {
    const root = machine(t, 'a/php-cgi', 'b/php-cgi', 'sbin/php-fpm8.2')
    const env = { PATH: [join(root, 'b'), join(root, 'a')].join(delimiter) }
    assert.equal(findPhpCgi({ env, folders: [] }), join(root, 'b/php-cgi'))
    assert.equal(findPhpFpm({ env, folders: [join(root, 'sbin')] }), join(root, 'sbin/php-fpm8.2'))
  })

  test('takes the name without a version, else the newest version', (t) => {
    const names = { 'a/php-fpm8.9': 1, 'a/php-fpm8.10': 1, 'b/php-fpm83': 1, 'b/php-fpm84': 1 }
    const root = machine(t, ...Object.keys(names), 'c/php-fpm', 'c/php-fpm8.4')
    const find = (folder: string) => findPhpFpm({ env: { PATH: join(root, folder) }, folders: [] })
    assert.equal(find('a'), join(root, 'a/php-fpm8.10'))
    assert.equal(find('b'), join(root, 'b/php-fpm84'))
    assert.equal(find('c'), join(root, 'c/php-fpm'))
  })

  test('ignores what is not executable, not a file or not php-fpm', (t) => {
    const root = machine(t, 'bin/php-fpm', 'bin/php-fpm8.2/x', 'bin/php-fpm-helper')
    chmodSync(join(root, 'bin/php-fpm'), 0o644)
    assert.equal(findPhpFpm({ env: { PATH: join(root, 'bin') }, folders: [] }), undefined)
  })

  test('finds nothing on a machine without PHP', () => {
    assert.equal(findPhpFpm({ env: {}, folders: ['/nonexistent'] }), undefined)
  })
})
