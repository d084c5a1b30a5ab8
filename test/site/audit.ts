// The web site in a real browser: no complaint of its console, and nothing in the way of anybody.

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { browserTest, visitor } from '../support/browser.ts'
import { builtSite, mainPages, open } from './built.ts'
import { WEBSITE } from './pages.ts'

const axe = createRequire(join(WEBSITE, 'package.json')).resolve('axe-core/axe.min.js')

interface Violation {
  readonly id: string
  readonly impact: string
  readonly nodes: readonly { readonly html: string }[]
}

/** What axe-core finds that is serious or worse, as sentences. */
async function serious(page: Page): Promise<string[]> {
  await page.addScriptTag({ path: axe })
  const { violations } = await page.evaluate<{ violations: Violation[] }>(
    "axe.run(document, { resultTypes: ['violations'] })",
  )
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`))
}

/** Tests every page in one of the two themes. */
export function auditPages(colorScheme: 'light' | 'dark'): void {
  const site = builtSite()
  for (const path of mainPages()) {
    browserTest(`${path} is in nobody's way when it is ${colorScheme}`, async (t) => {
      const { page, complaints } = await visitor(t, site.browser, { colorScheme })
      await open(page, `${site.url}/${path}`)
      assert.deepEqual(await serious(page), [])
      assert.deepEqual(complaints(), [])
    })
  }
}
