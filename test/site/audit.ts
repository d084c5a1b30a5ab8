// Pages of the web site in a real browser: no complaint of its console, nothing from elsewhere, and nothing in the way of anybody, light or
// dark, wide or on the smallest phone. Each page is loaded once, because loading and looking at it is what takes the time.

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { browserTest, visitor } from '../support/browser.ts'
import { builtSite, mainPages, open } from './built.ts'
import { WEBSITE } from './pages.ts'

const axe = createRequire(join(WEBSITE, 'package.json')).resolve('axe-core/axe.min.js')
/** A phone, and what is left of a screen of 1280 pixels at 400 % (WCAG 2.2, 1.4.10). */
const NARROW = [360, 320]

interface Violation {
  readonly id: string
  readonly impact: string
  readonly nodes: readonly { readonly html: string }[]
}

/** What is the same around every page, and looked at once, around the page that is named first. */
const AROUND = ['.VPNav', '.VPSidebar', '.VPLocalNav', '.VPDocAside']

/** What axe-core finds, as sentences. */
async function violations(
  page: Page,
  exclude: readonly string[],
  rules?: readonly string[],
): Promise<string[]> {
  const options = { resultTypes: ['violations'], ...(rules && { runOnly: rules }) }
  const found = await page.evaluate<{ violations: Violation[] }>(
    `axe.run(${JSON.stringify({ exclude })}, ${JSON.stringify(options)})`,
  )
  return found.violations
    .filter(({ impact }) => impact !== 'minor')
    .flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`))
}

async function looksWell(page: Page, exclude: readonly string[]): Promise<void> {
  await page.addScriptTag({ path: axe })
  assert.deepEqual(await violations(page, exclude), [], 'light')
  await page.emulateMedia({ colorScheme: 'dark' })
  await page.waitForFunction("document.documentElement.classList.contains('dark')")
  // The rest is as it was.
  assert.deepEqual(await violations(page, exclude, ['color-contrast']), [], 'dark')
  for (const width of NARROW) {
    await page.setViewportSize({ width, height: 640 })
    await page
      .waitForFunction(`document.documentElement.scrollWidth <= ${width}`, { timeout: 5000 })
      .catch(() => assert.fail(`it is wider than a screen of ${width} pixels`))
  }
  const letters = await page.evaluate<number>(
    "Math.min(...[...document.querySelectorAll('main p, main li')].map((one) => parseFloat(getComputedStyle(one).fontSize)))",
  )
  assert.ok(letters >= 12, `letters of ${letters} pixels`)
}

/** Tests the pages whose path is wanted. */
export function auditPages(isWanted: (path: string) => boolean): void {
  const site = builtSite()
  for (const [index, path] of mainPages().filter(isWanted).entries()) {
    browserTest(`${path} is in nobody's way`, async (t) => {
      const options = { colorScheme: 'light', reducedMotion: 'reduce' } as const
      const { page, complaints } = await visitor(t, site.browser, options)
      const asked: string[] = []
      page.on('request', (request) => asked.push(request.url()))
      await open(page, `${site.url}/${path}`)
      await looksWell(page, index === 0 ? [] : AROUND)
      assert.deepEqual(complaints(), [])
      const { origin } = new URL(site.url)
      assert.deepEqual(
        asked.filter((url) => !url.startsWith(origin) && !url.startsWith('data:')),
        [],
      )
    })
  }
}
