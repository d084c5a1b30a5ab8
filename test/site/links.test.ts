// The built pages: every link leads somewhere, and nothing is loaded from elsewhere.

import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { builtPages, DIST } from './built.ts'

interface Page {
  readonly ids: ReadonlySet<string>
  readonly links: readonly string[]
  readonly resources: readonly string[]
}

function read(path: string): Page {
  const html = readFileSync(join(DIST, path), 'utf8')
  const all = (pattern: RegExp): string[] =>
    [...html.matchAll(pattern)].map(([, value = '']) => value.replaceAll('&amp;', '&'))
  return {
    ids: new Set(all(/ id="([^"]+)"/g)),
    links: all(/<a [^>]*href="([^"]+)"/g),
    resources: [
      ...all(/<(?:script|img|link|source)[^>]* (?:src|href)="([^"]+)"/g),
      ...all(/url\(([^)]+)\)/g),
    ],
  }
}

const pages = new Map(builtPages().map((path) => [path, read(path)]))

/** The built file that a link of a page means, and the place on it. */
function target(page: string, link: string): { path: string; anchor: string } {
  const url = new URL(link, `http://site/${dirname(page) === '.' ? '' : `${dirname(page)}/`}`)
  const path = decodeURIComponent(url.pathname.slice(1))
  const file = link.startsWith('#')
    ? page
    : path === '' || path.endsWith('/')
      ? `${path}index.html`
      : path
  return { path: file, anchor: decodeURIComponent(url.hash.slice(1)) }
}

test('every link and every anchor leads somewhere', () => {
  const broken: string[] = []
  let count = 0
  for (const [page, { links }] of pages) {
    for (const link of links.filter((one) => !/^(?:https?|mailto):/.test(one))) {
      const { path, anchor } = target(page, link)
      const there = pages.get(path)
      count++
      if (!existsSync(join(DIST, path)) || (anchor && there && !there.ids.has(anchor)))
        broken.push(`${page}: ${link}`)
    }
  }
  assert.deepEqual(broken, [])
  assert.ok(count > 1000)
})

test('nothing is loaded from elsewhere', () => {
  for (const [page, { resources }] of pages) {
    assert.ok(resources.length > 0)
    for (const resource of resources) assert.match(resource, /^(?:\/(?!\/)|data:|#)/, page)
  }
  for (const name of readdirSync(DIST, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.css')) continue
    const css = readFileSync(join(DIST, name), 'utf8')
    assert.doesNotMatch(css, /url\(["']?(?:https?:)?\/\//, name)
  }
})

test('llms.txt leads to pages that are there', () => {
  const links = [...readFileSync(join(DIST, 'llms.txt'), 'utf8').matchAll(/\]\(\/([^)]+)\)/g)]
  for (const [, path = ''] of links) assert.ok(existsSync(join(DIST, path)), path)
  assert.ok(links.length > 25)
})
