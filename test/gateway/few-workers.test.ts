// Few workers and many clients that are slow, stalled or gone: the workers belong to those that PHP has something to do for.

import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { startFpm } from '../support/fpm.js'
import { isWhole, rawGet, rawRequest, startGateway } from '../support/gateway.js'
import { temporaryDirectory, until } from '../support/process.js'

/** More than the buffers of the system take for a client that does not read. */
const PAGE = 8 * 1024 * 1024

/** Sends bytes, and reads nothing. */
function stalled(t: TestContext, port: number, bytes: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.pause()
      socket.write(bytes, () => resolve(socket))
    })
    socket.on('error', reject)
    t.after(() => {
      socket.removeAllListeners('error')
      socket.on('error', () => {})
      socket.destroy()
    })
  })
}

test('3 workers, 50 clients that do not read, 20 uploads that stand still: a fast client is served', async (t) => {
  const root = await temporaryDirectory(t)
  await mkdir(join(root, 'spool'))
  await writeFile(
    join(root, 'page.php'),
    `<?php header('Content-Type: application/octet-stream'); for ($i = 0; $i < ${PAGE / 65536}; $i++) echo str_repeat('x', 65536); file_put_contents(__DIR__ . '/done', '.', FILE_APPEND | LOCK_EX);`,
  )
  await writeFile(
    join(root, 'count.php'),
    '<?php clearstatcache(); echo (int) @filesize(__DIR__ . "/done");',
  )
  await writeFile(join(root, 'index.php'), '<?php echo "hello";')
  const fpm = await startFpm(t, { workers: 3 })
  const backend = { address: fpm.address, connections: 3 }
  const { port, gateway } = await startGateway(t, {
    root,
    backend,
    response: { directory: join(root, 'spool') },
  })
  for (let index = 0; index < 20; index++) {
    await stalled(
      t,
      port,
      `POST /index.php HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nbegun`,
    )
  }
  for (let index = 0; index < 50; index++) {
    await stalled(t, port, 'GET /page.php HTTP/1.1\r\nHost: a\r\n\r\n')
  }
  await until('all 70 are under way', () => gateway.active === 70)
  // Served beside them, not after them: nobody of the 70 has let go.
  const answer = await rawGet(port, '/')
  assert.ok(isWhole(answer) && answer.text.endsWith('hello'), answer.text)
  assert.equal(gateway.active, 70)
  await until('every script has run to its end, although nobody has read', async () => {
    const { text } = await rawGet(port, '/count.php')
    return text.endsWith('\r\n\r\n50')
  })
  assert.equal(gateway.active, 70)
})

test('a client that goes away frees its worker, its memory and its file', async (t) => {
  const fpm = await startFpm(t, { workers: 1 })
  const backend = { address: fpm.address, connections: 1 }
  const { port, gateway } = await startGateway(t, { backend })
  for (let index = 0; index < 5; index++) {
    const { text } = await rawRequest(
      port,
      'GET /dribble.php?lines=100000000 HTTP/1.1\r\nHost: a\r\n\r\n',
      (so) => so.includes('line 1\n'),
    )
    assert.match(text, /^HTTP\/1\.1 200 /)
  }
  await until('they are gone', () => gateway.active === 0)
  assert.ok((await rawGet(port, '/hello.php')).text.endsWith('hello'))
})
