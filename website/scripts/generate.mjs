// Writes the pages that say what the code says: command line, configuration, API, benchmarks, and the texts for language models.
// The packages must have been built: the command line is asked, not read.
//
//   node scripts/generate.mjs

import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { benchmarksPage } from './benchmarks-page.mjs'
import { cliPage } from './cli-page.mjs'
import { configurationPage } from './configuration-page.mjs'
import { llmsFullText, llmsText } from './llms.mjs'
import { mendAnchors } from './mend-anchors.mjs'
import { CONTENT, DOCS, WEBSITE } from './places.mjs'

/** @param {string} name @param {string} text */
function write(name, text) {
  const path = join(CONTENT, name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}

/** @param {string} name in docs/ */
function doc(name) {
  return readFileSync(join(DOCS, name), 'utf8')
}

function api() {
  const require = createRequire(import.meta.url)
  const typedoc = join(dirname(require.resolve('typedoc/package.json')), 'bin', 'typedoc')
  const { status } = spawnSync(
    process.execPath,
    [typedoc, '--options', join(WEBSITE, 'scripts', 'typedoc.json')],
    { stdio: 'inherit', cwd: WEBSITE },
  )
  if (status !== 0) throw new Error('typedoc failed')
  mendAnchors(join(CONTENT, 'api'))
}

write('reference/cli.md', cliPage())
write('reference/configuration.md', configurationPage())
write('benchmarks.md', benchmarksPage(doc('benchmarks.md'), JSON.parse(doc('benchmarks.json'))))
api()
write('public/llms.txt', llmsText())
write('public/llms-full.txt', llmsFullText())
