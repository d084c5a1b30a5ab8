// The ways in which a dev server of Vite runs: with TLS, within another server, beside other plugins; and what PHP's messages look like.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { connect } from 'node:http2'
import { createServer as createHttpServer } from 'node:http'
import { before, test } from 'node:test'
import express from 'express'
import { createServer } from 'vite'
import { php } from '@fastcgi/gateway/vite'
import { makeCertificate, NO_OPENSSL } from '../support/certificate.ts'
import { startFpm } from '../support/fpm.ts'
import { fileScope, temporaryDirectory } from '../support/process.ts'
import { keptLogger, startVite, writeProject, type Project } from '../support/vite.ts'
import { listening } from '../support/web-listener.ts'

const HEAD = '<!doctype html><html><head></head><body>'
const DOCUMENT = { 'sec-fetch-dest': 'document', accept: 'text/html' }
const FILES: Project = {
  'public/index.php': `<?php echo '${HEAD}', $_SERVER['REQUEST_SCHEME'] ?? '', ' https=', $_SERVER['HTTPS'] ?? 'off', ' ', $_SERVER['REQUEST_URI'], ' ', strlen(file_get_contents('php://input'));`,
  'index.html': `${HEAD}of Vite</body></html>`,
  'src/main.js': 'console.log(1)',
}

let address: string

const scope = fileScope()

before(async () => {
  address = (await startFpm(scope, { workers: 4, ini: { log_errors: 1 } })).address
})

test(
  'over HTTPS and HTTP/2, PHP knows the scheme, and pages get the client',
  { skip: NO_OPENSSL },
  async (t) => {
    const { cert, key } = await makeCertificate(t)
    const https = { cert: readFileSync(cert), key: readFileSync(key) }
    const { origin } = await startVite(t, FILES, { backend: address }, { server: { https } })
    const session = connect(origin, { rejectUnauthorized: false })
    t.after(() => session.destroy())
    const stream = session.request({ ':path': '/deep/path', ':method': 'POST', ...DOCUMENT })
    stream.end('12345')
    let text = ''
    for await (const chunk of stream.setEncoding('utf8')) text += String(chunk)
    assert.match(text, /@vite\/client[^]*https=on \/deep\/path 5/)
  },
)

test('within an Express application, what PHP has not is left to the application', async (t) => {
  const folder = await temporaryDirectory(t)
  await writeProject(folder, FILES)
  const sockets = createHttpServer()
  const vite = await createServer({
    configFile: false,
    root: folder,
    customLogger: keptLogger([]),
    appType: 'custom',
    plugins: [php({ backend: address, frontController: false })],
    server: { middlewareMode: true, hmr: { server: sockets } },
  })
  t.after(() => vite.close())
  const app = express()
  app.use(vite.middlewares)
  app.use((_request, response) => void response.status(404).send('of Express'))
  const origin = await listening(t, app)
  const posted = await fetch(`${origin}/?a=b`, {
    method: 'POST',
    body: 'x'.repeat(5000),
    headers: DOCUMENT,
  })
  assert.match(await posted.text(), /@vite\/client[^]* \/\?a=b 5000/)
  assert.match(await (await fetch(`${origin}/src/main.js`)).text(), /console\.log/)
  assert.equal(await (await fetch(`${origin}/unknown`)).text(), 'of Express')
})

test('without a front controller, Vite’s own page answers for what is nobody else’s', async (t) => {
  const { origin } = await startVite(
    t,
    { ...FILES, 'public/a.php': '<?php echo "a";' },
    { backend: address, frontController: '/none.php', index: [] },
  )
  const ask = async (path: string): Promise<string> =>
    (await fetch(origin + path, { headers: DOCUMENT })).text()
  assert.match(await ask('/'), /of Vite/)
  assert.match(await ask('/users/7'), /of Vite/)
  assert.match(await ask('/a.php'), /a$/)
})

test('messages are read whatever is in them', async (t) => {
  const { origin, log } = await startVite(
    t,
    {
      'public/chain.php': `<?php
try { throw new LogicException('inner'); }
catch (LogicException $inner) { throw new RuntimeException("outer\\nin two lines", 0, $inner); }`,
      'public/eval.php': `<?php eval('echo $nothing;');`,
      'public/internal.php': `<?php array_map(function ($x) { throw new Exception('deep'); }, [1]);`,
      'public/odd.php': `<?php trigger_error('PHP message: in /x.php on line 9; PHP Warning:  fake', E_USER_WARNING); error_log("several\\nlines");`,
    },
    { backend: address },
  )
  const told = async (path: string): Promise<string> => {
    log.length = 0
    await (await fetch(origin + path, { headers: DOCUMENT })).text()
    return log.join('\n')
  }
  assert.match(
    await told('/chain.php'),
    /^error: PHP Fatal error: Uncaught RuntimeException: outer\nin two lines\n.*chain\.php:3 \(GET/,
  )
  assert.match(
    await told('/eval.php'),
    /^warn: PHP Warning: Undefined variable \$nothing\n.*eval\.php:1 \(GET/,
  )
  const internal = await told('/internal.php')
  assert.match(internal, /Uncaught Exception: deep/)
  assert.match(internal, /^ {4}at \{closure\}\(1?\)$/m)
  assert.match(internal, /^ {4}at array_map\(.*\) \(.*internal\.php:1:1\)$/m)
  assert.match(
    await told('/odd.php'),
    /^warn: PHP Warning: PHP message: in[^]*info: PHP: several\ninfo: PHP: lines$/,
  )
})

test('one plugin may be in several servers, and each has a PHP of its own', async (t) => {
  const plugin = php()
  const folder = await temporaryDirectory(t)
  await writeProject(folder, {
    'public/pid.php': '<?php header("Content-Type: text/plain"); echo posix_getppid();',
  })
  const start = async (): Promise<{ close(): Promise<void>; pid: () => Promise<string> }> => {
    const server = await createServer({
      configFile: false,
      root: folder,
      customLogger: keptLogger([]),
      plugins: [plugin],
      server: { port: 0, host: '127.0.0.1' },
    })
    await server.listen()
    const [url = ''] = server.resolvedUrls?.local ?? []
    return { close: () => server.close(), pid: async () => (await fetch(`${url}pid.php`)).text() }
  }
  const one = await start()
  const two = await start()
  t.after(() => two.close())
  assert.notEqual(await one.pid(), await two.pid())
  await one.close()
  assert.match(await two.pid(), /^\d+$/)
})
