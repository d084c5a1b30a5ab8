// The security checklist of the project, line by line, as far as a gateway decides it: over a real socket, to a real php-fpm.
//
// Lines that are shown elsewhere:
//   8, 28   PATH_INFO and names of params: test/http/security.test.ts, which this gateway builds on
//   13      bytes that follow a body: the client cuts and fails, test/client/stdin.test.ts and test/http/security.test.ts
//   18, 29  limits of heads, records and queues, linear parsing: test/protocol, test/client, test/http
//   27      permissions of sockets and temporary files: test/php-backend, spool.test.ts

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir, realpath, symlink, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, describe, test, type TestContext } from 'node:test'
import { MockPool } from '@fastcgi/client/testing'
import { createGateway, type GatewayOptions } from '@fastcgi/gateway'
import { startFpm } from '../support/fpm.js'
import {
  rawGet,
  rawRequest,
  startGateway,
  type RawAnswer,
  type RunningGateway,
} from '../support/gateway.js'
import { temporaryDirectory, until } from '../support/process.js'
import { nextTurn } from '../support/requests.js'

const fpm = await startFpm({ after }, { workers: 3 })

function statusOf({ text }: RawAnswer): number {
  return Number(/^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1] ?? 0)
}

function bodyOf({ text }: RawAnswer): string {
  return text.slice(text.indexOf('\r\n\r\n') + 4)
}

/** A gateway on php-fpm and the fixtures. */
function gatewayOf(t: TestContext, options: GatewayOptions = {}): Promise<RunningGateway> {
  return startGateway(t, { backend: fpm.address, ...options })
}

/** `$_SERVER`, as a request with these headers makes it. */
async function serverOf(
  t: TestContext,
  headers: readonly string[],
  options: GatewayOptions = {},
  target = '/env.php',
): Promise<Record<string, string>> {
  const { port } = await gatewayOf(t, options)
  const answer = await rawGet(port, target, headers)
  assert.equal(statusOf(answer), 200, answer.text)
  return JSON.parse(bodyOf(answer)) as Record<string, string>
}

