// Keeps what was measured: the last run for oneself, and, when asked for, the docs.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BENCHMARKS, ROOT } from '../lib/paths.mjs'
import { chart } from './chart.mjs'
import { page } from './page.mjs'

const DOCS = join(ROOT, 'docs')

/**
 * @typedef {object} Report
 * @property {Record<string, string>} machine
 * @property {string} revision
 * @property {import('../lib/result.mjs').GroupResult[]} groups
 */

/** @param {Report} report */
export function writeLast(report) {
  mkdirSync(join(BENCHMARKS, 'build'), { recursive: true })
  writeFileSync(join(BENCHMARKS, 'build', 'last.json'), json(report))
}

/**
 * Writes the docs. Groups that were not measured this time stay as they were.
 *
 * @param {Report} report @param {readonly string[]} order of the groups
 */
export function writeDocs(report, order) {
  mkdirSync(DOCS, { recursive: true })
  const file = join(DOCS, 'benchmarks.json')
  /** @type {Report[]} */
  const older = existsSync(file) ? [JSON.parse(readFileSync(file, 'utf8'))] : []
  const all = [...report.groups, ...older.flatMap(({ groups }) => groups)]
  const groups = order.flatMap((name) => all.find((group) => group.name === name) ?? [])
  const whole = { ...report, groups }
  writeFileSync(file, json(whole))
  writeFileSync(join(DOCS, 'benchmarks.svg'), chart(groups))
  writeFileSync(join(DOCS, 'benchmarks.md'), page(whole))
}

/** Numbers with six digits at the most: no measurement here has more. @param {unknown} value */
function json(value) {
  const short = (/** @type {string} */ _key, /** @type {unknown} */ each) =>
    typeof each === 'number' ? Number(each.toPrecision(6)) : each
  return `${JSON.stringify(value, short, 2)}\n`
}
