// Measures this project beside its peers.
//
//   npm run bench [-- GROUP...] [--rounds N] [--seconds S] [--peers none]

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BENCHMARKS } from './lib/paths.mjs'
import { parseOptions } from './lib/options.mjs'
import { scoped } from './lib/scope.mjs'
import { failures, groupText } from './report/table.mjs'

const GROUPS = ['client', 'gateway']

/** @param {string} name @param {import('./lib/options.mjs').Options} options */
async function measure(name, options) {
  const { title, run } = await import(`./groups/${name}.mjs`)
  const { rounds, seconds } = options
  const when = new Date().toISOString()
  return scoped(async (scope) => {
    closeOnSignals(scope)
    const { sections, missing } = await run(scope, options)
    return { name, title, when, rounds, seconds, sections, missing }
  })
}

/** A measurement that is broken off leaves no servers behind. @param {import('./lib/scope.mjs').Scope} scope */
function closeOnSignals(scope) {
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
    const stop = () => void scope.close().finally(() => process.exit(1))
    process.once(signal, stop)
    scope.defer(() => process.off(signal, stop))
  }
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