describe('what a request may tell the application', () => {
  test('checklist 1: httpoxy: a Proxy header never becomes HTTP_PROXY', async (t) => {
    const server = await serverOf(t, ['Proxy: http://evil.example', 'proxy: x', 'Proxy_: y'])
    assert.ok(!('HTTP_PROXY' in server), JSON.stringify(server))
  })

  test('checklist 2: names with underscores, dots and the like are dropped, not folded', async (t) => {
    const server = await serverOf(t, ['X_User: admin', 'X.User: admin', 'X-User: nobody'])
    assert.equal(server.HTTP_X_USER, 'nobody')
  })

  test('checklist 3: no header becomes a CGI variable', async (t) => {
    const names = ['Remote-User', 'Https', 'Auth-Type', 'Redirect-Status', 'Script-Filename']
    const server = await serverOf(
      t,
      names.map((name) => `${name}: forged`),
    )
    for (const name of names) {
      const variable = name.toUpperCase().replace('-', '_')
      assert.notEqual(server[variable], 'forged', variable)
    }
    assert.ok(!('HTTP_CONTENT_LENGTH' in server) && !('HTTP_CONTENT_TYPE' in server))
  })

  test('checklist 4: NUL, CR and LF are refused in paths, and never reach the application', async (t) => {
    const { port } = await gatewayOf(t)
    for (const path of ['/env.php%00.txt', '/env.php/a%0ab', '/env.php/a%0d%0ab', '/%00']) {
      assert.equal(statusOf(await rawGet(port, path)), 400, path)
    }
    for (const line of ['X-A: b\0c', 'X-A: b\rc', 'X\0A: b']) {
      const answer = await rawGet(port, '/env.php', [line])
      assert.equal(statusOf(answer), 400, JSON.stringify(line))
    }
  })

  test('checklist 22: X-Forwarded-* and the like of a stranger are not believed, and not passed on', async (t) => {
    const forged = [
      'X-Forwarded-For: 203.0.113.9',
      'X-Forwarded-Proto: https',
      'X-Forwarded-Host: evil.example',
      'X-Forwarded-Port: 8443',
      'X-Real-IP: 203.0.113.9',
      'Forwarded: for=203.0.113.9;proto=https',
    ]
    const server = await serverOf(t, forged)
    assert.equal(server.REMOTE_ADDR, '127.0.0.1')
    assert.equal(server.SERVER_NAME, 'example.org')
    assert.equal(server.HTTP_HOST, 'example.org')
    assert.ok(!('HTTPS' in server))
    const passed = Object.keys(server).filter((name) => /FORWARDED|REAL_IP/.test(name))
    assert.deepEqual(passed, [])
  })

  test('checklist 22: a trusted proxy tells the address, scheme, host and port', async (t) => {
    const said = [
      // The client wrote the first one itself; the proxies in front of us added the others.
      'X-Forwarded-For: 6.6.6.6, 203.0.113.9, 127.0.0.2',
      'X-Forwarded-Proto: https',
      'X-Forwarded-Host: shop.example',
    ]
    const server = await serverOf(t, said, { trustProxy: 'loopback' })
    assert.equal(server.REMOTE_ADDR, '203.0.113.9')
    assert.equal(server.HTTPS, 'on')
    assert.equal(server.SERVER_PORT, '443')
    assert.equal(server.HTTP_HOST, 'shop.example')
    assert.equal(server.SERVER_NAME, 'shop.example')
  })

  test('checklist 22: what a client wrote into X-Forwarded-For itself is not even looked at', async (t) => {
    for (const words of ['unknown', 'x', '1.2.3.4.5', '[::1', 'abc']) {
      const said = [`X-Forwarded-For: ${words}, 203.0.113.9`]
      const server = await serverOf(t, said, { trustProxy: 'loopback' })
      assert.equal(server.REMOTE_ADDR, '203.0.113.9', words)
    }
  })

  test('checklist 22: an address that a trusted proxy tells must be one', async (t) => {
    const { port } = await gatewayOf(t, { trustProxy: 'loopback' })
    for (const words of [
      'unknown',
      'abc',
      '1.2.3',
      '1.2.3.256',
      ':::',
      '1::2::3',
      'fe80::1%eth0',
    ]) {
      const answer = await rawGet(port, '/env.php', [`X-Forwarded-For: ${words}`])
      assert.equal(statusOf(answer), 400, words)
    }
    for (const [words, address] of [
      ['2001:DB8::1', '2001:DB8::1'],
      ['[2001:db8::1]:4711', '2001:db8::1'],
      ['::ffff:192.0.2.1', '192.0.2.1'],
      ['192.0.2.1:80', '192.0.2.1'],
    ] as const) {
      const said = [`X-Forwarded-For: ${words}`]
      const server = await serverOf(t, said, { trustProxy: 'loopback' })
      assert.equal(server.REMOTE_ADDR, address)
    }
  })

  test('checklist 22: a number of proxies counts from this side', async (t) => {
    const server = await serverOf(t, ['X-Forwarded-For: 6.6.6.6, 203.0.113.9'], { trustProxy: 1 })
    assert.equal(server.REMOTE_ADDR, '203.0.113.9')
  })

  test('checklist 30: Authorization passes by default, Proxy-Authorization never', async (t) => {
    const lines = ['Authorization: Basic dTpw', 'Proxy-Authorization: Basic eDp5']
    const server = await serverOf(t, lines)
    assert.equal(server.PHP_AUTH_USER, 'u')
    assert.ok(!('HTTP_PROXY_AUTHORIZATION' in server))
    const without = await serverOf(t, lines, { authorization: false })
    assert.ok(!('HTTP_AUTHORIZATION' in without) && !('PHP_AUTH_USER' in without))
  })

  test('checklist 11: params by which PHP runs whatever they name must be called unsafe', () => {
    const params = { PHP_VALUE: 'auto_prepend_file=/etc/passwd' }
    assert.throws(() => createGateway({ root: '/', backend: 'unix:/x', params }), {
      name: 'TypeError',
      message: /unsafeParams/,
    })
  })
})

