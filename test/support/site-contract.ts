// What a person finds on the example site, whatever serves it: every page, driven in a real browser.

import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { before, type TestContext } from 'node:test'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { browserTest, noBrowser, startBrowser, visitor, type Visitor } from './browser.ts'
import { until } from './process.ts'

const PAGES = ['/', '/form', '/upload', '/session', '/events', '/download', '/fail', '/info']
const LOOKS: Readonly<Record<string, BrowserContextOptions>> = {
  'in light colors': { colorScheme: 'light' },
  'in dark colors': { colorScheme: 'dark' },
  'on a phone': { colorScheme: 'light', viewport: { width: 390, height: 844 } },
}

/** What serves the site. */
export interface ServedSite {
  /** Without a slash at its end. */
  readonly url: string
  /** How the site names what runs it: `php-fpm`, `php-cgi`, `embedded PHP`. */
  readonly backend: string
  /** Whether a script is told that its client has gone. */
  readonly seesAborts: boolean
}

type Visit = (options?: BrowserContextOptions) => Promise<Visitor>
type SiteTest = (visit: Visit, site: ServedSite) => Promise<void>

/**
 * Registers the tests of the whole site.
 * @param start Serves `examples/site`, with two PHP workers or more.
 */
export function siteContract(
  name: string,
  start: (t: TestContext) => ServedSite | Promise<ServedSite>,
): void {
  let site: ServedSite
  let browser: Browser
  before(async (t) => {
    assert.ok('after' in t)
    if (noBrowser !== false) return
    site = await start(t)
    browser = await startBrowser(t)
  })
  const siteTest = (what: string, run: SiteTest): void => {
    browserTest(`${name}: ${what}`, (t) =>
      run((options = {}) => visitor(t, browser, { baseURL: site.url, ...options }), site),
    )
  }
  lookTests(siteTest)
  formTests(siteTest)
  uploadTests(siteTest)
  sessionTests(siteTest)
  eventTests(siteTest)
  downloadTests(siteTest)
  failureTests(siteTest)
  requestTests(siteTest)
}

type Register = (what: string, run: SiteTest) => void

const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex')

/** A row of a table, or a term of a list. */
const row = (page: Page, name: string): Promise<string> =>
  page
    .locator('tr', { has: page.getByRole('rowheader', { name, exact: true }) })
    .locator('td')
    .innerText()

const button = (page: Page, name: string): Promise<void> =>
  page.getByRole('button', { name, exact: true }).click()

function lookTests(siteTest: Register): void {
  for (const [look, options] of Object.entries(LOOKS)) {
    siteTest(`every page can be read and used ${look}`, async (visit) => {
      const { page, audit, complaints } = await visit(options)
      for (const path of PAGES) {
        const response = await page.goto(path)
        assert.equal(response?.status(), 200, path)
        assert.deepEqual(await audit(), [], path)
        assert.deepEqual(complaints(), [], path)
      }
    })
  }

  siteTest('the first page says what runs it, and leads to every other', async (visit, site) => {
    const { page } = await visit()
    await page.goto('/')
    assert.equal(await page.locator('.engine').innerText(), site.backend)
    for (const link of await page.locator('.card a, nav a').all()) {
      const href = await link.getAttribute('href')
      assert.equal((await page.request.get(href ?? '')).status(), 200, href ?? 'no href')
    }
  })

  siteTest('the keyboard skips to the content first', async (visit) => {
    const { page } = await visit()
    await page.goto('/')
    await page.keyboard.press('Tab')
    await page.locator('.skip:focus').waitFor()
    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
    await page.locator('main a:focus').waitFor()
  })
}

function formTests(siteTest: Register): void {
  const name = 'Ada <b>"Lovelace"</b> & ünïcode 😀'
  const message = 'first line\nsecond line, 100 % + more=&'

  siteTest('a form arrives as it was written, once', async (visit) => {
    const { page, audit, complaints } = await visit()
    await page.goto('/form')
    await page.getByLabel('Your name').fill(name)
    await page.getByLabel('A message').fill(message)
    await page.getByLabel('FastCGI').check()
    await page.getByLabel('PHP', { exact: true }).check()
    await button(page, 'Send it to PHP')
    await page.getByText('PHP has received your message.').waitFor()
    assert.equal(await row(page, 'name'), name)
    assert.equal((await row(page, 'message')).replace('\r', ''), message)
    assert.equal(await row(page, 'topics[]'), 'fastcgi, php')
    assert.equal(await row(page, 'Content-Type'), 'application/x-www-form-urlencoded')
    assert.deepEqual(await audit(), [])
    await page.reload()
    assert.equal(await page.getByText('PHP has received your message.').count(), 0)
    assert.deepEqual(complaints(), [])
  })

  siteTest('a form that PHP refuses keeps what was written, and says why', async (visit) => {
    const { page, audit } = await visit()
    await page.goto('/form')
    await page.getByLabel('Your name').fill(name)
    const refused = page.waitForResponse((response) => response.request().method() === 'POST')
    await button(page, 'Send it to PHP')
    assert.equal((await refused).status(), 422)
    assert.match(await page.getByRole('alert').innerText(), /The message is missing/)
    assert.equal(await page.getByLabel('Your name').inputValue(), name)
    assert.equal(await page.getByLabel('A message').getAttribute('aria-invalid'), 'true')
    assert.deepEqual(await audit(), [])
  })

  siteTest('a form from elsewhere is refused', async (visit) => {
    const { page } = await visit()
    const form = { name: 'Eve', message: 'not from the page' }
    const response = await page.request.post('/form', { form, maxRedirects: 0 })
    assert.equal(response.status(), 403)
  })
}

