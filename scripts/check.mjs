// Everything about the code that is not a test. Each check runs even when one before it failed, so
// that one run tells all there is to mend.
//
//   npm run check [-- name...]

import { join } from 'node:path'
import process from 'node:process'
import { build, ensureInstalled } from './lib/build.mjs'
import { ROOT } from './lib/paths.mjs'
import { run, runTool } from './lib/run.mjs'

const TIMEOUT = 5 * 60_000

/** @param {string} name */
function script(name) {
  return run(process.execPath, [join(ROOT, 'scripts', name)], { timeout: TIMEOUT })
}

/** Types of the packages, the tests and the examples, then of these scripts and the benchmarks. */
async function types() {
  let code = await build()
  for (const project of ['scripts', 'benchmarks']) {
    code ||= await runTool(['typescript', 'tsc'], ['-p', project], { timeout: TIMEOUT })
  }
  return code
}

/** @type {Record<string, () => Promise<number>>} */
const CHECKS = {
  format: () => runTool(['oxfmt'], ['--check', '.'], { timeout: TIMEOUT }),
  // Before lint, exports and package: they read what it writes.
  types,
  lint: () => runTool(['oxlint'], ['--type-aware', '--deny-warnings'], { timeout: TIMEOUT }),
  layers: () => script('check-layers.mjs'),
  exports: () => script('check-exports.mjs'),
  package: () => script('check-package.mjs'),
  start: () => script('check-start.mjs'),
}

/** @param {string} name @param {() => Promise<number>} check */
async function timed(name, check) {
  console.log(`\n── ${name}`)
  const start = performance.now()
  const code = await check().catch((error) => {
    console.error(error)
    return 1
  })
  return { name, code, seconds: (performance.now() - start) / 1000 }
}

/** @param {string[]} wanted @returns {Promise<number>} exit code */
async function main(wanted) {
  const unknown = wanted.filter((name) => !(name in CHECKS))
  if (unknown.length > 0) {
    console.error(
      `No check is called ${unknown.join(', ')}; there are ${Object.keys(CHECKS).join(', ')}`,
    )
    return 1
  }
  const installed = await ensureInstalled()
  if (installed !== 0) return installed
  const results = []
  for (const [name, check] of Object.entries(CHECKS)) {
    if (wanted.length === 0 || wanted.includes(name)) results.push(await timed(name, check))
  }
  console.log('\n── summary')
  for (const { name, code, seconds } of results) {
    console.log(`${code === 0 ? '✔' : '✖'} ${name.padEnd(8)} ${seconds.toFixed(1).padStart(6)} s`)
  }
  return results.some(({ code }) => code !== 0) ? 1 : 0
}

process.exitCode = await main(process.argv.slice(2))
