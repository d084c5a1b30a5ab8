// typedoc-plugin-markdown takes `PoolStats` and `Pool.stats` for two headings of one name, and counts the second one up. Links to the
// number that does not exist are led to the heading that does.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'

/** @param {string} heading as VitePress makes an anchor of it */
function slug(heading) {
  return heading
    .toLowerCase()
    .replace(/\\|[`()<>]/g, '')
    .trim()
    .replace(/[^\w]+/g, '-')
    .replace(/^-|-$/g, '')
}

/** @param {string} text @returns {Map<string, number>} how often each anchor is there */
function anchors(text) {
  const counts = new Map()
  for (const [, heading = ''] of text.matchAll(/^#+ (.+)$/gm)) {
    const name = slug(heading)
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return counts
}

/** @param {string} folder with the pages of typedoc */
export function mendAnchors(folder) {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith('.md'),
  )
  const pages = new Map(paths.map((path) => [path, readFileSync(join(folder, path), 'utf8')]))
  const known = new Map([...pages].map(([path, text]) => [path, anchors(text)]))
  for (const [path, text] of pages) {
    const mended = text.replace(/\]\(([^)#\s]*)#([\w-]+)-(\d+)\)/g, (link, file, name, number) => {
      const target = file === '' ? path : normalize(join(dirname(path), file))
      const count = known.get(target)?.get(name) ?? 0
      return count === 0 || Number(number) < count ? link : `](${file}#${name})`
    })
    writeFileSync(join(folder, path), mended)
  }
}
