// Thousands of requests of every kind, many of them given up: nothing of them stays.

import assert from 'node:assert/strict'
import { readdirSync, readlinkSync } from 'node:fs'
import { connect } from 'node:net'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { Pool } from '@fastcgi/client'
import { ask, chaosSite, linesOf, upload, type ChaosSite } from '../support/chaos.ts'
import { startFpm } from '../support/fpm.ts'
import { startGateway, type RunningGateway } from '../support/gateway.ts'
import { until } from '../support/process.ts'

const REQUESTS = 2000
const CLIENTS = 20
const MAX_UPLOAD = 300_000

/** Sends bytes, and goes away once it has been answered with `when`, or at once. */
function giveUp(port: number, bytes: string, when: string, reset: boolean): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    let text = ''
    const go = (): void => {
      if (reset) socket.resetAndDestroy()
      else socket.destroy()
    }
    socket.on('error', () => {})
    socket.on('close', () => resolve())
    socket.write(bytes, () => when === '' && go())
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
      if (text.includes(when)) go()
    })
  })
}

type Kind = (running: RunningGateway, mark: number) => Promise<unknown>

async function asked(how: RegExp, request: ReturnType<typeof ask>): Promise<void> {
  assert.match((await request).how, how)
}

const head = (line: string, ...more: string[]): string =>
  [`${line} HTTP/1.1`, 'Host: a', ...more, '', ''].join('\r\n')
const post = head('POST /once.php?mark=cut', 'Content-Length: 200000')
const late = [
  ['GET /lines.php?li', ''],
  [head('GET /slow.php'), ''],
  [head('GET /large.php?lines=100000'), 'all lines'],
  [head('GET /large.txt'), 'all lines'],
  [head('GET /events.php?size=3'), 'data: '],
  [post, ''],
  [`${post}${'x'.repeat(100_000)}`, ''],
  [
    head('POST /once.php?mark=cut', 'Content-Length: 200000', 'Expect: 100-continue'),
    '100 Continue',
  ],
  [head('POST /slow.php', 'Transfer-Encoding: chunked') + '5\r\nhello\r\n', ''],
] as const

const KINDS: readonly Kind[] = [
  ({ url }) => ask(url, { path: '/static.txt', expected: linesOf(2000) }),
  ({ url }) => ask(url, { path: '/lines.php?lines=50', expected: linesOf(50) }),
  ({ url }, mark) => ask(url, upload(`m${mark}`, 1000)),
  // In a file on its way.
  ({ url }, mark) => ask(url, upload(`m${mark}`, 100_000)),
  ({ url }) => asked(/^404/, ask(url, { path: '/none.txt', expected: '' })),
  ({ url }, mark) => ask(url, upload(`m${mark}`, MAX_UPLOAD + 1000)),
  ({ url }) => asked(/^502$/, ask(url, { path: '/dies.php', expected: '' })),
  ...late.flatMap(([bytes, when]) => [
    ({ port }: RunningGateway) => giveUp(port, bytes, when, false),
    ({ port }: RunningGateway) => giveUp(port, bytes, when, true),
  ]),
]

async function run(running: RunningGateway, requests: number): Promise<void> {
  let count = 0
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      while (count < requests) {
        const at = count++
        await KINDS[at % KINDS.length]!(running, at)
      }
    }),
  )
}

/** Everything that the process has open, by what it is. */
function open(): Record<string, number> {
  const counts: Record<string, number> = {}
  const descriptors = readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`).replace(/\d+/g, 'N')]
    } catch {
      // That of the directory itself.
      return []
    }
  })
  for (const name of [...descriptors, ...process.getActiveResourcesInfo()]) {
    counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}

async function untilQuiet({ gateway }: RunningGateway, { temporary }: ChaosSite): Promise<void> {
  const { executor } = gateway.backends[0]!
  assert.ok(executor instanceof Pool)
  const idle = { connected: 0, connecting: 0, idle: 0, queued: 0, running: 0 }
  await until('no request is left', () => gateway.active === 0)
  await until('the pool is empty', () => {
    return Object.values(executor.stats).every((count) => count === 0)
  })
  assert.deepEqual(executor.stats, idle)
  assert.deepEqual(readdirSync(temporary), [])
}

test(
  'after 2,000 requests of every kind, everything is as it was',
  { timeout: 60_000 },
  async (t) => {
    const site = await chaosSite(t)
    const fpm = await startFpm(t, { workers: 4 })
    const running = await startGateway(t, {
      root: site.root,
      backend: { address: fpm.address, connections: 4, keepAliveTimeout: 100 },
      frontController: false,
      requestBody: { directory: site.temporary, memory: 10_000, maxSize: MAX_UPLOAD },
      response: { directory: site.temporary, memory: 10_000 },
    })
    await run(running, KINDS.length)
    await untilQuiet(running, site)
    const before = open()
    await run(running, REQUESTS)
    await untilQuiet(running, site)
    await until('as much is open as before', () => isDeepStrictEqual(open(), before)).catch(() =>
      assert.deepEqual(open(), before),
    )
  },
)
