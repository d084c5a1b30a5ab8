// The web site as it was built, and a server for it.

import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { createGateway } from '@fastcgi/gateway'
import assert from 'node:assert/strict'
import { before } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { ROOT } from '../support/paths.ts'
import { noBrowser, startBrowser } from '../support/browser.ts'
import type { Scope } from '../support/process.ts'

/** Where scripts/test.mjs has it built. */
export const DIST: string = join(ROOT, 'build', 'website')
/** The folder of the host that it is built for. */
export const BASE = '/fastcgi/'

/** Paths of the built pages. */
export function builtPages(): string[] {
  return readdirSync(DIST, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.html'))
    .toSorted()
}

/** Pages that people wrote, and one of those of typedoc, which are long and alike. */
export function mainPages(): string[] {
  return builtPages().filter(
    (path) => path !== '404.html' && (!path.startsWith('api/@') || path.endsWith('responder.html')),
  )
}

/** The web site on a server, and a browser, for all tests of a file; they are there when a test runs. */
export function builtSite(): { url: string; browser: Browser } {
  const site = {} as { url: string; browser: Browser }
  before(async (t) => {
    assert.ok('after' in t)
    assert.ok(existsSync(join(DIST, 'index.html')), 'not built: node scripts/test.mjs site')
    if (noBrowser !== false) return
    site.url = await serveSite(t)
    site.browser = await startBrowser(t)
  })
  return site
}

/** Opens a page, and returns once its script runs. */
export async function open(page: Page, url: string): Promise<void> {
  page.setDefaultTimeout(15_000)
  const response = await page.goto(url)
  assert.equal(response?.status(), 200)
  await page.waitForFunction("document.querySelector('#app').__vue_app__ !== undefined")
}

/** Serves it as static hosts do, with a 404 for what is not there. @returns its URL. */
async function serveSite(scope: Scope): Promise<string> {
  const gateway = createGateway({
    backend: 'unix:/nowhere',
    frontController: false,
    routes: [{ path: BASE.slice(0, -1), root: DIST }],
  })
  const server = createServer(gateway.handler).listen(0, '127.0.0.1')
  await once(server, 'listening')
  scope.after(async () => {
    server.closeAllConnections()
    server.close()
    await gateway.close()
  })
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}${BASE.slice(0, -1)}`
}
