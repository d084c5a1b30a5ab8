// A section as text: the median of each figure, its spread, and the ratio to the base.

import { figure, ratio, subjectOf } from '../lib/result.mjs'

/** @param {import('../lib/result.mjs').Section} section @returns {string[][]} a row of titles, then one for each subject */
export function rowsOf(section) {
  const base = subjectOf(section, section.base)
  const [main] = section.metrics
  const titles = [
    '',
    ...section.metrics.map(({ title }) => title),
    'peak MiB',
    ratioTitle(section, base),
  ]
  const hasMemory = section.subjects.some(({ memory }) => memory !== undefined)
  const rows = section.subjects.map((subject) => [
    subject.title,
    ...section.metrics.map((metric) => spreadText(figure(subject, metric.id), metric.digits ?? 0)),
    subject.memory === undefined ? '' : (subject.memory / 2 ** 20).toFixed(0),
    main ? spreadText(ratio(subject, base, main.id), 2) : '',
  ])
  return [titles, ...rows].map((row) => (hasMemory ? row : row.toSpliced(-2, 1)))
}

/** @param {import('../lib/result.mjs').Section} section @param {import('../lib/result.mjs').SubjectResult | undefined} base */
function ratioTitle(section, base) {
  return `${section.metrics[0]?.title ?? ''} : ${base?.title ?? section.base}`
}

/** @param {import('../lib/stats.mjs').Spread | undefined} spread @param {number} digits */
export function spreadText(spread, digits) {
  if (!spread) return '–'
  const [median, min, max] = [spread.median, spread.min, spread.max].map((n) => n.toFixed(digits))
  return min === max ? `${median}` : `${median} (${min}–${max})`
}

/** In columns. @param {readonly (readonly string[])[]} rows @param {number} [right] the first that is aligned to the right. Default 1 */
export function align(rows, right = 1) {
  const widths =
    rows[0]?.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length))) ?? []
  return rows
    .map((row) =>
      row.map((text, column) =>
        column < right ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0),
      ),
    )
    .map((row) => row.join('  ').trimEnd())
    .join('\n')
}

/** @param {import('../lib/result.mjs').GroupResult} group @returns {string} */
export function groupText(group) {
  const parts = group.sections.map((section) =>
    [
      `${group.title}: ${section.title}`,
      section.method,
      align(rowsOf(section)),
      ...failures(section),
    ].join('\n'),
  )
  const missing = group.missing.map(({ title, reason }) => `not measured: ${title} – ${reason}`)
  return [...parts, missing.join('\n')].filter(Boolean).join('\n\n')
}

/** @param {import('../lib/result.mjs').Section} section @returns {string[]} */
export function failures({ subjects }) {
  return subjects.flatMap(({ title, rounds }) => {
    const failed = rounds.filter(({ failure }) => failure !== undefined)
    if (failed.length === 0) return []
    return [`${title}: ${failed.length} of ${rounds.length} rounds failed: ${failed[0]?.failure}`]
  })
}
