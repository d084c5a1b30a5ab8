// The configuration file: which one, what it may be, and what it says when it cannot be used.

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { defineConfig, findConfig, loadConfig } from '@fastcgi/gateway'
import { temporaryDirectory } from '../support/process.js'

/** A folder with one file. */
async function folderWith(t: TestContext, name: string, text: string): Promise<string> {
  const folder = await temporaryDirectory(t)
  await writeFile(join(folder, name), text)
  return folder
}

describe('a configuration file', () => {
  test('is found by its name, modules before JSON', async (t) => {
    const folder = await folderWith(t, 'fcgi.config.json', '{}')
    assert.equal(findConfig(folder), join(folder, 'fcgi.config.json'))
    await writeFile(join(folder, 'fcgi.config.mjs'), '')
    assert.equal(findConfig(folder), join(folder, 'fcgi.config.mjs'))
    assert.equal(findConfig(join(folder, 'none')), undefined)
  })

  test('has paths that are relative to it, in sites and routes as well', async (t) => {
    const options = {
      root: 'public',
      sendFileRoots: { '/protected/': '../files' },
      routes: [{ path: '/blog', root: 'blog' }],
      sites: [{ hosts: ['a'], root: '/srv/a', routes: [{ path: '/b', root: 'b' }] }],
      tls: { cert: 'cert.pem', key: '-----BEGIN PRIVATE KEY-----\n' },
      requestBody: { directory: 'tmp' },
    }
    const folder = await folderWith(t, 'fcgi.config.json', JSON.stringify(options))
    const loaded = await loadConfig(join(folder, 'fcgi.config.json'))
    assert.equal(loaded.root, join(folder, 'public'))
    assert.deepEqual(loaded.sendFileRoots, { '/protected/': join(folder, '..', 'files') })
    assert.equal(loaded.routes?.[0]?.root, join(folder, 'blog'))
    assert.equal(loaded.sites?.[0]?.root, '/srv/a')
    assert.equal(loaded.sites[0].routes?.[0]?.root, join(folder, 'b'))
    assert.equal(loaded.tls?.cert, join(folder, 'cert.pem'))
    assert.equal(loaded.tls.key, '-----BEGIN PRIVATE KEY-----\n')
    assert.equal(loaded.requestBody?.directory, join(folder, 'tmp'))
  })

  test('may be a module that exports options, or a function that gives them; read anew each time', async (t) => {
    const name = 'fcgi.config.mjs'
    const folder = await folderWith(t, name, 'export default { root: "/one" }')
    const file = join(folder, name)
    assert.equal((await loadConfig(file)).root, '/one')
    await writeFile(file, 'export default async () => ({ root: "/two" })')
    assert.equal((await loadConfig(file)).root, '/two')
  })

  test('gets its types from defineConfig, which changes nothing', () => {
    const options = { root: '/srv', listen: 8080 }
    assert.equal(defineConfig(options), options)
  })

  const rows: [what: string, name: string, text: string, message: RegExp][] = [
    ['no JSON', 'fcgi.config.json', '{ root', /fcgi\.config\.json cannot be loaded: SyntaxError/],
    ['a list', 'fcgi.config.json', '[]', /must hold an object of options, not \[\]/],
    ['no default export', 'fcgi.config.mjs', 'export const root = 1', /must export by default/],
    [
      'a module that throws',
      'fcgi.config.mjs',
      '\nthrow new Error("broken")',
      /cannot be loaded: Error: broken \(line 2\)$/,
    ],
    [
      'no JavaScript',
      'fcgi.config.mjs',
      'export default {\n\n  root: }',
      /cannot be loaded: SyntaxError: .* \(node \S+fcgi\.config\.mjs shows where\)$/,
    ],
    [
      'of another kind',
      'fcgi.config.yaml',
      'root: public',
      /it is neither JSON nor JavaScript; there are fcgi\.config\.ts,/,
    ],
  ]
  for (const [what, name, text, message] of rows) {
    test(`that is ${what} is refused, and named`, async (t) => {
      const folder = await folderWith(t, name, text)
      await assert.rejects(loadConfig(join(folder, name)), { name: 'ConfigError', message })
    })
  }

  test('that is a module where its package says CommonJS is told another name', async (t) => {
    const folder = await folderWith(t, 'package.json', '{ "type": "commonjs" }')
    const file = join(folder, 'fcgi.config.js')
    await writeFile(file, 'export default { root: "public" }')
    await assert.rejects(loadConfig(file), { message: /CommonJS: name it fcgi\.config\.mjs$/ })
  })

  test('that is not there is named', async () => {
    await assert.rejects(loadConfig('/nowhere/fcgi.config.mjs'), {
      message: /\/nowhere\/fcgi\.config\.mjs is not there/,
    })
  })
})
