// What a run was measured on.

import { execFileSync } from 'node:child_process'
import { cpus, loadavg, release, totalmem, type } from 'node:os'
import { versionOf } from '../peers/installed.mjs'
import { ROOT } from './paths.mjs'

/** @returns {Record<string, string>} */
export function machine() {
  return {
    processor: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
    memory: `${(totalmem() / 2 ** 30).toFixed(0)} GiB`,
    system: `${type()} ${release()}`,
    'load before the run': loadavg()[0]?.toFixed(1) ?? '',
    'C compiler': versionOf(process.env.CC ?? 'cc', ['--version']),
  }
}

/** The commit that is measured, and whether anything was changed since. */
export function revision() {
  const git = (/** @type {string[]} */ ...args) =>
    execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).trim()
  try {
    const changed = git('status', '--porcelain', '--', 'packages') !== ''
    return `${git('rev-parse', '--short', 'HEAD')}${changed ? ', with changes' : ''}`
  } catch {
    return 'unknown'
  }
}