function uploadTests(siteTest: Register): void {
  const file = {
    name: 'ünïcode "1".bin',
    mimeType: 'application/x-test',
    buffer: randomBytes(1.5e6),
  }

  siteTest('an upload shows its progress, and arrives byte by byte', async (visit) => {
    const { page, audit, complaints } = await visit()
    await page.goto('/upload')
    await page.getByLabel('File').setInputFiles(file)
    await button(page, 'Upload')
    const result = page.locator('form .result')
    await result.getByText('Every byte is the same on both sides.').waitFor()
    assert.match(await result.innerText(), new RegExp(sha256(file.buffer)))
    assert.match(await page.locator('label[for=progress]').innerText(), /^(1\.4 MiB) of \1 sent$/)
    const bar = page.locator('progress')
    assert.equal(await bar.getAttribute('value'), await bar.getAttribute('max'))
    assert.deepEqual(await audit(), [])
    assert.deepEqual(complaints(), [])
  })

  siteTest('an upload needs no JavaScript', async (visit) => {
    const { page } = await visit({ javaScriptEnabled: false })
    await page.goto('/upload')
    await page.getByLabel('File').setInputFiles({ ...file, name: 'plain.bin' })
    await button(page, 'Upload')
    assert.equal(await row(page, 'Name'), 'plain.bin')
    assert.equal(await row(page, 'Type'), file.mimeType)
    assert.equal(await row(page, 'SHA-256'), sha256(file.buffer))
  })

  siteTest('random bytes arrive as they were sent', async (visit) => {
    const { page, complaints } = await visit()
    await page.goto('/upload')
    for (const size of ['64 KiB', '1 MiB', '16 MiB']) {
      await button(page, size)
      const result = page.locator('[data-raw] .result')
      await result.getByText(size, { exact: true }).waitFor()
      assert.match(await result.innerText(), /Every byte is the same on both sides\./)
    }
    assert.deepEqual(complaints(), [])
  })

  siteTest('a body without a length arrives as it was sent', async (_visit, site) => {
    const body = new Blob([file.buffer]).stream()
    const init = { method: 'PUT', body, duplex: 'half' } as const
    const response = await fetch(`${site.url}/upload/raw`, init)
    const said = { size: file.buffer.length, sha256: sha256(file.buffer) }
    assert.deepEqual(await response.json(), { ...said, contentLength: String(said.size) })
  })
}

function sessionTests(siteTest: Register): void {
  const count = async ({ page }: Visitor): Promise<string> => page.locator('output').innerText()

  siteTest('a session counts for its visitor alone, until it is forgotten', async (visit) => {
    const [one, other] = [await visit(), await visit()]
    for (const { page } of [one, other]) await page.goto('/session')
    for (const expected of ['1', '2', '3']) {
      await button(one.page, 'Count')
      await one.page.locator('output', { hasText: expected }).waitFor()
    }
    await other.page.reload()
    assert.equal(await count(other), '0')
    await button(one.page, 'Forget me')
    await one.page.locator('output', { hasText: '0' }).waitFor()
    assert.deepEqual(one.complaints(), [])
  })

  siteTest('one answer sets several cookies, which no script can read', async (visit) => {
    const { page } = await visit()
    const response = await page.goto('/session')
    const cookies = ((await response?.headersArray()) ?? []).filter(
      (header) => header.name.toLowerCase() === 'set-cookie',
    )
    const names = new Set(cookies.map(({ value }) => value.split('=')[0]))
    assert.deepEqual(names, new Set(['site_session', 'site_first_visit', 'site_last_visit']))
    assert.equal(await page.evaluate('document.cookie'), '')
  })
}

function eventTests(siteTest: Register): void {
  siteTest(
    'events come while PHP still makes them, hold up no other page, and end when nobody listens',
    async (visit, { seesAborts }) => {
      const { page, audit, complaints } = await visit()
      await page.goto('/events')
      await page.getByLabel('40').check()
      await button(page, 'Listen')
      const log = page.locator('.events li')
      await log.nth(2).waitFor()
      assert.equal((await page.request.get('/session')).status(), 200)
      assert.equal(await page.getByRole('status').innerText(), 'Listening …')
      assert.deepEqual(await audit(), [])
      await button(page, 'Stop')
      if (seesAborts) {
        const end = page.getByText(/^You have stopped, and PHP with you: after \d+ of 40 events/)
        await end.waitFor()
        const sent = Number(/after (\d+)/.exec(await end.innerText())?.[1])
        assert.ok(sent >= 3 && sent < 40, `${sent} events`)
      } else {
        await page.getByText(/^You have stopped\. PHP goes on/).waitFor()
      }
      assert.ok((await log.count()) < 40)
      assert.deepEqual(complaints(), [])
    },
  )

  siteTest('a stream ends by itself when all is said', async (visit) => {
    const { page, complaints } = await visit()
    await page.goto('/events')
    await page.getByLabel('5', { exact: true }).check()
    await button(page, 'Listen')
    await page.getByText('PHP has said all of it.').waitFor()
    const numbers = await page.locator('.events li span:first-child').allInnerTexts()
    assert.deepEqual(numbers, ['5', '4', '3', '2', '1'])
    assert.deepEqual(complaints(), [])
  })
}

