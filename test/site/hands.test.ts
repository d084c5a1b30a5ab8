// The web site by keyboard, and by finger.

import assert from 'node:assert/strict'
import { browserTest, visitor } from '../support/browser.ts'
import { builtSite, open } from './built.ts'

const PHONE = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true }
const site = builtSite()

browserTest(
  'the keyboard leads past the navigation, to the search, and through the tabs',
  async (t) => {
    const { page, complaints } = await visitor(t, site.browser)
    await open(page, `${site.url}/index.html`)
    await page.keyboard.press('Tab')
    assert.equal(
      await page.evaluate<string>('document.activeElement.textContent.trim()'),
      'Skip to content',
    )
    await page.keyboard.press('Enter')

    await page.getByLabel('Node', { exact: true }).focus()
    await page.keyboard.press('ArrowRight')
    assert.ok(await page.getByLabel('Bun', { exact: true }).isChecked())
    await page.getByText('export default { port: 8080').waitFor()

    await page.keyboard.press('Control+k')
    await page.locator('#localsearch-input').waitFor()
    await page.locator('#localsearch-input').fill('Primary script unknown')
    await page.getByRole('option').first().waitFor()
    await page.keyboard.press('Enter')
    await page.waitForURL(/troubleshooting/)
    assert.deepEqual(complaints(), [])
  },
)

browserTest('a phone has the menu of the guide', async (t) => {
  const { page } = await visitor(t, site.browser, PHONE)
  await open(page, `${site.url}/guide/getting-started.html`)
  await page.getByRole('button', { name: 'Menu', exact: true }).click()
  await page.getByRole('link', { name: 'Connections', exact: true }).click()
  await page.waitForURL(/connections/)
})

browserTest('an address that does not exist has a page that leads home', async (t) => {
  const { page } = await visitor(t, site.browser)
  await page.goto(`${site.url}/404.html`)
  await page.getByRole('link', { name: /home/i }).first().click()
  await page.getByRole('heading', { level: 1 }).waitFor()
})
