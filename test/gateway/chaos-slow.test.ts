// Clients that are slow on purpose: each is let go in time, and nothing of it stays.

import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { readdirSync } from 'node:fs'
import { truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { Pool } from '@fastcgi/client'
import { ask, chaosSite, linesOf, marksOf } from '../support/chaos.ts'
import { startFpm } from '../support/fpm.ts'
import { isWhole, startGateway, type RunningGateway } from '../support/gateway.ts'
import { until } from '../support/process.ts'
import { get, portOf, startServer } from '../support/serving.ts'

const LIMIT = { timeout: 30_000 }
const CLIENTS = 20
/** More than the buffers of the system take for a client that does not read, in bytes. */
const HUGE = 64 * 1024 * 1024

interface SlowClient {
  readonly socket: Socket
  /** All that it was told, once it was let go. */
  readonly end: Promise<string>
}

/** Sends the beginning, and then `drop` again and again, for as long as it may. */
function slowClient(t: TestContext, port: number, beginning: string, drop = ''): SlowClient {
  const socket = connect(port, '127.0.0.1')
  t.after(() => socket.destroy())
  socket.write(beginning)
  const dropping = drop && setInterval(() => socket.write(drop), 20)
  let text = ''
  const end = new Promise<string>((resolve) => {
    socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
    socket.on('error', () => {})
    socket.on('close', () => {
      if (dropping) clearInterval(dropping)
      resolve(text)
    })
  })
  return { socket, end }
}

function slowClients(t: TestContext, port: number, beginning: string, drop = ''): SlowClient[] {
  return Array.from({ length: CLIENTS }, () => slowClient(t, port, beginning, drop))
}

/** Nobody has lost anything by them, and they hold nothing. */
async function checkFreed({ url, gateway }: RunningGateway, temporary: string): Promise<void> {
  await until('no request is left', () => gateway.active === 0)
  const { executor } = gateway.backends[0]!
  assert.ok(executor instanceof Pool)
  await until('no worker is held', () => executor.stats.running + executor.stats.queued === 0)
  assert.deepEqual(readdirSync(temporary), [])
  const answer = await ask(url, { path: '/lines.php?lines=10', expected: linesOf(10) })
  assert.equal(answer.kind, 'whole', answer.how)
}

// They wait most of their time, and need not wait for each other.
describe('slow clients', { concurrency: true }, () => {
  for (const drop of ['', 'x']) {
    const what = drop ? 'never comes to its end' : 'stands still'
    test(`a head that ${what} is 408 after headersTimeout`, LIMIT, async (t) => {
      const { root } = await chaosSite(t)
      const server = await startServer(t, {
        root,
        backend: 'unix:/none',
        limits: { headersTimeout: 300 },
      })
      const [url = ''] = server.addresses
      const clients = slowClients(t, portOf(url), 'GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ', drop)
      assert.equal((await get(`${url}/static.txt`)).status, 200)
      for (const { end } of clients) assert.match(await end, /^HTTP\/1\.1 408 /)
      // Nothing is left that closing would have to wait for.
      assert.equal(await server.close(), 0)
    })
  }

  const uploads = {
    'that stands still': ['', { timeout: 300 }],
    'that crawls': ['x', { timeout: 300, minRate: 10_000 }],
  } as const

  for (const [what, [drop, rules]] of Object.entries(uploads)) {
    for (const mode of ['buffer', 'stream'] as const) {
      test(`an upload ${what} is 408, in mode ${mode}`, LIMIT, async (t) => {
        const site = await chaosSite(t)
        const fpm = await startFpm(t, { workers: 2 })
        const running = await startGateway(t, {
          root: site.root,
          backend: { address: fpm.address, connections: 2 },
          requestBody: { ...rules, mode, directory: site.temporary, memory: 0 },
        })
        const begun =
          'POST /once.php?mark=slow HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nbegun'
        for (const { end } of slowClients(t, running.port, begun, drop)) {
          assert.match(await end, /^HTTP\/1\.1 408 /)
        }
        // Streamed, PHP sees the beginning of it, and nothing that looks like its end.
        if (mode === 'buffer') assert.deepEqual(marksOf(site), [])
        await checkFreed(running, site.temporary)
      })
    }
  }

  for (const path of ['/huge.txt', '/large.php?lines=2000000', '/events.php?size=100000']) {
    test(
      `a client that stops to read ${path} is let go after response.timeout`,
      LIMIT,
      async (t) => {
        const site = await chaosSite(t)
        await writeFile(join(site.root, 'huge.txt'), '')
        await truncate(join(site.root, 'huge.txt'), HUGE)
        const fpm = await startFpm(t, { workers: 2 })
        const running = await startGateway(t, {
          root: site.root,
          backend: { address: fpm.address, connections: 2 },
          response: { timeout: 300, directory: site.temporary, memory: 1000 },
        })
        const clients = Array.from({ length: 2 }, () => {
          return slowClient(t, running.port, `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
        })
        for (const { socket } of clients) socket.pause()
        await until('they are served', () => running.gateway.active === clients.length)
        await until('they are let go', () => running.gateway.active === 0)
        for (const { socket } of clients) socket.resume()
        for (const { end } of clients) {
          const text = await end
          assert.match(text, /^HTTP\/1\.1 200 /)
          assert.ok(!isWhole({ text, end: 'closed' }), 'it was told that all is there')
        }
        await checkFreed(running, site.temporary)
      },
    )
  }
})