function downloadTests(siteTest: Register): void {
  siteTest('PHP decides who gets a file, and the gateway sends it', async (visit) => {
    const { page, audit, complaints } = await visit()
    const file = '/download/postcard.svg'
    assert.equal((await page.request.get('/protected/postcard.svg')).status(), 404)
    assert.equal((await page.request.get(file)).status(), 403)
    await page.goto('/download')
    await button(page, 'Unlock it')
    await page.getByRole('img', { name: /postcard/ }).waitFor()
    await until('the picture is there', () =>
      page.evaluate<boolean>('document.querySelector("main img").naturalWidth === 720'),
    )
    await button(page, 'Ask for 100 bytes of it')
    await page.getByText(/^Status 206, 100 bytes: bytes 0-99\/\d+\.$/).waitFor()
    const sent = await page.request.get(file)
    assert.equal(sent.headers()['content-type'], 'image/svg+xml')
    assert.equal(sent.headers()['x-accel-redirect'], undefined)
    assert.deepEqual(await audit(), [])
    await button(page, 'Lock it')
    await page.getByText('The postcard is locked.').waitFor()
    assert.equal((await page.request.get(file)).status(), 403)
    assert.deepEqual(complaints(), [])
  })
}

function failureTests(siteTest: Register): void {
  const outcomes = {
    'An exception': /^Status 500, a whole answer/,
    // What is found out before anything has been sent may be a 502.
    'Half an answer': /^(The answer broke off|Status 502)/,
    'A slow page': /^Status 200, a whole answer/,
    'No page': /^Status 404, a whole answer/,
  }
  siteTest('what fails looks as if it fails', async (visit) => {
    const { page, audit } = await visit()
    await page.goto('/fail')
    for (const [name, outcome] of Object.entries(outcomes)) {
      const panel = page.locator('li.panel', { has: page.getByRole('heading', { name }) })
      await panel.getByRole('button').click()
      await panel.getByText(outcome).waitFor()
    }
    assert.deepEqual(await audit(), [])
  })

  siteTest('a page that does not exist says so, and leads back', async (visit) => {
    const { page, audit } = await visit()
    const response = await page.goto('/<b>nothing</b>')
    assert.equal(response?.status(), 404)
    assert.match(await page.locator('main').innerText(), /There is no page at \/<b>nothing<\/b>\./)
    assert.deepEqual(await audit(), [])
    await page.getByRole('link', { name: 'To the first page' }).click()
    await page.locator('.engine').waitFor()
  })

  siteTest('a method that an address does not take is refused by its name', async (visit) => {
    const { page } = await visit()
    const response = await page.request.delete('/form')
    assert.equal(response.status(), 405)
    assert.equal(response.headers().allow, 'GET, POST')
  })
}

function requestTests(siteTest: Register): void {
  siteTest('the request is shown as PHP sees it, without its secrets', async (visit) => {
    const { page, audit, complaints } = await visit({
      extraHTTPHeaders: { authorization: 'Bearer hush-hush', 'x-test': '<i>"quoted"</i>' },
    })
    await page.goto('/session')
    await page.goto('/info?a=1&b[]=<2>')
    assert.equal(await row(page, 'SCRIPT_NAME'), '/index.php')
    assert.match(await row(page, 'QUERY_STRING'), /^a=1&b\[\]=(<2>|%3C2%3E)$/)
    assert.equal(await row(page, 'HTTP_X_TEST'), '<i>"quoted"</i>')
    assert.equal(await row(page, 'HTTP_COOKIE'), 'not shown')
    assert.ok(!(await page.content()).includes('hush-hush'))
    await page.getByRole('link', { name: '/index.php/some/path' }).click()
    await page.getByText('What follows the script is PATH_INFO').waitFor()
    assert.equal(await row(page, 'PATH_INFO'), '/some/path')
    assert.deepEqual(await audit(), [])
    assert.deepEqual(complaints(), [])
  })

  siteTest('nothing but pages and assets can be had', async (visit) => {
    const { page } = await visit()
    const paths = ['/.user.ini', '/src/http.php', '/../src/http.php', '/%2e%2e/src/http.php']
    for (const path of paths) {
      const response = await page.request.get(path)
      assert.ok([400, 403, 404].includes(response.status()), `${path}: ${response.status()}`)
    }
    const styles = await page.request.get('/assets/site.css')
    assert.match(styles.headers()['content-type'] ?? '', /^text\/css/)
  })
}
