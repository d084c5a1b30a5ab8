// Installs and builds what is missing, then runs the tests with `node --test`.
//
//   npm test                                  everything
//   npm run test:unit                         everything that needs no PHP and no other process
//   node scripts/test.mjs <part>...           a folder of test/, or a part of a file's name
//   node scripts/test.mjs --except e2e        without a folder (repeatable)
//   node scripts/test.mjs --node <path>       on another Node
//   node scripts/test.mjs --no-build          with what is built already

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { prepare } from './lib/build.mjs'
import { BUILT_TESTS, ROOT } from './lib/paths.mjs'
import { ensurePhp, phpEnv } from './lib/php.mjs'
import { run } from './lib/run.mjs'
import { testedSite } from './lib/site.mjs'
import { folderOf, testFiles } from './lib/test-files.mjs'

const { values: options, positionals: only } = parseArgs({
  allowPositionals: true,
  options: {
    build: { type: 'boolean', default: true },
    except: { type: 'string', multiple: true, default: [] },
    node: { type: 'string', default: process.execPath },
  },
  allowNegative: true,
})

/** Folders whose tests talk to a real PHP. */
const NEEDS_PHP = new Set([
  'browser',
  'bun',
  'cli',
  'e2e',
  'examples',
  'gateway',
  'otel',
  'php-backend',
  'site',
])
/** Longer than any one test file may take: a file that hangs is a failure, not a wait. */
const FILE_TIMEOUT = 2 * 60_000
const RUN_TIMEOUT = 25 * 60_000
/** Files at a time. They wait for processes more than they work. */
const AT_A_TIME = 2

const inCI = ['true', '1'].includes(process.env['CI'] ?? '')

/**
 * @param {string[]} files
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<{ code: number, skipped: Skipped[] }>}
 */
async function runTests(files, env) {
  const folder = mkdtempSync(join(tmpdir(), 'fastcgi-test-'))
  const skipList = join(folder, 'skipped.jsonl')
  const reporter = pathToFileURL(join(ROOT, 'scripts', 'lib', 'skip-reporter.mjs')).href
  const args = [
    '--enable-source-maps',
    '--test',
    `--test-timeout=${FILE_TIMEOUT}`,
    `--test-concurrency=${AT_A_TIME}`,
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    `--test-reporter=${reporter}`,
    `--test-reporter-destination=${skipList}`,
    ...files.map((file) => relative(ROOT, join(BUILT_TESTS, file))),
  ]
  try {
    const code = await run(options.node, args, { env, timeout: RUN_TIMEOUT })
    return { code, skipped: readSkipped(skipList) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** @typedef {{ name: string, file?: string, reason: string }} Skipped */

/** @param {string} path @returns {Skipped[]} */
function readSkipped(path) {
  const rows = readFileSync(path, 'utf8').split('\n')
  return rows.filter(Boolean).map((row) => JSON.parse(row))
}

/**
 * Tells what was not tested, so that a green run cannot hide it.
 * @param {Skipped[]} skipped
 * @returns {number} how many gave no reason
 */
function reportSkipped(skipped) {
  if (skipped.length === 0) return 0
  console.log(`\nNot run (${skipped.length}):`)
  for (const { name, file, reason } of skipped) {
    const where = file ? ` (${relative(ROOT, file)})` : ''
    console.log(`  - ${name}${where}: ${reason || 'NO REASON GIVEN'}`)
  }
  return skipped.filter(({ reason }) => reason === '').length
}

/** @param {string[]} files @returns {Promise<NodeJS.ProcessEnv | undefined>} none: stop here */
async function phpFor(files) {
  if (!files.some((file) => NEEDS_PHP.has(folderOf(file)))) return {}
  const php = await ensurePhp()
  if (inCI && !php.fpm) return undefined
  return phpEnv(php)
}

/** @returns {Promise<number>} exit code */
async function main() {
  const prepared = options.build ? await prepare() : 0
  if (prepared !== 0) return prepared
  const files = testFiles({ only, except: options.except })
  if (files.length === 0) {
    console.error(`No test file for: ${process.argv.slice(2).join(' ') || 'everything'}`)
    return 1
  }
  if (options.build && files.some((file) => folderOf(file) === 'site')) {
    const built = await testedSite()
    if (built !== 0) return built
  }
  const env = await phpFor(files)
  if (!env) return 1
  const { code, skipped } = await runTests(files, env)
  const unexplained = reportSkipped(skipped)
  if (inCI && unexplained > 0) {
    console.error(`${unexplained} tests were skipped without a reason, which CI does not accept`)
    return code || 1
  }
  return code
}

process.exitCode = await main()
