// Measures this project beside its peers.
//
//   npm run bench [-- GROUP...] [--rounds N] [--seconds S] [--peers none] [--docs]

import { machine, revision } from './lib/machine.mjs'
import { fromCommandLine, parseOptions } from './lib/options.mjs'
import { Scope } from './lib/scope.mjs'
import { closeOnSignals } from './lib/signals.mjs'
import { writeDocs, writeLast } from './report/report.mjs'
import { align, failures, groupText } from './report/table.mjs'
import { judge } from './report/targets.mjs'

const GROUPS = ['client', 'gateway', 'bodies', 'php', 'scaling', 'codec']

const all = new Scope()
closeOnSignals(all)

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

/** @param {import('./lib/options.mjs').Options} options @returns {Promise<number>} exit code */
async function main(options) {
  const report = { machine: machine(), revision: revision(), groups: /** @type {any[]} */ ([]) }
  for (const name of options.groups) {
    const group = await measure(name, options)
    console.log(`\n${groupText(group)}`)
    report.groups.push(group)
    writeLast(report)
  }
  const rows = judge(report.groups).filter(({ reached }) => reached !== 'not measured')
  console.log(
    `\n${align([['figure', 'target', 'measured', 'reached'], ...rows.map((row) => Object.values(row))], 4)}`,
  )
  if (options.docs) writeDocs(report, GROUPS)
  const failed = report.groups.flatMap(({ sections }) => sections).flatMap(failures)
  return failed.length > 0 ? 1 : 0
}

process.exitCode = await main(fromCommandLine(() => parseOptions(process.argv.slice(2), GROUPS)))
