// A small package with two doors is changed in one way after the other, and
// scripts/check-exports.mjs has to notice. The client itself is checked by `npm run check`.

import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { Copy } from './copy.ts'

const MANIFEST = {
  name: '@fastcgi/small',
  version: '1.0.0',
  type: 'module',
  exports: {
    '.': { types: './dist/index.d.ts', default: './dist/index.js' },
    './tool': { types: './dist/tool/index.d.ts', default: './dist/tool/index.js' },
    './package.json': './package.json',
  },
}

const FILES = {
  'package.json': JSON.stringify(MANIFEST),
  'src/index.ts': '',
  'src/tool/index.ts': '',
  'dist/index.js': "export * from './errors.js'\nexport const Role = {}\n",
  'dist/index.d.ts': [
    "export * from './errors.ts'",
    'export declare const Role: {}',
    'export type Role = {}',
    "export { type Hidden, type Shown as Options } from './options.ts'",
  ].join('\n'),
  'dist/errors.js': 'export class Mistake extends Error {}\n',
  'dist/errors.d.ts': 'export declare abstract class Mistake extends Error {}\n',
  'dist/tool/index.js': 'export function cut() {}\n',
  'dist/tool/index.d.ts': 'export declare function cut(): void\nexport interface Cut {}\n',
}

/** The package with its names written down. */
async function smallPackage(t: TestContext): Promise<Copy> {
  const copy = new Copy(t)
  for (const [path, text] of Object.entries(FILES)) copy.write(`packages/small/${path}`, text)
  const { code, output } = await check(copy, '--update')
  assert.equal(code, 0, output)
  return copy
}

function check(copy: Copy, ...options: string[]) {
  return copy.check('check-exports.mjs', '--no-pack', ...options)
}

async function assertRefused(copy: Copy, message: RegExp): Promise<void> {
  const { code, output } = await check(copy)
  assert.match(output, message)
  assert.equal(code, 1)
}

describe('check-exports', { concurrency: 4 }, () => {
  test('accepts what is written down, values and types', async (t) => {
    const copy = await smallPackage(t)
    const { code, output } = await check(copy)
    assert.match(output, /2 doors, 6 public names/)
    assert.equal(code, 0, output)
  })

  test('refuses a new export', async (t) => {
    const copy = await smallPackage(t)
    copy.append('packages/small/dist/errors.js', 'export const extra = 1')
    copy.append('packages/small/dist/errors.d.ts', 'export declare const extra: number')
    await assertRefused(copy, /packages\/small: new export: "\." extra/)
  })

  test('refuses that an export is gone, a type too', async (t) => {
    const copy = await smallPackage(t)
    copy.write('packages/small/dist/tool/index.d.ts', 'export declare function cut(): void\n')
    await assertRefused(copy, /packages\/small: export is gone: "\.\/tool" type Cut/)
  })

  test('refuses types that the program does not keep', async (t) => {
    const copy = await smallPackage(t)
    copy.write('packages/small/dist/tool/index.js', 'export function saw() {}\n')
    await assertRefused(copy, /"\.\/tool" declares cut, but the program has no such export/)
    await assertRefused(copy, /"\.\/tool" exports saw, but its types do not declare it/)
  })

  test('refuses a door that cannot be loaded', async (t) => {
    const copy = await smallPackage(t)
    copy.write('packages/small/dist/tool/index.js', "export { cut } from './gone.js'\n")
    await assertRefused(copy, /"\.\/tool" cannot be loaded: Error.*gone\.js/)
  })

  for (const file of ['dist/tool/index.js', 'dist/tool/index.d.ts']) {
    test(`refuses that ${file} is missing, and does not write that down`, async (t) => {
      const copy = await smallPackage(t)
      copy.remove(`packages/small/${file}`)
      await check(copy, '--update')
      await assertRefused(copy, new RegExp(`exports "\\./tool": \\./${file} does not exist`))
    })
  }

  test('refuses a door in src that is not exported', async (t) => {
    const copy = await smallPackage(t)
    copy.write('packages/small/src/secret/index.ts', '')
    await assertRefused(copy, /src\/secret\/index\.ts is a door, but package\.json does not export/)
  })

  test('refuses an export without a source', async (t) => {
    const copy = await smallPackage(t)
    copy.remove('packages/small/src/tool')
    await assertRefused(copy, /exports "\.\/tool", but there is no src\/tool\/index\.ts/)
  })
})
