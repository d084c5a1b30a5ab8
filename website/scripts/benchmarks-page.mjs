// The page that the benchmarks write, at its place on the site, with its chart in the colours of the site.

import { figure } from '../../benchmarks/lib/result.mjs'

/** The comparisons that are drawn, and which of them cost something: there, less is better. */
const DRAWN = [
  'client',
  'gateway-tiny',
  'php-hello',
  'php-page',
  'slow-readers',
  'body-down',
  'body-up',
]
const COSTS = new Set(['cpu', 'p50', 'each'])

/** @typedef {import('../../benchmarks/lib/result.mjs').GroupResult} GroupResult */

/**
 * @param {string} text docs/benchmarks.md
 * @param {{ groups: GroupResult[] }} results docs/benchmarks.json
 */
export function benchmarksPage(text, { groups }) {
  const image = /^!\[.*\]\(benchmarks\.svg\)$/m
  if (!image.test(text)) throw new Error('docs/benchmarks.md shows no chart')
  const matter =
    '---\ndescription: Measured beside nginx, Caddy, the Rust crate and others, with all losses.\n---\n\n'
  return (matter + text)
    .replace(/; the numbers are in \[benchmarks\.json\]\(benchmarks\.json\)/, '')
    .replace(image, () => charts(groups))
}

/** @param {readonly GroupResult[]} groups */
function charts(groups) {
  const all = groups.flatMap(({ title, sections }) =>
    sections.map((section) => ({ group: title, section })),
  )
  const drawn = DRAWN.flatMap((id) => all.filter(({ section }) => section.id === id))
  return `<p class="legend"><span class="own">this project</span> <span>others</span> <span class="range">from the smallest round to the largest</span></p>

<div class="charts">
${drawn.map(({ group, section }) => chart(group, section)).join('\n')}
</div>`
}

/** @param {string} group @param {import('../../benchmarks/lib/result.mjs').Section} section */
function chart(group, { title, metrics: [metric], subjects }) {
  if (!metric) throw new Error(`${title} has no figures`)
  const bars = subjects.map((subject) => ({ subject, spread: figure(subject, metric.id) }))
  const largest = Math.max(...bars.map(({ spread }) => spread?.max ?? 0), Number.MIN_VALUE)
  const better = COSTS.has(metric.id) ? 'less' : 'more'
  const percent = (/** @type {number} */ value) => `${((value / largest) * 100).toFixed(1)}%`
  const rows = bars.map(({ subject, spread }) => {
    const number = spread ? spread.median.toFixed(metric.digits ?? 0) : 'failed'
    const { median = 0, min = 0, max = 0 } = spread ?? {}
    const range = `left:${percent(min)};width:${percent(max - min)}`
    return `<div${subject.own ? ' class="own"' : ''}><dt>${escape(subject.title)}</dt><dd><span class="track"><i style="width:${percent(median)}"></i><b style="${range}"></b></span> ${number}</dd></div>`
  })
  return `<figure class="chart"><figcaption><strong>${escape(group)}: ${escape(title)}</strong> ${escape(metric.title)}, ${better} is better</figcaption><dl>${rows.join('')}</dl></figure>`
}

/** @param {string} text */
function escape(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
