// PHP in Vite's dev server: which requests are whose, and what becomes of answers.

import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { resolveConfig, type Plugin } from 'vite'
import { startFpm } from '../support/fpm.ts'
import { startVite, type Project, type RunningVite } from '../support/vite.ts'
import { fileScope } from '../support/process.ts'

const PAGE = '<!doctype html><html><head><title>x</title></head><body>'
const FILES: Project = {
  'public/index.php': `<?php
if ($_SERVER['REQUEST_METHOD'] === 'POST') { header('Location: /done', true, 303); setcookie('seen', '1'); exit; }
echo '${PAGE}front ' . $_SERVER['REQUEST_URI'] . ' ' . $_SERVER['SCRIPT_NAME'] . ' dev=' . $_SERVER['VITE_DEV'];
echo '<script type="module" src="/src/main.js"></script></body></html>';`,
  'public/part.php': '<?php echo "<p>a part</p>";',
  'public/echo.php': `<?php header('Content-Type: text/plain');
echo $_SERVER['REQUEST_METHOD'], ' ', strlen(file_get_contents('php://input')), ' ', json_encode(array_map(fn($f) => $f['size'], $_FILES)), ' ', json_encode($_POST);`,
  'public/latin.php': `<?php header('Content-Type: text/html; charset=iso-8859-1'); echo "<html><head></head><body>caf\\xe9</body></html>";`,
  'public/binary.php': `<?php echo "<html><head></head><body>\\xff\\xfe caf\\xe9</body></html>";`,
  'public/gzip.php': `<?php header('Content-Encoding: gzip'); header('ETag: "x"'); $page = gzencode('${PAGE}packed</body></html>'); header('Content-Length: ' . strlen($page)); echo $page;`,
  'public/json.php': `<?php header('Content-Type: application/json'); echo '{"a":"<html>"}';`,
  'public/events.php': `<?php header('Content-Type: text/event-stream'); echo "data: 1\\n\\n"; flush(); if (isset($_GET['wait'])) while (!file_exists($_GET['wait'])) usleep(5000); echo "data: 2\\n\\n";`,
  'public/slow.php': `<?php header('X-Accel-Buffering: no'); echo '${PAGE}begun'; flush(); while (!file_exists($_GET['wait'])) usleep(5000); echo 'done</body></html>';`,
  'public/module.php': `<?php echo '${PAGE}<script type="module">import { hello } from "/src/lib.js"; hello()</script></body></html>';`,
  'public/docs/index.php': '<?php echo "docs ", $_SERVER["SCRIPT_NAME"];',
  'public/logo.svg': '<svg xmlns="http://www.w3.org/2000/svg"/>',
  'public/admin.css': 'body { color: red }',
  'secret.php': '<?php $password = "x";',
  'about.html': `${PAGE}Vite's own</body></html>`,
  'src/main.js': 'import "./lib.js"; import.meta.hot?.accept()',
  'src/lib.js': 'export const hello = () => {}',
  'src/view.php': '<b>raw</b>',
  'src/style.css': 'body { color: blue }',
}
const DOCUMENT = { 'sec-fetch-dest': 'document', accept: 'text/html' }

