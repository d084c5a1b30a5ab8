// The web site: its own packages, and its pages made from the built packages.

import { join } from 'node:path'
import { ensureInstalled, prepare } from './build.mjs'
import { ROOT } from './paths.mjs'
import { runNpm } from './run.mjs'

const WEBSITE = join(ROOT, 'website')
const BUILD_TIMEOUT = 10 * 60_000
/** Those who write end it themselves. */
const NO_TIMEOUT = 0x7f_ff_ff_ff

/**
 * Installs and builds what is missing, then runs a script of website/package.json.
 * @param {'build' | 'dev'} script
 * @returns {Promise<number>} exit code
 */
export async function site(script) {
  const prepared = (await prepare()) || (await ensureInstalled(WEBSITE))
  if (prepared !== 0) return prepared
  const timeout = script === 'dev' ? NO_TIMEOUT : BUILD_TIMEOUT
  return runNpm(['run', '--silent', script], { cwd: WEBSITE, timeout })
}
