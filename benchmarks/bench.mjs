// Measures this project beside its peers.
//
//   npm run bench [-- GROUP...] [--rounds N] [--seconds S] [--peers none]

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BENCHMARKS } from './lib/paths.mjs'
import { parseOptions } from './lib/options.mjs'
import { Scope } from './lib/scope.mjs'
import { failures, groupText } from './report/table.mjs'

const GROUPS = ['client', 'gateway', 'bodies', 'php', 'scaling', 'codec']

/** @param {string} name @param {import('./lib/options.mjs').Options} options */
async function measure(name, options) {
  const { title, run } = await import(`./groups/${name}.mjs`)
  const { rounds, seconds } = options
  const when = new Date().toISOString()
  return all.within(async (scope) => {
    const { sections, missing } = await run(scope, options)
    return { name, title, when, rounds, seconds, sections, missing }
  })
}

const all = new Scope()
// A measurement that is broken off leaves no servers behind.
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
  process.once(signal, () => void all.close().finally(() => process.exit(1)))
}
const options = parseOptions(process.argv.slice(2), GROUPS)
const groups = []
for (const name of options.groups) {
  const group = await measure(name, options)
  console.log(`\n${groupText(group)}`)
  groups.push(group)
}
mkdirSync(join(BENCHMARKS, 'build'), { recursive: true })
writeFileSync(join(BENCHMARKS, 'build', 'last.json'), `${JSON.stringify({ groups }, null, 2)}\n`)
if (groups.some(({ sections }) => sections.some((section) => failures(section).length > 0))) {
  process.exitCode = 1
}
