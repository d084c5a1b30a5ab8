// A client in a process of its own: `main.mjs KIND`. Each line on stdin is a run, `CONNECTIONS SECONDS RATE`, and is answered by a line of
// JSON. Runs with the same number share their connections. `idle CONNECTIONS` opens connections, uses each once, and keeps them.

import process from 'node:process'
import { createInterface } from 'node:readline'
import { holdIdle } from './idle.mjs'
import { closedLoop, openLoop } from './lanes.mjs'
import { setup } from './setup.mjs'

/** @type {Record<string, () => Promise<(setup: import('./setup.mjs').Setup, connections: number) => import('./lanes.mjs').Requester | Promise<import('./lanes.mjs').Requester>>>} */
const KINDS = {
  floor: async () => (await import('./floor.mjs')).floor,
  dispatch: async () => (await import('./pools.mjs')).dispatch,
  execute: async () => (await import('./pools.mjs')).execute,
  other: async () => (await import('./pools.mjs')).other,
  prepared: async () => (await import('./pools.mjs')).prepared,
  npm: async () => (await import('./npm-peer.mjs')).npmPeer,
}

/** @param {string} line */
async function run(line) {
  const [first = '', ...rest] = line.split(' ')
  if (first === 'idle') return holdIdle(given, Number(rest[0]))
  const [seconds = 1, rate = 0] = rest.map(Number)
  const connections = Number(first)
  const requester = await requesterFor(connections)
  if (rate > 0) return openLoop(requester, connections, seconds, rate)
  return closedLoop(requester, connections, seconds)
}

/** @type {{ connections: number, requester: import('./lanes.mjs').Requester } | undefined} */
let current

/** @param {number} connections */
async function requesterFor(connections) {
  if (current?.connections !== connections) {
    await current?.requester.close()
    current = { connections, requester: await create(given, connections) }
  }
  return current.requester
}

const kind = KINDS[process.argv[2] ?? '']
if (!kind) throw new TypeError(`a kind of client is one of ${Object.keys(KINDS).join(', ')}`)
const given = setup()
const create = await kind()
for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await run(line)))
}
await current?.requester.close()
