// What the plugin for Vite does for who develops: PHP's errors, changed files, and PHP that comes and goes with the server.

import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { utimes } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { before, test } from 'node:test'
import { build, createServer, preview, type HotPayload, type ViteDevServer } from 'vite'
import { MockPool } from '@fastcgi/client/testing'
import { php } from '@fastcgi/gateway/vite'
import { startFpm } from '../support/fpm.ts'
import { fileScope, temporaryDirectory, until } from '../support/process.ts'
import { keptLogger, startVite, writeProject, type Project } from '../support/vite.ts'

const HEAD = '<!doctype html><html><head></head><body>'
const DOCUMENT = { 'sec-fetch-dest': 'document', accept: 'text/html' }
const FILES: Project = {
  'public/index.php': `<?php echo '${HEAD}good</body></html>';`,
  'public/fatal.php': `<?php
function find(int $id) {
  throw new RuntimeException("no user; $id");
}
find(7);`,
  'public/parse.php': "<?php\necho 'a'\necho 'b';",
  'public/warn.php': `<?php echo '${HEAD}', $undefined, '</body></html>'; trigger_error('old', E_USER_DEPRECATED); error_log('a note');`,
  'public/notice.php': `<?php echo '${HEAD}</body></html>'; trigger_error('old', E_USER_DEPRECATED);`,
  'public/silent.php': '<?php http_response_code(500);',
  'public/breaks.php': `<?php echo str_repeat('${HEAD}half a page', 2000); flush(); find_me();`,
}

let address: string

const scope = fileScope()

before(async () => {
  address = (await startFpm(scope, { workers: 4, ini: { log_errors: 1 } })).address
})

const page = async (url: string, headers: Record<string, string> = DOCUMENT): Promise<string> =>
  (await fetch(url, { headers })).text()

/** What is sent to browsers from now on. */
function sentTo(server: ViteDevServer): HotPayload[] {
  const { hot } = server.environments.client
  const sent: HotPayload[] = []
  const send = hot.send.bind(hot)
  hot.send = (...args: [HotPayload] | [string, unknown?]) => {
    const [first, data] = args
    if (typeof first === 'string') {
      send(first, data)
      return
    }
    sent.push(first)
    send(first)
  }
  return sent
}

const reloads = (sent: readonly HotPayload[]): number =>
  sent.filter(({ type }) => type === 'full-reload').length

test('an exception that nobody caught is told with its place, its lines and its calls, once', async (t) => {
  const { origin, log, folder } = await startVite(t, FILES, { backend: address })
  const text = await page(`${origin}/fatal.php`)
  assert.match(text, /@vite\/client[^]*data-php-error="1"/)
  const told = log.filter((line) => line.includes('PHP Fatal error'))
  assert.equal(told.length, 1)
  assert.match(told[0] ?? '', /^error: PHP Fatal error: Uncaught RuntimeException: no user; 7\n/)
  assert.ok(told[0]?.includes(`${folder}/public/fatal.php:3 (GET /fatal.php)`))
  assert.match(told[0] ?? '', /\n3 \| {3}throw new .*\n {2}\| {3}\^+\n/)
  assert.match(told[0] ?? '', /^ {4}at find\(7?\) \(.*\/public\/fatal\.php:5:1\)$/m)
})

test('a script that cannot be parsed, and one that fails without a word, leave nobody puzzled', async (t) => {
  const { origin, log } = await startVite(t, FILES, { backend: address })
  assert.match(await page(`${origin}/parse.php`), /data-php-error/)
  assert.match(log.join('\n'), /PHP Parse error: syntax error[^]*parse\.php:3/)
  assert.match(await page(`${origin}/silent.php`), /500[^]*data-php-error/)
  assert.match(
    log.join('\n'),
    /GET \/silent\.php: the application failed with 500, and without a word/,
  )
})

test('warnings and notices cover the page from the level on that was asked for', async (t) => {
  const shows = async (overlay?: 'error' | 'notice' | false): Promise<string> => {
    const { origin } = await startVite(t, FILES, {
      backend: address,
      ...(overlay !== undefined && { overlay }),
    })
    const pages = await Promise.all(
      ['notice', 'warn', 'fatal'].map((name) => page(`${origin}/${name}.php`)),
    )
    return pages.map((text) => (text.includes('data-php-error') ? 'x' : '-')).join('')
  }
  assert.equal(await shows(), '-xx')
  assert.equal(await shows('error'), '--x')
  assert.equal(await shows('notice'), 'xxx')
  assert.equal(await shows(false), '---')
})