describe('which script runs', () => {
  test('checklist 5: no newline gets into a path, so no PATH_INFO is cut by one (CVE-2019-11043)', async (t) => {
    const { port } = await gatewayOf(t)
    const answer = await rawGet(
      port,
      `/index.php/PHP%0Ais_the_shittiest_lang.php?${'Q'.repeat(1700)}`,
    )
    assert.equal(statusOf(answer), 400)
  })

  test('checklist 6: a file that is no script does not become one by what is behind it', async (t) => {
    const root = await temporaryDirectory(t)
    await writeFile(join(root, 'avatar.jpg'), '<?php echo "run";')
    await writeFile(join(root, 'index.php'), '<?php echo "front";')
    const { port } = await gatewayOf(t, { root, frontController: false })
    for (const path of [
      '/avatar.jpg/x.php',
      '/avatar.jpg/',
      '/avatar.jpg%20.php',
      '/avatar.jpg/.php',
    ]) {
      const answer = await rawGet(port, path)
      assert.equal(statusOf(answer), 404, path)
    }
  })

  test('checklist 7: letters beyond ASCII never make an extension', async (t) => {
    const root = await temporaryDirectory(t)
    // The Kelvin sign is a k in lower case, the long s an S in upper case; neither is part of `.php`, and the lengths change.
    await writeFile(join(root, 'ſhell.txt'), '<?php echo "run";')
    await writeFile(join(root, 'index.php'), '<?php echo "front:", $_SERVER["SCRIPT_NAME"];')
    const { port } = await gatewayOf(t, { root })
    for (const name of ['ſhell.txt/.php', '\u2126.txt/a.php', 'İİİİ.php', 'x.ph\uff50']) {
      const answer = await rawGet(port, `/${encodeURIComponent(name).replaceAll('%2F', '/')}`)
      assert.ok(!bodyOf(answer).includes('run'), name)
    }
  })

  test('checklist 9: no path leaves the root, whatever its spelling', async (t) => {
    const folder = await temporaryDirectory(t)
    const root = join(folder, 'public')
    await mkdir(root)
    await writeFile(join(root, 'index.php'), '<?php echo "front";')
    await writeFile(join(folder, 'secret.txt'), 'secret')
    const { port } = await gatewayOf(t, { root })
    const paths = [
      '/../secret.txt',
      '/..%2fsecret.txt',
      '/%2e%2e/secret.txt',
      '/%2e%2e%2fsecret.txt',
      '/..%5csecret.txt',
      '/..\\secret.txt',
      '/a/../../secret.txt',
      '/.%2e/secret.txt',
      '/index.php/../../secret.txt',
      '//../secret.txt',
      '/%c0%ae%c0%ae/secret.txt',
      '/%252e%252e/secret.txt',
    ]
    for (const path of paths) {
      const answer = await rawGet(port, path)
      assert.ok(!bodyOf(answer).includes('secret'), `${path}\n${answer.text}`)
      assert.ok([400, 404, 200].includes(statusOf(answer)), `${path}\n${answer.text}`)
    }
  })

  test('checklist 9: the source of a script is never sent, in any spelling', async (t) => {
    const root = await temporaryDirectory(t)
    const source = '<?php /* source */ echo "ran";'
    const names = [
      'a.php',
      'b.PHP',
      'c.pHp',
      'd.php~',
      'e.php.bak',
      'f.phtml',
      'g.phps',
      '.user.ini',
      '.htaccess',
      '.env',
      'h.php.swp',
    ]
    for (const name of names) await writeFile(join(root, name), source)
    const { port } = await gatewayOf(t, { root, frontController: false })
    const spellings = ['a.php.', 'a.php%20', 'a.php::$DATA', 'a.php/', 'A.php', 'a.php%2e']
    for (const name of [...names, ...spellings]) {
      const answer = await rawGet(port, `/${name}`)
      assert.ok(!answer.text.includes('source'), `${name}\n${answer.text}`)
    }
  })

  test('checklist 10: a switched release is seen, by the real path of the root', async (t) => {
    const folder = await temporaryDirectory(t)
    for (const release of ['one', 'two']) {
      await mkdir(join(folder, release))
      await writeFile(join(folder, release, 'index.php'), '<?php echo $_SERVER["SCRIPT_FILENAME"];')
    }
    await symlink(join(folder, 'one'), join(folder, 'current'))
    const { port } = await gatewayOf(t, { root: join(folder, 'current') })
    assert.equal(bodyOf(await rawGet(port, '/')), join(await realpath(folder), 'one', 'index.php'))
  })

  test('checklist 24: status and ping of php-fpm are not reached', async (t) => {
    const { port } = await gatewayOf(t, { frontController: false })
    for (const path of ['/status', '/ping', '/status?full', '/index.php/../status', '//status']) {
      const answer = await rawGet(port, path)
      assert.equal(statusOf(answer), 404, path)
    }
  })

  test('checklist 24: no script runs in a folder for uploads, and dotfiles are not there', async (t) => {
    const root = await temporaryDirectory(t)
    await mkdir(join(root, 'uploads'))
    await mkdir(join(root, '.git'))
    await mkdir(join(root, '.well-known'))
    await writeFile(join(root, 'uploads', 'shell.php'), '<?php echo "ran";')
    await writeFile(join(root, '.git', 'config'), 'secret')
    await writeFile(join(root, '.well-known', 'security.txt'), 'Contact: us')
    const { port } = await gatewayOf(t, {
      root,
      frontController: false,
      noScripts: ['/uploads/**'],
    })
    for (const path of [
      '/uploads/shell.php',
      '/uploads/shell.php/x',
      '/.git/config',
      '/%2egit/config',
      '/uploads//shell.php',
    ]) {
      const answer = await rawGet(port, path)
      assert.ok([403, 404].includes(statusOf(answer)), `${path}\n${answer.text}`)
      assert.doesNotMatch(bodyOf(answer), /ran|secret/)
    }
    assert.equal(bodyOf(await rawGet(port, '/.well-known/security.txt')), 'Contact: us')
  })
})

