// A real browser for tests: Debian's chromium, or the one that CHROMIUM names.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import process from 'node:process'
import { test, type TestContext } from 'node:test'
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core'
import { ROOT } from './paths.ts'
import { findProgram, type Scope } from './process.ts'

// Of the browser's types, only what playwright-core's mention: all of them would say that Node has what browsers have.
declare global {
  interface Node {
    readonly nodeType: number
  }
  interface HTMLElement extends Node {
    readonly tagName: string
  }
  interface SVGElement extends Node {
    readonly tagName: string
  }
  interface HTMLElementTagNameMap {
    readonly [name: string]: HTMLElement
  }
}

const FOUND = process.env.CHROMIUM ?? findProgram(['chromium', 'chromium-browser', 'google-chrome'])
const IN_CI = ['true', '1'].includes(process.env.CI ?? '')
const MISSING = 'no chromium: apt-get install chromium, or set CHROMIUM to its path'
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking']
const AUDIT = join(ROOT, 'test', 'support', 'audit-page.js')

/** Why nothing can be tested in a browser; `false` when something can. In CI there has to be one. */
export const noBrowser: string | false = FOUND === undefined && !IN_CI && MISSING

/** Starts a browser, which is closed with its scope. */
export async function startBrowser(scope: Scope): Promise<Browser> {
  assert.ok(FOUND, MISSING)
  const browser = await chromium.launch({ executablePath: FOUND, args: FLAGS })
  scope.after(() => browser.close())
  return browser
}

/** Someone who looks at pages, with cookies of their own. */
export interface Visitor {
  readonly page: Page
  /** What the browser's console has complained about since it was asked last. */
  readonly complaints: () => string[]
  /** What stands in the way of people on the page that is open, as sentences. */
  readonly audit: () => Promise<string[]>
}

/** Comes with no cookies, and leaves with the test. */
export async function visitor(
  scope: Scope,
  browser: Browser,
  options: BrowserContextOptions = {},
): Promise<Visitor> {
  const context = await browser.newContext({ viewport: { width: 1200, height: 860 }, ...options })
  scope.after(() => context.close())
  await context.addInitScript({ path: AUDIT })
  const page = await context.newPage()
  let heard: string[] = []
  page.on('pageerror', (error) => heard.push(error.message))
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) heard.push(message.text())
  })
  return {
    page,
    audit: () => page.evaluate<string[]>('auditPage()'),
    complaints() {
      const complaints = heard
      heard = []
      return complaints
    },
  }
}

/** A test that needs a browser. */
export function browserTest(name: string, run: (t: TestContext) => Promise<void>): void {
  test(name, { skip: noBrowser }, run)
}