test('all that PHP says is in the terminal, by its level, and nothing is added to the page', async (t) => {
  const { origin, log } = await startVite(t, FILES, { backend: address })
  assert.doesNotMatch(await page(`${origin}/warn.php`), /stderr of PHP/)
  const heads = log.map((line) => line.split('\n')[0] ?? '').filter((line) => line.includes('PHP'))
  assert.deepEqual(heads, [
    'warn: PHP Warning: Undefined variable $undefined',
    'info: PHP Deprecated: old',
    'info: PHP: a note',
  ])
})

test('errors that PHP shows on the page are read where it logs to a file', async (t) => {
  const folder = await temporaryDirectory(t)
  const ini = {
    log_errors: 1,
    error_log: join(folder, 'php.log'),
    display_errors: 1,
    html_errors: 1,
  }
  const fpm = await startFpm(t, { ini })
  const { origin, log } = await startVite(t, FILES, { backend: fpm.address })
  assert.match(await page(`${origin}/fatal.php`), /data-php-error/)
  assert.match(
    log.join('\n'),
    /PHP Fatal error: Uncaught RuntimeException: no user; 7\n.*fatal\.php:3/,
  )
})

test('a page that breaks off, and a backend that is not there, end as a page that says so', async (t) => {
  const running = await startVite(t, FILES, { backend: address })
  assert.match(await page(`${running.origin}/breaks.php`), /data-php-error/)
  assert.match(running.log.join('\n'), /undefined function find_me\(\)/)
  const gone = await startVite(t, FILES, { backend: 'unix:/nowhere/php.sock' })
  const text = await page(`${gone.origin}/`)
  assert.match(text, /Bad gateway[^]*\/nowhere\/php\.sock[^]*data-php-error/)
})

test('a changed file reloads pages, together with what is saved with it; caches and vendors do not', async (t) => {
  // Told which files have changed, as OPcache of a php-fpm is.
  const forgotten = new Set<string>()
  const pool = new MockPool().on('*', ({ stdin }) => {
    const { files } = JSON.parse(Buffer.from(stdin).toString()) as { files: string[] }
    for (const file of files) forgotten.add(file)
    const answer = { loaded: true, enabled: true, result: files.map(() => true), warning: '' }
    return { stdout: `Content-Type: application/json\r\n\r\n${JSON.stringify(answer)}` }
  })
  const { server, edit, folder } = await startVite(t, FILES, { backend: pool })
  const sent = sentTo(server)
  await edit('storage/framework/views/x.php', '<?php')
  await edit('public/cache/x.php', '<?php')
  await edit('vendor/a/b.php', '<?php')
  await edit('notes.txt', 'x')
  const names = Array.from({ length: 20 }, (_, at) => `src/Model${at}.php`)
  await Promise.all(names.map((name) => edit(name, '<?php')))
  await edit('templates/home.html.twig', '{{ x }}')
  await until('all are told', () => forgotten.size >= 21 && reloads(sent) > 0)
  assert.ok(reloads(sent) < 15, `${reloads(sent)} reloads`)
  const wanted = [...names, 'templates/home.html.twig'].map((name) => join(folder, name))
  assert.deepEqual([...forgotten].toSorted(), wanted.toSorted())
})

test('a document root outside of the root of Vite is watched; watch and watchIgnore say what', async (t) => {
  const outside = await temporaryDirectory(t)
  await writeProject(outside, { 'index.php': '<?php echo 1;' })
  const options = {
    backend: address,
    root: outside,
    watch: ['*.tpl', '*.php'],
    watchIgnore: ['/generated/**'],
  }
  const { server } = await startVite(t, {}, options)
  const sent = sentTo(server)
  await until('is watched', () =>
    Object.keys(server.watcher.getWatched()).some((path) => path.startsWith(outside)),
  )
  await writeProject(outside, { 'generated/a.php': '<?php', 'index.php': '<?php echo 2;' })
  await until('a reload', () => reloads(sent) > 0)
  await writeProject(outside, { 'x.tpl': '' })
  await until('another reload', () => reloads(sent) > 1)
})

for (const [name, revalidate] of [
  ['once a minute', { 'opcache.revalidate_freq': 60 }],
  ['never', { 'opcache.validate_timestamps': 0 }],
] as const) {
  test(`a change is seen at once although OPcache of a running php-fpm looks ${name}`, async (t) => {
    const ini = { 'opcache.enable': 1, 'opcache.file_update_protection': 0, ...revalidate }
    const fpm = await startFpm(t, { ini, zendExtensions: ['opcache'] })
    const change = `<?php echo '${HEAD}changed';`
    // Without a plugin that tells OPcache, the page stays old, or this test shows nothing.
    const idle = await startVite(t, FILES, { backend: fpm.address, watch: false })
    assert.match(await page(`${idle.origin}/`), /good/)
    await idle.edit('public/index.php', change)
    assert.match(await page(`${idle.origin}/`), /good/)
    const { server, origin, edit } = await startVite(t, FILES, { backend: fpm.address })
    const sent = sentTo(server)
    assert.match(await page(`${origin}/`), /good/)
    await edit('public/index.php', change)
    await until('a reload', () => reloads(sent) > 0)
    assert.match(await page(`${origin}/`), /changed/)
  })
}

