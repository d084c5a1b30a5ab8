// The site for those who read text only: an index of its pages, and all of them in one file.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describedAs, firstParagraph, withoutComments } from './first-sentence.mjs'
import { BASE, CONTENT, HOST } from './places.mjs'

const INTRO = `# FastCGI for TypeScript

> Everything between JavaScript and PHP. @fastcgi/gateway is HTTP in front of php-fpm, as a server or mounted into Express, Fastify, Koa, Hono, h3, Vite
> and node:http. @fastcgi/client calls php-fpm and every other FastCGI backend. @fastcgi/cli is the command \`fcgi\`. @fastcgi/php finds
> or starts PHP. Node 20.19 or later, ES modules only.
`

const FOLDERS = [
  { title: 'Guide', folder: 'guide' },
  { title: 'Frameworks', folder: 'frameworks' },
  { title: 'Applications', folder: 'applications' },
  { title: 'Help', pages: ['troubleshooting.md', 'comparison.md', 'faq.md'] },
  { title: 'Reference', folder: 'reference', pages: ['benchmarks.md'] },
  { title: 'API', folder: 'api/@fastcgi' },
]

/** Ahead of every path. */
const PLACE = HOST === undefined ? BASE : new URL(BASE, HOST).href

/** @typedef {{ path: string, text: string, title: string, first: string }} Page */

/** @param {string} path @returns {Page} */
function readPage(path) {
  const whole = readFileSync(join(CONTENT, path), 'utf8')
  const text = withoutComments(whole)
  const title = (/^# (.+)$/m.exec(text)?.[1] ?? path).replaceAll('\\', '')
  const first = describedAs(whole) ?? firstParagraph(text)
  return { path, text, title, first }
}

/** @param {typeof FOLDERS[number]} group @returns {Page[]} */
function pagesOf({ folder, pages = [] }) {
  const files =
    folder === undefined
      ? []
      : readdirSync(join(CONTENT, folder), { recursive: true, encoding: 'utf8' })
          .filter((name) => name.endsWith('.md'))
          .map((name) => `${folder}/${name}`)
          .toSorted()
  return [...files, ...pages].map(readPage)
}

/** @param {Page} page */
function line({ path, title, first }) {
  const sentence = /^.*?\.(?= |$)/.exec(first)?.[0] ?? first
  return `- [${title}](${PLACE}${path})${sentence && `: ${sentence}`}`
}

export function llmsText() {
  const groups = FOLDERS.map(
    (group) => `## ${group.title}\n\n${pagesOf(group).map(line).join('\n')}\n`,
  )
  return [INTRO, ...groups].join('\n')
}

/** Without the API, which is longer than all the rest. */
export function llmsFullText() {
  const pages = FOLDERS.filter(({ title }) => title !== 'API').flatMap(pagesOf)
  return `${[INTRO, ...pages.map(({ text }) => text)].join('\n\n')}\n`
}
