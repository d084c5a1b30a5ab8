// What holds for every path, whatever it is made of.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import fc from 'fast-check'
import { isFastCGIError } from '@fastcgi/client'
import { decodePath } from '@fastcgi/client/http'
import { type SiteOptions } from '@fastcgi/gateway'
import { compileRules, FileTree, resolve } from '@fastcgi/gateway/parts'
import { writeTree } from '../support/file-trees.ts'
import { SEED } from '../support/seed.ts'

fc.configureGlobal({ seed: SEED, numRuns: 3000 })

const folder = mkdtempSync(join(tmpdir(), 'fcgi-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const SOURCE = '<?php // the source'
// Everything that may be sent is called `ok`; whatever else is sent is a failure.
writeTree(folder, {
  'secret.txt': 'outside',
  'private/key.txt': 'outside',
  'root/index.php': SOURCE,
  'root/a.php': SOURCE,
  'root/B.PHP': SOURCE,
  'root/a.php.': SOURCE,
  'root/a.php.bak': SOURCE,
  'root/a.phps': SOURCE,
  'root/ok.txt': 'ok',
  'root/dir/ok.html': 'ok',
  'root/dir/index.php': SOURCE,
  'root/.env': 'hidden',
  'root/.git/config': 'hidden',
  'root/out': { link: '../private' },
  'root/out.txt': { link: '../secret.txt' },
  'root/in.txt': { link: 'ok.txt' },
})

const PIECES =
  '/ / .. . %2e %2E ..%2f %5c .php .PHP .phps .bak . ~ a B ok .txt dir out in index .env .git config secret.txt private key.txt ::$DATA %20 %00 ; ? %ff ü %c4%b0'
const THERE =
  '/ok.txt /dir/ok.html /in.txt /out.txt /out/key.txt /a.php /a.php.bak /a.phps /a.php. /B.PHP /dir'
const pieces = fc.array(fc.constantFrom(...PIECES.split(' ')), { maxLength: 5 })
const there = fc.constantFrom(...THERE.split(' '))
const path = fc.oneof(
  pieces.map((parts) => `/${parts.join('')}`),
  fc.tuple(pieces, there).map(([parts, file]) => `/${parts.join('')}${file}`),
  fc.tuple(there, fc.constantFrom('', ...PIECES.split(' '))).map((parts) => parts.join('')),
)

const OPTIONS: readonly SiteOptions[] = [
  {},
  { tryFiles: ['$path', '$path/', '$path.php', '$path.txt'] },
  { tryFiles: ['$path', '$path/', '$path.bak', '/out.txt'], frontController: false },
  { scripts: ['/index.php'], pathInfo: false, noScripts: ['/dir/**'], deny: ['ok.html'] },
]
const options = fc.constantFrom(...OPTIONS)

function decoded(target: string): string | undefined {
  try {
    return decodePath(target)
  } catch (error) {
    assert.ok(isFastCGIError(error))
    return undefined
  }
}

describe('any path', () => {
  const tree = new FileTree(join(folder, 'root'), { followSymlinks: false })

  test('is never a file outside of the root, a hidden one, or the source of a script', () => {
    let files = 0
    fc.assert(
      fc.property(path, options, (target, chosen) => {
        const asked = decoded(target)
        if (asked === undefined) return
        const answer = resolve(asked, compileRules(chosen), tree.look)
        if (answer.type === 'file') {
          files++
          assert.match(answer.path, /^\/(?:ok\.txt|dir\/ok\.html|in\.txt)$/)
        }
        if (answer.type === 'script') {
          assert.match(answer.script.scriptName, /^\/(?:index|a|dir\/index)\.php$/)
          assert.match(answer.script.pathInfo, /^(?:$|\/)/)
        }
      }),
    )
    assert.ok(files > 50, `only ${files} files were found: the paths are not near enough`)
  })

  test('is never seen by the tree when it goes up, however it is written', () => {
    const raw = fc
      .array(fc.constantFrom('/', '..', '.', 'dir', 'out', 'secret.txt', 'ok.txt', '\0', '//'), {
        maxLength: 8,
      })
      .map((parts) => parts.join('/'))
    fc.assert(
      fc.property(raw, (asked) => {
        const seen = tree.look(asked)
        if (seen === undefined) return
        assert.doesNotMatch(asked, /(?:^|\/)\.\.(?:\/|$)|\0/)
        assert.notEqual(seen.size, 'outside'.length)
      }),
    )
  })
})
