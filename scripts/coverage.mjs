// The coverage gate: the tests of the protocol reach every branch of the protocol.
// It is a program of states and bytes with no environment, so nothing excuses a branch untested.

import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import process from 'node:process'
import { prepare } from './lib/build.mjs'
import { BUILT_TESTS, filesBelow, ROOT } from './lib/paths.mjs'
import { runTool } from './lib/run.mjs'
import { testFiles } from './lib/test-files.mjs'

const PROTOCOL = 'packages/client/dist/protocol'
const FOLDERS = ['protocol', 'fuzz']
const GATE = ['--check-coverage', '--branches=100', '--lines=100', '--functions=100']

/** Files of types alone have nothing to run, and would count as never run. */
function withoutCode() {
  const folder = join(ROOT, PROTOCOL)
  return filesBelow(folder)
    .filter((file) => file.endsWith('.js'))
    .filter((file) => /^export {};?$/.test(codeOf(join(folder, file))))
    .map((file) => `${PROTOCOL}/${file}`)
}

/** @param {string} path @returns {string} what is left without comments */
function codeOf(path) {
  return readFileSync(path, 'utf8')
    .replaceAll(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, '')
    .trim()
}

/** @returns {Promise<number>} exit code */
async function main() {
  const prepared = await prepare()
  if (prepared !== 0) return prepared
  const files = testFiles({ only: FOLDERS })
  if (files.length === 0) {
    console.error(`No test file in ${FOLDERS.join(' or ')}`)
    return 1
  }
  const paths = files.map((file) => relative(ROOT, join(BUILT_TESTS, file)))
  // --all: a file that no test loads counts as untested instead of not at all.
  const c8 = ['--all', '--exclude-after-remap=false', `--include=${PROTOCOL}/**/*.js`]
  const exclude = withoutCode().map((file) => `--exclude=${file}`)
  const report = ['--reporter=text', '--reporter=lcov', '--reports-dir=coverage/protocol']
  const test = [
    process.execPath,
    '--test',
    '--test-timeout=120000',
    '--test-reporter=spec',
    ...paths,
  ]
  return runTool(['c8'], [...c8, ...exclude, ...GATE, ...report, ...test])
}

process.exitCode = await main()