test('PHP that the plugin starts sees a change at once, ends with the server, and is new after a restart', async (t) => {
  const told = 'header("Content-Type: text/plain");'
  const { server, origin, edit, log, folder } = await startVite(t, {
    ...FILES,
    'public/pid.php': `<?php ${told} echo posix_getppid();`,
    'public/ini.php': `<?php ${told} echo json_encode([ini_get('opcache.revalidate_freq'), ini_get('log_errors'), ini_get('error_log')]);`,
    'public/cached.php': `<?php ${told} echo function_exists('opcache_is_script_cached') ? json_encode(opcache_is_script_cached(__DIR__ . '/index.php')) : 'none';`,
  })
  assert.ok(
    log.some((line) => line.includes('PHP: php-fpm')),
    log.join('\n'),
  )
  assert.equal(await page(`${origin}/ini.php`), '["0","1",""]')
  // OPcache keeps what has not been written just now.
  await utimes(join(folder, 'public/index.php'), 1e9, 1e9)
  assert.match(await page(`${origin}/`), /good/)
  // A machine without OPcache has nothing to be shown.
  assert.match(await page(`${origin}/cached.php`), /^(?:true|none)$/)
  await edit('public/index.php', `<?php echo '${HEAD}changed';`)
  assert.match(await page(`${origin}/`), /changed/)
  const first = Number(await page(`${origin}/pid.php`))
  await server.restart()
  await until('the first php-fpm is gone', () => !isRunning(first))
  const second = Number(await page(`${origin}/pid.php`))
  assert.notEqual(second, first)
  await server.close()
  await until('the second php-fpm is gone', () => !isRunning(second))
})

test('without PHP, the server says what to do instead of starting', async (t) => {
  const folder = await temporaryDirectory(t)
  await writeProject(folder, FILES)
  const start = (options: Parameters<typeof php>[0]): Promise<ViteDevServer> =>
    createServer({
      configFile: false,
      root: folder,
      customLogger: keptLogger([]),
      plugins: [php(options)],
      server: { port: 0 },
    })
  await assert.rejects(
    start({ php: { program: '/nowhere/php-fpm' } }),
    /PHP cannot be started: [^]*\/nowhere\/php-fpm[^]*backend: 'unix:/,
  )
  await assert.rejects(
    start({ root: 'nowhere' }),
    /PHP cannot be started: root .*nowhere does not exist/,
  )
  await assert.rejects(start({ watchs: [] } as object), /watchs is no option; did you mean watch\?/)
  await assert.rejects(
    start({ backend: address, overlay: 'all' as 'error' }),
    /overlay must be error, warning, notice or false/,
  )
})

test('a build takes nothing of PHP along, and its preview runs PHP with the manifest', async (t) => {
  const folder = await temporaryDirectory(t)
  await writeProject(folder, {
    ...FILES,
    'public/page.php': `<?php
$manifest = json_decode(file_get_contents(__DIR__ . '/build/.vite/manifest.json'), true);
echo isset($_SERVER['VITE_DEV']) ? 'dev' : '/build/' . $manifest['src/main.js']['file'];`,
    'src/main.js': 'console.log(1)',
  })
  const config = {
    configFile: false as const,
    root: folder,
    logLevel: 'silent' as const,
    plugins: [php({ backend: address })],
    build: { outDir: 'public/build', manifest: true, rolldownOptions: { input: 'src/main.js' } },
    preview: { port: 0, host: '127.0.0.1' },
  }
  await build(config)
  assert.ok(!existsSync(join(folder, 'public/build/index.php')))
  const server = await preview(config)
  t.after(() => server.close())
  const origin = server.resolvedUrls?.local[0]?.replace(/\/$/, '') ?? ''
  const file = await page(`${origin}/page.php`)
  assert.match(file, /^\/build\/assets\/main-.*\.js$/)
  assert.match(await page(`${origin}/anything`), /good/)
  assert.match(await page(origin + file), /console\.log\(1\)/)
})

/** Whether a process is there, and not only waited for. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return false
  }
}
