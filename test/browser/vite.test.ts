// Vite's dev server with PHP in it, as a browser sees it: reload, overlay, hot modules, forms.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import process from 'node:process'
import type { TestContext } from 'node:test'
import type { Page } from 'playwright-core'
import { browserTest, startBrowser, visitor } from '../support/browser.ts'
import { startFpm } from '../support/fpm.ts'
import { startVite, type Project, type RunningVite } from '../support/vite.ts'

const page = (body: string): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Guests</title><link rel="icon" href="data:,">
<link rel="stylesheet" href="/src/style.css"><script type="module" src="/src/main.js"></script></head>
<body><h1>Guests</h1>${body}</body></html>`

const FILES: Project = {
  'public/index.php': page('<p id="php"><?= "first" ?></p><p id="js"></p>'),
  'public/form.php': page(
    '<form method="post"><label>Name <input name="name"></label> <button>Send</button></form><p id="sent"><?= htmlspecialchars($_POST["name"] ?? "") ?></p>',
  ),
  'public/api.php':
    '<?php header("Content-Type: application/json"); throw new LogicException("no api today");',
  'src/main.js':
    'import { text } from "./text.js"\nconst show = (t) => { const at = document.querySelector("#js"); if (at) at.textContent = t }\nshow(text)\nwindow.loads = (window.loads ?? 0) + 1\nimport.meta.hot.accept("./text.js", (m) => show(m.text))',
  'src/text.js': 'export const text = "one"',
  'src/style.css': 'h1 { color: rgb(0, 0, 255) } body { font: 1rem sans-serif }',
}

async function opened(
  t: TestContext,
  files: Project = FILES,
): Promise<{ vite: RunningVite; tab: Page }> {
  const { address } = await startFpm(t, { workers: 4, ini: { log_errors: 1 } })
  const vite = await startVite(t, files, { backend: address })
  const { page: tab } = await visitor(t, await startBrowser(t))
  await goto(tab, vite.origin)
  return { vite, tab }
}

/** Until the page has its connection to Vite. */
async function goto(tab: Page, url: string): Promise<void> {
  const connected = tab.waitForEvent('console', (message) => message.text().includes('connected'))
  await tab.goto(url)
  await connected
}

/** For who wants to look at them: SCREENSHOTS names a folder. */
async function look(tab: Page, name: string): Promise<void> {
  const folder = process.env['SCREENSHOTS']
  if (folder !== undefined) await tab.screenshot({ path: join(folder, `vite-${name}.png`) })
}

const overlay = (tab: Page): ReturnType<Page['locator']> =>
  tab.locator('vite-error-overlay .window')

browserTest(
  'a change of PHP reloads the page; an error covers it with its place until it is mended',
  async (t) => {
    const { vite, tab } = await opened(t)
    assert.equal(await tab.textContent('#php'), 'first')
    await vite.edit('public/index.php', page('<p id="php"><?= "second" ?></p>'))
    await tab.locator('#php', { hasText: 'second' }).waitFor()
    await look(tab, 'good')

    await vite.edit(
      'public/index.php',
      page(
        '<?php\nfunction guest(int $id): string {\n  throw new DomainException("guest $id is not invited");\n}\n?><p id="php"><?= guest(7) ?></p>',
      ),
    )
    await overlay(tab).waitFor()
    const text = await overlay(tab).innerText()
    assert.match(
      text,
      /\[plugin:php\] Fatal error: Uncaught DomainException: guest 7 is not invited/,
    )
    assert.ok(text.includes(join(vite.folder, 'public/index.php:6:1')), text)
    assert.match(text, /^6 \|\s+throw new DomainException.*\n {2}\|\s+\^+$/m)
    assert.match(text, /at guest\(7?\)/)
    await look(tab, 'overlay')

    await vite.edit('public/index.php', page('<p id="php"><?= "third" ?></p>'))
    await tab.locator('#php', { hasText: 'third' }).waitFor()
    assert.equal(await tab.locator('vite-error-overlay').count(), 0)
  },
)

browserTest(
  'a parse error covers the page, and a warning does over the page that came',
  async (t) => {
    const { vite, tab } = await opened(t)
    await vite.edit('public/index.php', "<?php\necho 'a'\necho 'b';")
    await overlay(tab).waitFor()
    assert.match(await overlay(tab).innerText(), /Parse error: syntax error[^]*index\.php:3:1/)
    await look(tab, 'parse')
    await vite.edit('public/index.php', page('<p id="php"><?= $guest ?>shown</p>'))
    await tab.locator('#php', { hasText: 'shown' }).waitFor()
    await overlay(tab).waitFor()
    assert.match(await overlay(tab).innerText(), /Warning: Undefined variable \$guest/)
    await look(tab, 'warning')
  },
)

browserTest('modules and styles are replaced without a reload', async (t) => {
  const { vite, tab } = await opened(t)
  await tab.locator('#js', { hasText: 'one' }).waitFor()
  await vite.edit('src/text.js', 'export const text = "two"')
  await tab.locator('#js', { hasText: 'two' }).waitFor()
  await vite.edit('src/style.css', 'h1 { color: rgb(255, 0, 0) }')
  await tab.waitForFunction(
    'getComputedStyle(document.querySelector("h1")).color === "rgb(255, 0, 0)"',
  )
  assert.equal(await tab.evaluate('window.loads'), 1)
})

browserTest('a form is posted, and its page goes on being reloaded', async (t) => {
  const { vite, tab } = await opened(t)
  await goto(tab, `${vite.origin}/form.php`)
  await tab.fill('[name=name]', 'Ada & Bob')
  await tab.click('button')
  await tab.locator('#sent', { hasText: 'Ada & Bob' }).waitFor()
  await look(tab, 'form')
})

browserTest('what a script has fetched in vain covers the page that it is on', async (t) => {
  const { tab } = await opened(t)
  await tab.evaluate('fetch("/api.php").then((answer) => answer.status)')
  await overlay(tab).waitFor()
  assert.match(await overlay(tab).innerText(), /Uncaught LogicException: no api today/)
})
