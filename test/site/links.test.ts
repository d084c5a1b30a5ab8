// The built pages: every link leads somewhere, and nothing is loaded from elsewhere.

import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { BASE, builtPages, DIST } from './built.ts'

interface Page {
  readonly ids: ReadonlySet<string>
  readonly links: readonly string[]
  readonly resources: readonly string[]
}

function read(path: string): Page {
  // What names the page itself is not loaded.
  const loaded = readFileSync(join(DIST, path), 'utf8').replace(/<link rel="canonical"[^>]*>/, '')
  const all = (pattern: RegExp): string[] =>
    [...loaded.matchAll(pattern)].map(([, value = '']) => value.replaceAll('&amp;', '&'))
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
  const url = new URL(link, `http://site${BASE}${dirname(page) === '.' ? '' : `${dirname(page)}/`}`)
  if (!url.pathname.startsWith(BASE)) return { path: 'outside of the base', anchor: '' }
  const path = decodeURIComponent(url.pathname.slice(BASE.length))
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
    for (const resource of resources) {
      assert.match(resource, /^(?:\/fastcgi\/|data:|#)/, page)
      if (resource.startsWith(BASE))
        assert.ok(existsSync(join(DIST, resource.slice(BASE.length))), resource)
    }
  }
  for (const name of readdirSync(DIST, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.css')) continue
    const css = readFileSync(join(DIST, name), 'utf8')
    assert.doesNotMatch(css, /url\(["']?(?:https?:)?\/\//, name)
  }
})

test('each page says what it is about, and where it is', () => {
  const seen = new Set<string>()
  for (const page of builtPages().filter((path) => path !== '404.html')) {
    const html = readFileSync(join(DIST, page), 'utf8')
    const of = (pattern: RegExp): string => pattern.exec(html)?.[1] ?? ''
    const title = of(/<title>([^<]+)/)
    assert.ok(!seen.has(title), `${page} has the title of another page: ${title}`)
    seen.add(title)
    assert.equal(of(/property="og:title" content="([^"]+)/), title, page)
    const description = of(/name="description" content="([^"]*)/)
    assert.ok(description.length > 25, `${page}: ${description}`)
    assert.equal(of(/property="og:description" content="([^"]*)/), description, page)
    const address = `https://example.org${BASE}${page === 'index.html' ? '' : page.replace(/\/index\.html$/, '/')}`
    assert.equal(of(/rel="canonical" href="([^"]+)/), address, page)
  }
  assert.ok(seen.size > 40)
})

test('the sitemap has every page', () => {
  const sitemap = readFileSync(join(DIST, 'sitemap.xml'), 'utf8')
  for (const page of builtPages().filter((path) => path !== '404.html')) {
    const address = `https://example.org${BASE}${page === 'index.html' ? '' : page.replace(/\/index\.html$/, '/')}`
    assert.ok(sitemap.includes(`<loc>${address}</loc>`), address)
  }
})

test('llms.txt leads to pages that are there', () => {
  const index = readFileSync(join(DIST, 'llms.txt'), 'utf8')
  const links = [...index.matchAll(/\]\(https:\/\/example\.org\/fastcgi\/([^)]+)\)/g)]
  for (const [, path = ''] of links) assert.ok(existsSync(join(DIST, path)), path)
  assert.ok(links.length > 25)
  assert.equal(links.length, [...index.matchAll(/\]\(/g)].length)
})