describe('bodies', () => {
  const chunked = (body: string): string => `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`

  test('checklist 14: a body that can be read in two ways is refused', async (t) => {
    const { port } = await gatewayOf(t)
    const heads = [
      'Content-Length: 5\r\nTransfer-Encoding: chunked',
      'Content-Length: 5\r\nContent-Length: 6',
      'Content-Length: +5',
      'Content-Length: 5abc',
      'Content-Length: -1',
      'Content-Length: 99999999999999999999',
      'Transfer-Encoding: chunked, identity',
      'Transfer-Encoding: xchunked',
    ]
    for (const head of heads) {
      const answer = await rawRequest(
        port,
        `POST /body.php HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n${head}\r\n\r\n${chunked('hello')}`,
      )
      const status = statusOf(answer)
      assert.ok(status >= 400 && status < 600 && status !== 502, `${head}\n${answer.text}`)
    }
  })

  test('checklist 15: a chunked upload arrives whole, with its length', async (t) => {
    const { port } = await gatewayOf(t)
    const answer = await rawRequest(
      port,
      `POST /body.php HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\nX-Trailer: evil\r\n\r\n`,
    )
    assert.equal((JSON.parse(bodyOf(answer)) as { length: number }).length, 7)
  })

  test('checklist 15: a body beyond the limit is 413, announced or counted', async (t) => {
    const { port } = await gatewayOf(t, { requestBody: { maxSize: 10 } })
    const announced = await rawRequest(
      port,
      'POST /body.php HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\nContent-Length: 11\r\n\r\nhello world',
    )
    assert.equal(statusOf(announced), 413)
    const counted = await rawRequest(
      port,
      `POST /body.php HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n${chunked('hello world')}`,
    )
    assert.equal(statusOf(counted), 413)
  })

  test('checklist 16: a worker is asked for only when the whole upload is here', async (t) => {
    const pool = new MockPool().on('*', { stdout: 'Content-Type: text/plain\r\n\r\ngot it' })
    const { port, gateway } = await startGateway(t, { backend: pool })
    const socket = connect(port, '127.0.0.1')
    t.after(() => socket.destroy())
    socket.write(
      'POST /body.php HTTP/1.1\r\nHost: example.org\r\nContent-Length: 20\r\n\r\nhalf of it',
    )
    await until('the request is under way', () => gateway.active === 1)
    await nextTurn()
    assert.equal(pool.calls.length, 0)
    socket.write(', the rest')
    await once(socket, 'data')
    assert.equal(pool.calls.length, 1)
    assert.equal(Buffer.from(pool.calls[0]!.stdin).toString(), 'half of it, the rest')
  })
})

