// The chart: a panel for each comparison, a bar for each median, a line from the smallest to the largest round. Written by hand, since it is
// little; its colours follow the reader's scheme.

import { figure } from '../lib/result.mjs'

const PANELS = [
  'client',
  'gateway-tiny',
  'php-hello',
  'php-page',
  'slow-readers',
  'body-down',
  'body-up',
]
/** Figures of which less is better. */
const COSTS = new Set(['cpu', 'p50', 'each'])
const [WIDTH, LABELS, NUMBERS, ROW, HEAD, GAP] = [760, 220, 110, 24, 44, 18]
const BARS = WIDTH - LABELS - NUMBERS

const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600 }
  .note, .number { fill: #59636e }
  .bar { fill: #8c959f }
  .own { fill: #0969da }
  .range { stroke: #1f2328; stroke-width: 1.5 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc }
    .note, .number { fill: #9198a1 }
    .bar { fill: #656c76 }
    .own { fill: #4493f8 }
    .range { stroke: #f0f6fc }
  }`

/** @param {readonly import('../lib/result.mjs').GroupResult[]} groups @returns {string} */
export function chart(groups) {
  const sections = groups.flatMap((group) => group.sections.map((section) => ({ group, section })))
  let top = 0
  const panels = PANELS.flatMap((id) => {
    const found = sections.find(({ section }) => section.id === id)
    if (!found) return []
    const at = top
    top += HEAD + found.section.subjects.length * ROW + GAP
    return [`<g transform="translate(0 ${at})">${panel(found.group.title, found.section)}</g>`]
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${top}" width="${WIDTH}" height="${top}" role="img">
<title>Benchmarks: medians of all rounds, and their spread</title>
<style>${STYLE}
</style>
${panels.join('\n')}
</svg>
`
}

/** @param {string} group @param {import('../lib/result.mjs').Section} section */
function panel(group, section) {
  const [metric] = section.metrics
  if (!metric) return ''
  const bars = section.subjects.map((subject) => ({ subject, spread: figure(subject, metric.id) }))
  const largest = Math.max(...bars.map(({ spread }) => spread?.max ?? 0), Number.MIN_VALUE)
  const better = COSTS.has(metric.id) ? 'less' : 'more'
  const rows = bars.map((bar, row) => {
    const name = text(LABELS - 10, 16, bar.subject.title, 'end')
    const y = HEAD + row * ROW
    return `<g transform="translate(0 ${y})">${name}${barOf(bar, largest, metric.digits ?? 0)}</g>`
  })
  const head = text(0, 16, `${group}: ${section.title}`, 'start', 'title')
  return `${head}${text(0, 34, `${metric.title}, ${better} is better`, 'start', 'note')}\n${rows.join('\n')}`
}

/**
 * @param {{ subject: import('../lib/result.mjs').SubjectResult, spread: import('../lib/stats.mjs').Spread | undefined }} bar
 * @param {number} largest @param {number} digits
 */
function barOf({ subject, spread }, largest, digits) {
  if (!spread) return text(LABELS, 16, 'failed', 'start', 'note')
  const x = (/** @type {number} */ value) => LABELS + (value / largest) * BARS
  const width = (x(spread.median) - LABELS).toFixed(1)
  const style = subject.own ? 'bar own' : 'bar'
  return [
    `<rect class="${style}" x="${LABELS}" y="4" width="${width}" height="${ROW - 8}" rx="2"/>`,
    `<line class="range" x1="${x(spread.min).toFixed(1)}" x2="${x(spread.max).toFixed(1)}" y1="12" y2="12"/>`,
    text(WIDTH, 16, spread.median.toFixed(digits), 'end', 'number'),
  ].join('')
}

/** @param {number} x @param {number} y @param {string} content @param {string} anchor @param {string} [style] */
function text(x, y, content, anchor, style) {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  const kind = style ? ` class="${style}"` : ''
  return `<text x="${x}" y="${y}" text-anchor="${anchor}"${kind}>${escaped}</text>`
}
