// The page of the docs: what was measured, on what, how, and what came out.

import { failures, rowsOf } from './table.mjs'
import { judge } from './targets.mjs'

/** @typedef {import('./report.mjs').Report} Report */

const METHOD = `Every comparison runs its subjects in turns: in each round each of them is measured once, for the same time, in an order that moves
on by one. A ratio is that of two figures of one round; tables give the median of the rounds, and the smallest and largest in parentheses.

- **requests/s** and **CPU** come from a closed loop: every connection asks again as soon as it was answered. CPU is what the operating system
  accounts to the subject's own processes and all their threads. **cores busy** tells whether it was the subject that was at its limit.
- **p50, p99, p99.9** come from an open loop: requests are due at fixed moments, and the time of one that has to wait begins when it was due.
- **peak** is the sum of VmHWM of the subject's processes.
- Every answer is checked: status 200, and every byte of the body counted. One wrong answer fails the round, and the table says so.
- A runtime's own sockets or server are used where they are faster, and measured beside node:net and node:http: \`Bun.connect\` below
  \`execute\`, and \`Bun.serve\` and \`Deno.connect\` not. \`gateway.fetch\` answers behind \`Bun.serve\` where that is there already; nothing dials by
  \`Deno.connect\`.
- The backend is a small responder in C that answers at once, or php-fpm; with php-fpm, each subject has a pool of its own.
- Servers have one worker, process or core each. Their configurations are in \`benchmarks/peers\`, and are what their manuals advise.`

/** @param {Report} report @returns {string} */
export function page({ machine, revision, groups }) {
  const rows = judge(groups).map(({ figure, target, measured, reached }) => [
    figure,
    target,
    measured,
    reached,
  ])
  return [
    '# Benchmarks',
    'Written by `npm run bench -- --docs`; the numbers are in [benchmarks.json](benchmarks.json).',
    '![Medians of all rounds, and their spread](benchmarks.svg)',
    '## Targets',
    markdown([['figure', 'target', 'measured', 'reached'], ...rows], 4),
    '## Method',
    METHOD,
    '```sh\nnpm run bench                         # everything, about five minutes\nnpm run bench -- gateway --rounds 9   # one group\nnpm run bench:compare main HEAD       # two revisions of this project\n```',
    '## Machine',
    markdown([['', ''], ...Object.entries({ ...machine, revision })], 2),
    ...groups.flatMap(groupPart),
    '',
  ]
    .join('\n\n')
    .replace(/\n+$/, '\n')
}

/** @param {import('../lib/result.mjs').GroupResult} group */
function groupPart(group) {
  const sections = group.sections.flatMap((section) => [
    `### ${section.title}`,
    `${section.method}.`,
    markdown(rowsOf(section).map((row, index) => withVersion(row, section.subjects[index - 1]))),
    ...failures(section),
  ])
  const missing = group.missing.map(({ title, reason }) => `- ${title}: ${reason}`)
  const list = missing.length > 0 ? [`Not measured:\n\n${missing.join('\n')}`] : []
  const when = `${group.when}; ${group.rounds} rounds, ${group.seconds} s for each measurement.`
  return [`## ${group.title}`, when, ...sections, ...list]
}

/** @param {string[]} row @param {import('../lib/result.mjs').SubjectResult | undefined} subject */
function withVersion(row, subject) {
  return subject?.version ? row.with(0, `${row[0]} (${subject.version})`) : row
}

/** A table as formatters of Markdown write it. @param {readonly string[][]} rows @param {number} [right] the first column of numbers */
function markdown(rows, right = 1) {
  const columns = rows[0] ?? []
  const widths = columns.map((_, column) =>
    Math.max(3, ...rows.map((row) => row[column]?.length ?? 0)),
  )
  const rule = widths.map((width, column) =>
    column < right ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  )
  const padded = rows.map((row) =>
    row.map((text, column) => {
      const width = widths[column] ?? 0
      return column < right ? text.padEnd(width) : text.padStart(width)
    }),
  )
  return padded
    .toSpliced(1, 0, rule)
    .map((row) => `| ${row.join(' | ')} |`)
    .join('\n')
}
