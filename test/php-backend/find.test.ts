// Finding PHP: by variable, in PATH, in the usual folders, in node_modules.

import assert from 'node:assert/strict'
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { findPhp, installHint, type FindPhpOptions } from '@fastcgi/php'
import { temporaryDirectory } from '../support/process.ts'

/** Makes these programs below a folder. */
async function programs(t: TestContext, names: readonly string[]): Promise<string> {
  const folder = await temporaryDirectory(t)
  for (const name of names) {
    const path = join(folder, name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, '')
    await chmod(path, 0o755)
  }
  return folder
}

function found(options: FindPhpOptions): string[] {
  return findPhp({ folders: [], root: '/', ...options })
    .filter(({ kind }) => kind !== 'embedded')
    .map(({ program }) => program)
}

test('the unversioned name first, then the newest', async (t) => {
  const names = ['php-fpm8.2', 'php-fpm8.10', 'php-fpm', 'php-fpm8.9', 'php-fpm84', 'php-fpm.conf']
  const folder = await programs(t, names)
  assert.deepEqual(
    found({ env: { PATH: folder } }),
    ['php-fpm', 'php-fpm8.10', 'php-fpm8.9', 'php-fpm84', 'php-fpm8.2'].map((name) =>
      join(folder, name),
    ),
  )
})

test('php-fpm anywhere comes before php-cgi', async (t) => {
  const cgi = await programs(t, ['php-cgi'])
  const fpm = await programs(t, ['php-fpm83'])
  const list = findPhp({ root: '/', env: { PATH: cgi }, folders: [fpm] })
  assert.deepEqual(
    list.filter(({ kind }) => kind !== 'embedded'),
    [
      {
        kind: 'php-fpm',
        program: join(fpm, 'php-fpm83'),
        version: '8.3',
        origin: fpm,
        problem: undefined,
      },
      {
        kind: 'php-cgi',
        program: join(cgi, 'php-cgi'),
        version: undefined,
        origin: 'PATH',
        problem: undefined,
      },
    ],
  )
})

test('PHP_FPM comes before PATH, and a wrong one is told', async (t) => {
  const path = await programs(t, ['php-fpm'])
  const chosen = join(await programs(t, ['mine']), 'mine')
  assert.deepEqual(found({ env: { PATH: path, PHP_FPM: chosen } }), [chosen, join(path, 'php-fpm')])
  const [wrong] = findPhp({ root: '/', env: { PHP_FPM: '/nonexistent/fpm' }, folders: [] })
  assert.equal(wrong?.problem, 'it is not an executable file')
})

test('a program under two names is listed once, with the version behind its link', async (t) => {
  const folder = await programs(t, ['php-cgi8.3'])
  await symlink(join(folder, 'php-cgi8.3'), join(folder, 'php-cgi'))
  const list = findPhp({ root: '/', env: { PATH: folder }, folders: [] })
  assert.deepEqual(
    list.filter(({ kind }) => kind === 'php-cgi').map(({ program, version }) => [program, version]),
    [[join(folder, 'php-cgi'), '8.3']],
  )
})

test('what cannot be executed is not found', async (t) => {
  const folder = await programs(t, ['php-fpm'])
  await chmod(join(folder, 'php-fpm'), 0o644)
  assert.deepEqual(found({ env: { PATH: `${folder}:/nonexistent:` } }), [])
})

test('embedded PHP is the newest build that the project sees', async (t) => {
  const scope = 'node_modules/@php-wasm'
  const manifest = 'package.json'
  const names = [`${scope}/node-9-0/${manifest}`, `${scope}/node-8-4/${manifest}`]
  const alone = await programs(t, names)
  const embedded = (root: string): unknown =>
    findPhp({ root, env: {}, folders: [] }).find(({ kind }) => kind === 'embedded')
  const program = join(alone, scope, 'node-9-0')
  const common = { kind: 'embedded', program, version: '9.0', origin: '@php-wasm' }
  const problem = 'it needs @php-wasm/universal: npm install @php-wasm/universal'
  assert.deepEqual(embedded(alone), { ...common, problem })
  const universal = join(alone, scope, 'universal', manifest)
  await mkdir(dirname(universal), { recursive: true })
  await writeFile(universal, '{}')
  assert.deepEqual(embedded(join(alone, 'public')), { ...common, problem: undefined })
})

test('the hint is one command', () => {
  assert.match(installHint(), /^\S+ .*(php|@php-wasm)\S*$/)
})
