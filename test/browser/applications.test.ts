// Applications that other people wrote, as a distribution ships them, used by a person with a browser. Nothing in them knows this gateway.

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { test, type TestContext } from 'node:test'
import type { Page } from 'playwright-core'
import type { GatewayOptions } from '@fastcgi/gateway'
import { startPhp } from '@fastcgi/php'
import { noBrowser, startBrowser, visitor } from '../support/browser.js'
import { startGateway, type RunningGateway } from '../support/gateway.js'
import { temporaryDirectory } from '../support/process.js'

const IN_CI = ['true', '1'].includes(process.env.CI ?? '')
/** A small picture: PNG, 1 by 1. */
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==',
  'base64',
)

/** Why a test cannot be run here; in CI everything has to be there. */
function without(path: string, install: string): string | false {
  if (noBrowser !== false) return noBrowser
  return existsSync(path) || IN_CI ? false : `${path} is not there: apt-get install ${install}`
}

/** php-fpm with the machine's own extensions, the gateway in front of it, and a person in front of that. */
async function open(
  t: TestContext,
  root: string,
  options: GatewayOptions = {},
): Promise<{ page: Page; site: RunningGateway; complaints: () => string[] }> {
  const php = await startPhp({ root, backend: 'php-fpm' })
  t.after(() => php.close())
  const site = await startGateway(t, { root, backend: php.address, ...options })
  const person = await visitor(t, await startBrowser(t))
  person.page.setDefaultTimeout(20_000)
  return { page: person.page, site, complaints: () => person.complaints() }
}

/** DokuWiki as it is unpacked: without what the distribution has moved and configured. */
async function unpackDokuWiki(root: string): Promise<void> {
  await cp('/usr/share/dokuwiki', root, { recursive: true, dereference: true })
  await cp('/etc/dokuwiki', join(root, 'conf'), { recursive: true, dereference: true })
  const configured = ['conf/local.php', 'conf/users.auth.php', 'conf/acl.auth.php']
  for (const file of ['inc/preload.php', ...configured]) await rm(join(root, file), { force: true })
  const folders = 'attic cache index locks log media media_attic media_meta meta pages tmp'
  for (const folder of folders.split(' ')) {
    await mkdir(join(root, 'data', folder), { recursive: true })
  }
  await writeFile(join(root, 'data', 'secret.txt'), 'for PHP alone')
  // The distribution keeps the data elsewhere, for all wikis of the machine.
  await writeFile(join(root, 'conf', 'local.protected.php'), "<?php $conf['savedir'] = './data';")
}

async function installDokuWiki(page: Page, url: string): Promise<void> {
  await page.goto(`${url}/install.php`)
  const fields = {
    title: 'Our Wiki',
    superuser: 'admin',
    fullname: 'The Admin',
    email: 'admin@example.org',
    password: 'correct horse',
    confirm: 'correct horse',
  }
  for (const [name, value] of Object.entries(fields)) {
    await page.fill(`input[name="d[${name}]"]`, value)
  }
  await page.locator('form:has(input[name="d[title]"]) [type=submit]').last().click()
  await page.getByText('finished successfully').waitFor()
}

async function signIn(page: Page, url: string): Promise<void> {
  await page.goto(`${url}/doku.php?id=start&do=login`)
  await page.fill('input[name=u]', 'admin')
  await page.fill('input[name=p]', 'correct horse')
  await page.click('#dw__login [type=submit]')
  await page.locator('.user', { hasText: 'The Admin' }).waitFor()
}

test(
  'DokuWiki is installed by its own installer, a page is written, and a picture uploaded',
  { skip: without('/usr/share/dokuwiki', 'dokuwiki') },
  async (t) => {
    const root = join(await temporaryDirectory(t), 'wiki')
    await unpackDokuWiki(root)
    const deny = ['/conf/**', '/data/**', '/bin/**', '/inc/**', '/vendor/**']
    const { page, site, complaints } = await open(t, root, { deny, frontController: false })
    await installDokuWiki(page, site.url)
    await signIn(page, site.url)
    complaints()

    await page.goto(`${site.url}/doku.php?id=start&do=edit`)
    await page.fill('#wiki__text', '====== Hello ======\n\nÜnïcode, <tags> & all.\n')
    await page.click('#edbtn__save')
    await page.locator('#hello').waitFor()
    assert.match((await page.textContent('.page')) ?? '', /Ünïcode, <tags> & all\./)

    await page.goto(`${site.url}/lib/exe/mediamanager.php?ns=`)
    const file = { name: 'dot.png', mimeType: 'image/png', buffer: PNG }
    await page.setInputFiles('input[type=file]', file)
    const answered = page.waitForResponse((response) => response.url().includes('ajax.php'))
    await page.click('#mediamanager__upload_button')
    assert.match(await (await answered).text(), /"success":true/)
    assert.deepEqual(await readFile(join(root, 'data', 'media', 'dot.png')), PNG)
    const sent = await page.request.get(`${site.url}/lib/exe/fetch.php?media=dot.png`)
    assert.deepEqual(await sent.body(), PNG)
    assert.equal(sent.headers()['content-type'], 'image/png')

    const denied = await page.request.get(`${site.url}/data/secret.txt`)
    assert.equal(denied.status(), 404)
    assert.deepEqual(complaints(), [])
    assert.doesNotMatch(site.log.text, /^error/m)
  },
)

const ADMINER = `<?php
function adminer_object() {
    class AnyPassword extends Adminer {
        function login($login, $password) { return true; }
    }
    return new AnyPassword;
}
include '/usr/share/adminer/adminer.php';
`

test(
  'Adminer: a table of SQLite is filled by SQL and read again',
  { skip: without('/usr/share/adminer/adminer.php', 'adminer php-sqlite3') },
  async (t) => {
    const folder = await temporaryDirectory(t)
    const root = join(folder, 'public')
    const database = join(folder, 'notes.sqlite')
    await mkdir(root)
    await writeFile(join(root, 'index.php'), ADMINER)
    await writeFile(
      join(root, 'create.php'),
      `<?php (new SQLite3('${database}'))->exec('CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT)'); echo 'created';`,
    )
    const { page, site, complaints } = await open(t, root)
    await page.goto(`${site.url}/create.php`)
    assert.equal(await page.textContent('body'), 'created')

    await page.goto(site.url)
    await page.selectOption('select[name="auth[driver]"]', 'sqlite')
    await page.fill('input[name="auth[db]"]', database)
    await page.click('[type=submit]')
    await page.click('#menu a:has-text("SQL command")')
    await page.click('pre[contenteditable]')
    await page.keyboard.type("INSERT INTO note (text) VALUES ('Ünïcode & <b>'), ('two')")
    await page.click('#form [type=submit]')
    await page.getByText('2 rows affected').waitFor()
    await page.click('#tables a.select:has-text("select")')
    const rows = await page.locator('#table tbody tr').allTextContents()
    assert.equal(rows.length, 2, rows.join('\n'))
    assert.match(rows[0] ?? '', /Ünïcode & <b>/)
    assert.deepEqual(complaints(), [])
  },
)
