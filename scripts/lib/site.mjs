// The web site: its own packages, and its pages made from the built packages.

import { join } from 'node:path'
import { ensureInstalled, prepare } from './build.mjs'
import { ROOT, TESTED_SITE } from './paths.mjs'
import { runNpm } from './run.mjs'

const WEBSITE = join(ROOT, 'website')
const BUILD_TIMEOUT = 10 * 60_000
/** Those who write end it themselves. */
const NO_TIMEOUT = 0x7f_ff_ff_ff

/** The site as its tests get it: below a folder of its host, as many hosts have it, which is where links break first. */
const TESTED = {
  DOCS_BASE: '/fastcgi/',
  DOCS_HOST: 'https://example.org',
  DOCS_OUT: TESTED_SITE,
}

/** Builds the site for its tests. @returns {Promise<number>} exit code */
export function testedSite() {
  return site('build', TESTED)
}

/**
 * Installs and builds what is missing, then runs a script of website/package.json.
 * @param {'build' | 'dev'} script
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<number>} exit code
 */
export async function site(script, env = {}) {
  const prepared = (await prepare()) || (await ensureInstalled(WEBSITE))
  if (prepared !== 0) return prepared
  const timeout = script === 'dev' ? NO_TIMEOUT : BUILD_TIMEOUT
  return runNpm(['run', '--silent', script], { cwd: WEBSITE, timeout, env })
}
