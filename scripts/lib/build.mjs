// From a fresh clone to compiled files.

import { existsSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { BUILT_TESTS, filesBelow, packagesOf, ROOT } from './paths.mjs'
import { runNpm, runTool } from './run.mjs'

/**
 * Installs what the lockfile says when it is not installed, or the lockfile is newer.
 * @param {string} [folder]
 * @returns {Promise<number>} exit code
 */
export async function ensureInstalled(folder = ROOT) {
  const installed = join(folder, 'node_modules', '.package-lock.json')
  const lockfile = join(folder, 'package-lock.json')
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lockfile).mtimeMs) return 0
  console.log('Installing the development dependencies (npm ci)')
  return runNpm(['ci', '--no-audit', '--no-fund'], { cwd: folder })
}

/**
 * Removes what was compiled from a file that no longer exists: tsc leaves it behind, `node --test`
 * would run it and `npm pack` would ship it.
 * @param {string} sources
 * @param {string} outputs
 */
function prune(sources, outputs) {
  for (const path of filesBelow(outputs)) {
    const source = path.replace(/(\.d\.ts|\.js)(\.map)?$/, '.ts')
    if (source === path || existsSync(join(sources, source))) continue
    rmSync(join(outputs, path))
  }
}

/**
 * Compiles every package, the tests and the examples.
 * @returns {Promise<number>} exit code
 */
export async function build() {
  for (const { path } of packagesOf(ROOT)) prune(join(path, 'src'), join(path, 'dist'))
  prune(join(ROOT, 'test'), BUILT_TESTS)
  return runTool(['typescript', 'tsc'], ['-b'], { timeout: 3 * 60_000 })
}

/** Installs and builds. @returns {Promise<number>} exit code */
export async function prepare() {
  return (await ensureInstalled()) || build()
}