const get = (url: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(url, { headers, redirect: 'manual' })

/** One dev server for all that changes nothing. */
let shared: RunningVite & { readonly address: string }

const scope = fileScope()

before(async () => {
  const { address } = await startFpm(scope, { workers: 4 })
  shared = { ...(await startVite(scope, FILES, { backend: address })), address }
})

test('a page of the front controller gets the client of Vite, and its length', async () => {
  const { origin } = shared
  const answer = await get(`${origin}/users/7?a=b`, DOCUMENT)
  const text = await answer.text()
  assert.match(text, /front \/users\/7\?a=b \/index\.php dev=1/)
  assert.match(text, /<script type="module" src="\/@vite\/client"><\/script>/)
  assert.match(text, /src="\/src\/main\.js"/)
  assert.equal(answer.headers.get('content-length'), String(Buffer.byteLength(text)))
  assert.equal(answer.headers.get('content-type'), 'text/html; charset=UTF-8')
})

test('modules, styles, the client, raw files and pages of Vite stay those of Vite', async () => {
  const { origin, folder } = shared
  const script = { 'sec-fetch-dest': 'script' }
  const type = async (path: string, headers = {}): Promise<string> => {
    const answer = await get(origin + path, headers)
    return `${answer.status} ${answer.headers.get('content-type')}`
  }
  assert.equal(await type('/src/main.js', script), '200 text/javascript')
  assert.equal(await type('/@vite/client', script), '200 text/javascript')
  assert.equal(await type(`/@fs${folder}/src/lib.js`, script), '200 text/javascript')
  assert.equal(await type('/src/style.css', { accept: 'text/css' }), '200 text/css')
  assert.match(await (await get(`${origin}/about`, DOCUMENT)).text(), /Vite's own/)
})

test('files of the document root are sent, and a folder answers by its index', async () => {
  const { origin } = shared
  assert.equal((await get(`${origin}/logo.svg`)).headers.get('content-type'), 'image/svg+xml')
  assert.equal((await get(`${origin}/logo.svg`, { range: 'bytes=0-3' })).status, 206)
  assert.match(await (await get(`${origin}/admin.css`)).text(), /red/)
  assert.equal((await get(`${origin}/docs?x=1`)).headers.get('location'), '/docs/?x=1')
  assert.equal(await (await get(`${origin}/docs/`)).text(), 'docs /docs/index.php')
})

test('no source of PHP is sent, wherever it is', async () => {
  const { origin } = shared
  for (const path of [
    '/secret.php',
    '/public/index.php',
    '/secret.php/x',
    '/%73ecret.php',
    '/secret.PHP',
  ]) {
    const answer = await get(origin + path)
    assert.equal(answer.status, 404, path)
    assert.doesNotMatch(await answer.text(), /<\?php/, path)
  }
  assert.doesNotMatch(await (await get(`${origin}/src/view.php?raw`)).text(), /raw<\/b>/)
})

test('no way of Vite to a file leads to the source of PHP, to a copy of it, or to what is denied', async (t) => {
  const secret = '<?php $password = "TOPSECRET";'
  const { origin, folder } = await startVite(
    t,
    {
      ...FILES,
      'secret.php': secret,
      'secret.php~': secret,
      'secret.php.bak': secret,
      'secret.php-old': secret,
      'view.phtml': secret,
      'settings.inc': secret,
      '.htaccess': secret,
      '.user.ini': secret,
      '.env': secret,
      'private/dump.txt': secret,
      'inline.php': `<?php /* TOPSECRET */ echo '${PAGE}<script type="module">import "/src/lib.js"</script></body></html>';`,
    },
    { backend: shared.address, root: '.', deny: ['/private/**'] },
  )
  const paths = [
    '/secret.php?raw',
    '/secret.php?import&raw',
    '/secret.php?v=1',
    '/secret.php?html-proxy',
    '/secret.php?x=html-proxy&index=0.js',
    `/@fs${folder}/secret.php`,
    `/@fs${folder}/secret.php?import&raw`,
    `/@fs${folder}/secret.php-old`,
    '/@id/secret.php?raw',
    '/@vite/%2e%2e/secret.php',
    '/__inspect/%2e%2e/secret.php',
    '/secret.php~',
    '/secret.php.bak',
    '/secret.php-old',
    '/view.phtml',
    '/settings.inc?import&raw',
    '/.htaccess',
    '/.user.ini',
    '/.env',
    '/private/dump.txt',
  ]
  for (const path of paths) {
    for (const destination of ['script', 'style', 'document', 'empty']) {
      const text = await (await get(origin + path, { 'sec-fetch-dest': destination })).text()
      assert.doesNotMatch(text, /TOPSECRET/, `${path} for ${destination}`)
    }
  }
  const page = await (await get(`${origin}/inline.php`, DOCUMENT)).text()
  const [, src = ''] = /src="([^"]+html-proxy[^"]+)"/.exec(page) ?? []
  const module = await (await get(origin + src.replaceAll('&amp;', '&'))).text()
  assert.match(module, /import "\/src\/lib\.js"/)
  const [, map = ''] = /base64,(\S+)/.exec(module) ?? []
  assert.doesNotMatch(Buffer.from(map, 'base64').toString(), /TOPSECRET/)
})

test('scripts and styles that PHP writes are PHP’s, with a version in their query, too', async () => {
  const { origin } = shared
  for (const [query, destination] of [
    ['v=2', 'script'],
    ['t=17', 'style'],
    ['url=x', 'script'],
  ] as const) {
    const answer = await get(`${origin}/echo.php?${query}`, { 'sec-fetch-dest': destination })
    assert.match(await answer.text(), /^GET 0 /, query)
  }
})

test('what Vite itself denies stays denied, and a list of one’s own is kept', async (t) => {
  const { fs } = (await resolveConfig({ configFile: false }, 'serve')).server
  const { server } = shared
  for (const pattern of fs.deny) assert.ok(server.config.server.fs.deny.includes(pattern), pattern)
  const own = await startVite(
    t,
    FILES,
    { backend: shared.address },
    { server: { fs: { deny: ['*.mine'] } } },
  )
  const { deny } = own.server.config.server.fs
  assert.ok(deny.includes('*.mine') && deny.includes('*.php') && !deny.includes('.env.*'))
})

test('POST, uploads, redirects and cookies work', async () => {
  const { origin } = shared
  const body = 'x'.repeat(300_000)
  const posted = await fetch(`${origin}/echo.php`, { method: 'POST', body })
  assert.match(await posted.text(), /^POST 300000 /)
  const form = new FormData()
  form.set('name', 'Ada')
  form.set('file', new Blob(['y'.repeat(5000)]), 'y.txt')
  const uploaded = await fetch(`${origin}/echo.php`, { method: 'POST', body: form })
  assert.match(await uploaded.text(), /\{"file":5000\} \{"name":"Ada"\}/)
  const redirected = await fetch(`${origin}/form`, { method: 'POST', redirect: 'manual' })
  assert.equal(redirected.status, 303)
  assert.equal(redirected.headers.get('location'), '/done')
  assert.match(redirected.headers.get('set-cookie') ?? '', /seen=1/)
  const head = await fetch(`${origin}/`, { method: 'HEAD' })
  assert.equal(head.status, 200)
})

test('parts of pages, other types and what scripts fetch are left alone', async () => {
  const { origin } = shared
  assert.equal(await (await get(`${origin}/part.php`)).text(), '<p>a part</p>')
  assert.match(
    await (await get(`${origin}/part.php`, DOCUMENT)).text(),
    /@vite\/client[^]*<p>a part<\/p>/,
  )
  assert.doesNotMatch(
    await (await get(`${origin}/`, { 'sec-fetch-dest': 'empty' })).text(),
    /@vite/,
  )
  assert.doesNotMatch(
    await (await get(`${origin}/`, { 'x-requested-with': 'XMLHttpRequest' })).text(),
    /@vite/,
  )
  assert.equal(await (await get(`${origin}/json.php`, DOCUMENT)).text(), '{"a":"<html>"}')
})

test('a page keeps the bytes of its encoding', async () => {
  const { origin } = shared
  const latin = Buffer.from(await (await get(`${origin}/latin.php`, DOCUMENT)).arrayBuffer())
  assert.match(latin.toString('latin1'), /@vite\/client[^]*<body>caf\xe9<\/body>/)
  const binary = Buffer.from(await (await get(`${origin}/binary.php`, DOCUMENT)).arrayBuffer())
  assert.match(binary.toString('latin1'), /@vite\/client[^]*<body>\xff\xfe caf\xe9<\/body>/)
})

test('a page that PHP has compressed is read, and its old validators are gone', async () => {
  const { origin } = shared
  const answer = await get(`${origin}/gzip.php`, DOCUMENT)
  assert.equal(answer.headers.get('etag'), null)
  assert.equal(answer.headers.get('content-encoding'), null)
  assert.match(await answer.text(), /@vite\/client[^]*packed/)
})

test('events and pages that go out as they come are not held', async (t) => {
  const { origin, folder, edit } = shared
  for (const [path, first, last] of [
    ['/events.php', 'data: 1', 'data: 2'],
    ['/slow.php', 'begun', 'done'],
  ] as const) {
    const gate = `gate-${path.slice(1)}`
    const answer = await get(`${origin}${path}?wait=${folder}/${gate}`, DOCUMENT)
    const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader()
    t.after(() => reader.cancel())
    let text = ''
    while (!text.includes(first)) text += (await reader.read()).value ?? assert.fail('it ended')
    assert.doesNotMatch(text, new RegExp(last))
    await edit(gate, '')
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      text += value
    }
    assert.match(text, new RegExp(last))
    assert.equal(text.includes('@vite/client'), path === '/slow.php')
  }
})

test('a module within a page is Vite’s to read, and other plugins add their tags', async (t) => {
  const { address } = shared
  const preamble: Plugin = {
    name: 'preamble',
    transformIndexHtml: () => [{ tag: 'script', children: 'preamble()' }],
  }
  const { origin } = await startVite(t, FILES, { backend: address }, { plugins: [preamble] })
  const text = await (await get(`${origin}/module.php`, DOCUMENT)).text()
  assert.match(text, /<script>preamble\(\)<\/script>/)
  const [, src = ''] = /src="([^"]+html-proxy[^"]+)"/.exec(text) ?? []
  const module = await get(origin + src.replaceAll('&amp;', '&'), { 'sec-fetch-dest': 'script' })
  assert.match(await module.text(), /import \{ hello \} from "\/src\/lib\.js"/)
})

test('html: tags leaves the page as it is, and false leaves it alone', async (t) => {
  const { address } = shared
  const tags = await startVite(t, FILES, { backend: address, html: 'tags' })
  const text = await (await get(`${tags.origin}/module.php`, DOCUMENT)).text()
  assert.match(text, /@vite\/client[^]*<script type="module">import \{ hello \}/)
  const alone = await startVite(t, FILES, { backend: address, html: false })
  assert.doesNotMatch(await (await get(`${alone.origin}/`, DOCUMENT)).text(), /@vite/)
})

test('below a base, PHP sees the base, and the proxies of Vite come first', async (t) => {
  const { address, origin: other } = shared
  const vite = await startVite(
    t,
    FILES,
    { backend: address },
    {
      base: '/app/',
      server: {
        proxy: {
          '/app/echo.php': {
            target: other,
            rewrite: (path) => path.replace('/app/echo.php', '/proxied'),
          },
        },
      },
    },
  )
  const text = await (await get(`${vite.origin}/app/x`, DOCUMENT)).text()
  assert.match(text, /front \/app\/x \/app\/index\.php/)
  assert.match(text, /src="\/app\/@vite\/client"/)
  assert.match(text, /src="\/src\/main\.js"/)
  assert.equal((await get(`${vite.origin}/app/docs`)).headers.get('location'), '/app/docs/')
  assert.match(await (await get(`${vite.origin}/app/echo.php`)).text(), /front \/proxied /)
})

test('a nonce of Vite is on its tags, and told to PHP; headers of the server are on pages', async (t) => {
  const { address } = shared
  const vite = await startVite(
    t,
    {
      ...FILES,
      'public/nonce.php': `<?php echo '${PAGE}' . $_SERVER['VITE_CSP_NONCE'] . '</body></html>';`,
    },
    { backend: address },
    { html: { cspNonce: 'abc' }, server: { headers: { 'x-dev': '1' } } },
  )
  const answer = await get(`${vite.origin}/nonce.php`, DOCUMENT)
  assert.equal(answer.headers.get('x-dev'), '1')
  assert.match(
    await answer.text(),
    /<script type="module" src="\/@vite\/client" nonce="abc">[^]*<body>abc/,
  )
})
