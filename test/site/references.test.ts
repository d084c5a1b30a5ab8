// What the web site says about the code is what the code says.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import * as client from '@fastcgi/client'
import { errorStatus } from '@fastcgi/client/http'
import { createGateway, serve } from '@fastcgi/gateway'
import { startPhp } from '@fastcgi/php'
import { fcgi } from '../cli/fcgi.ts'
import { ROOT } from '../support/paths.ts'
import { pagePaths, pageText, WEBSITE } from './pages.ts'

test('each error code has its row, with the class and the HTTP status that it has', () => {
  const declared = readFileSync(join(ROOT, 'packages/client/src/errors.ts'), 'utf8')
  const codes = new Set(
    [...declared.matchAll(/^ {2}\| '(FCGI_ERR_\w+)'/gm)].map(([, code]) => code),
  )
  const rows = pageText('guide/errors.md').matchAll(
    /^\| `(FCGI_ERR_\w+)` +\| `(\w+)` +\|.*\| +([^|]+?) +\|$/gm,
  )
  for (const [, code = '', name = '', status = ''] of rows) {
    assert.ok(codes.delete(code), code)
    assert.ok(name in client, name)
    if (code === 'FCGI_ERR_HTTP_REQUEST') continue
    const error = new client.FastCGIError(code as client.FastCGIErrorCode, 'a test')
    assert.equal(errorStatus(error), Number.parseInt(status, 10), code)
  }
  assert.deepEqual([...codes], [])
})

/** The names that a check of options lists when it is given one that is not known. */
async function knownOptions(call: () => unknown): Promise<string[]> {
  const error = await Promise.resolve()
    .then(call)
    .then(
      () => undefined,
      (reason: unknown) => reason,
    )
  assert.ok(error instanceof TypeError, String(error))
  const [, names = ''] = /(?:there are|it takes) ([^;]+)$/.exec(error.message) ?? []
  assert.notEqual(names, '', error.message)
  return names.split(', ')
}

test('the configuration reference has every option, and no other', async () => {
  const page = pageText('reference/configuration.md')
  const wrong = { nonsense: 1 } as object
  const root = '/'
  const groups = {
    'The server': await knownOptions(() => serve(wrong)),
    'The gateway': await knownOptions(() => createGateway(wrong)),
    'A pool of connections': await knownOptions(() => new client.Pool(':1', wrong)),
    '`php`': await knownOptions(() => startPhp({ root, ...wrong })),
  }
  for (const [group, names] of Object.entries(groups)) {
    for (const name of names)
      assert.match(page, new RegExp(`^### ${name}$`, 'm'), `${group}: ${name}`)
  }
  const all = new Set(Object.values(groups).flat())
  const [, site = ''] = /^## A site$([^]*?)^## /m.exec(page) ?? []
  for (const [, name = ''] of site.matchAll(/^### (\w+)$/gm)) assert.ok(all.has(name), name)
})

test('the command line reference has every command, option and exit code of the help', async () => {
  const page = pageText('reference/cli.md')
  const { out } = await fcgi(['--help'], { columns: 200 })
  const commands = [...out.matchAll(/^ {2}([a-z]+) {2,}\S/gm)]
    .map(([, name = '']) => name)
    .filter((name) => name !== 'help' && name !== 'fcgi')
  assert.ok(commands.length > 10)
  for (const name of commands) {
    const [, section = ''] = new RegExp(`^## fcgi ${name}$([^]*?)(?=^## )`, 'm').exec(page) ?? []
    const help = (await fcgi([name, '--help'], { columns: 200 })).out
    for (const [, option = ''] of help.matchAll(/^ {2,6}(?:-\w, )?(--[\w-]+)/gm)) {
      if (option !== '--help') assert.ok(section.includes(option), `fcgi ${name}: ${option}`)
    }
  }
  for (const [, code] of out.matchAll(/^ +(\d+) {2}\S/gm)) {
    assert.match(page, new RegExp(`^\\| +${code} \\|`, 'm'), `exit code ${code}`)
  }
})

test('the API has every door of every package', () => {
  for (const folder of readdirSync(join(ROOT, 'packages'))) {
    const file = join(ROOT, 'packages', folder, 'package.json')
    const { name, exports } = JSON.parse(readFileSync(file, 'utf8')) as {
      name: string
      exports: object
    }
    for (const door of Object.keys(exports)) {
      // Parts may change in any version, and say so: they are for those who read the source.
      if (door === './package.json' || door === './parts') continue
      const page = join(WEBSITE, 'content', 'api', `${name}${door.slice(1)}.md`)
      assert.ok(readFileSync(page, 'utf8').length > 500, page)
    }
  }
})

test('llms.txt names every page, and llms-full.txt has their texts', () => {
  const index = readFileSync(join(WEBSITE, 'content/public/llms.txt'), 'utf8')
  const full = readFileSync(join(WEBSITE, 'content/public/llms-full.txt'), 'utf8')
  for (const path of pagePaths().filter((one) => one !== 'index.md')) {
    assert.ok(index.includes(`/${path})`), path)
    const [heading = ''] = /^# .+$/m.exec(pageText(path)) ?? []
    assert.ok(full.includes(heading), path)
  }
})