describe('answers', () => {
  test('checklist 17: what concerns one hop is dropped from answers', async (t) => {
    const root = await temporaryDirectory(t)
    await writeFile(
      join(root, 'index.php'),
      '<?php header("Connection: X-Secret"); header("X-Secret: 1"); header("Trailer: x"); header("Upgrade: h2c"); echo "ok";',
    )
    const { port } = await gatewayOf(t, { root })
    const { text } = await rawGet(port, '/')
    assert.doesNotMatch(text, /^(?:x-secret|trailer|upgrade|keep-alive):/im)
    assert.ok(text.endsWith('ok'))
  })

  test('checklist 19: a file is sent from configured folders only, and the order never shows', async (t) => {
    const folder = await temporaryDirectory(t)
    const root = join(folder, 'public')
    await mkdir(root)
    await mkdir(join(folder, 'files'))
    await writeFile(join(folder, 'files', 'report.txt'), 'the report')
    await writeFile(join(folder, 'secret.txt'), 'secret')
    await writeFile(
      join(root, 'index.php'),
      '<?php header("Content-Type: text/x-report"); header($_GET["order"]); echo "fallback";',
    )
    const { port, log } = await gatewayOf(t, {
      root,
      sendFileRoots: { '/protected/': join(folder, 'files') },
    })
    const ask = (order: string): Promise<RawAnswer> =>
      rawGet(port, `/?order=${encodeURIComponent(order)}`)
    for (const order of [
      'X-Accel-Redirect: /protected/report.txt',
      `X-Sendfile: ${join(folder, 'files', 'report.txt')}`,
    ]) {
      const answer = await ask(order)
      assert.equal(bodyOf(answer), 'the report', order)
      assert.match(answer.text, /^content-type: text\/x-report/im)
      assert.doesNotMatch(answer.text, /x-accel|x-sendfile/i)
    }
    for (const order of [
      'X-Accel-Redirect: /protected/../secret.txt',
      'X-Accel-Redirect: /protected/%2e%2e/secret.txt',
      'X-Accel-Redirect: /elsewhere/secret.txt',
      'X-Accel-Redirect: /index.php',
      `X-Sendfile: ${join(folder, 'secret.txt')}`,
      `X-Sendfile: ${join(folder, 'files', '..', 'secret.txt')}`,
      `X-Sendfile: ${folder}/files/../secret.txt`,
      'X-Sendfile: /etc/passwd',
    ]) {
      const { text } = await ask(order)
      assert.doesNotMatch(text, /secret$|root:|x-accel|x-sendfile/i, order)
    }
    assert.match(log.text, /warn .*sendFileRoots/)
  })

  test('checklist 19: X-Sendfile names a folder with a slash at its end, and with letters of any language', async (t) => {
    const folder = join(await temporaryDirectory(t), 'Verträge')
    await mkdir(folder)
    await writeFile(join(folder, 'report.txt'), 'the report')
    for (const root of [folder, `${folder}/`]) {
      const stdout = Buffer.from(`X-Sendfile: ${folder}/report.txt\r\n\r\nfallback`)
      const pool = new MockPool().on('*', { stdout })
      const { port } = await startGateway(t, { backend: pool, sendFileRoots: { '/files/': root } })
      assert.equal(bodyOf(await rawGet(port, '/')), 'the report', root)
    }
  })

  test('checklist 19: local redirects come to an end', async (t) => {
    const pool = new MockPool().on('*', { stdout: 'Location: /index.php\r\n\r\n' })
    const { port } = await startGateway(t, { backend: pool })
    assert.equal(statusOf(await rawGet(port, '/')), 502)
    assert.equal(pool.calls.length, 11)
  })

  test('checklist 21: an upload that is too large is refused before 100 Continue', async (t) => {
    const { port } = await gatewayOf(t, { requestBody: { maxSize: 10 } })
    const answer = await rawRequest(
      port,
      'POST /body.php HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n',
    )
    assert.match(answer.text, /HTTP\/1\.1 413 /)
  })

  test('checklist 25, 26: neither stderr nor a path of the disk reaches a client; the log has it, without control characters', async (t) => {
    const { port, log } = await gatewayOf(t, { frontController: false })
    const answer = await rawGet(port, '/fatal.php', ['Cookie: session=hunter2'])
    assert.doesNotMatch(answer.text, /out of luck|\/test\/php\//)
    const missing = await rawGet(port, '/nothing.php')
    assert.doesNotMatch(missing.text, /\/test\/php|Primary script/)
    assert.doesNotMatch(JSON.stringify(log.entries), /hunter2/)
  })
})
