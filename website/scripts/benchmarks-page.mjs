// The page that the benchmarks write, at its place on the site.

/** @param {string} text docs/benchmarks.md */
export function benchmarksPage(text) {
  return text
    .replace(/; the numbers are in \[benchmarks\.json\]\(benchmarks\.json\)/, '')
    .replaceAll('](benchmarks.svg)', '](/benchmarks.svg)')
}
