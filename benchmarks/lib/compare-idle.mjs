// What an open connection costs that nobody uses: the growth of resident memory, divided by their number.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { drive } from './driven.mjs'
import { interleave } from './interleave.mjs'
import { applyLoad, loadArguments } from './load.mjs'
import { nativeProgram } from './native.mjs'
import { startServer } from './server-subject.mjs'
import { memory } from './usage.mjs'

const SERVER_CONNECTIONS = 1000
const CLIENT_CONNECTIONS = 500

/** @type {import('./result.mjs').Metric[]} */
const METRICS = [{ id: 'each', title: 'KiB/connection', digits: 1 }]

/**
 * @typedef {object} IdleComparison
 * @property {readonly import('./server-subject.mjs').ServerSubject[]} servers
 * @property {import('../subjects/clients.mjs').ClientSubject} client
 * @property {string} base
 * @property {{ root: string, backend: string }} site
 * @property {import('./load.mjs').Load} load
 * @property {import('../subjects/clients.mjs').Target} target
 */

/**
 * @param {import('./scope.mjs').Scope} scope @param {IdleComparison} comparison @param {number} rounds
 * @returns {Promise<import('./result.mjs').Section>}
 */
export async function compareIdle(scope, { servers, client, base, site, load, target }, rounds) {
  const subjects = [
    ...servers.map(({ id, title }) => ({ id, title })),
    { id: client.id, title: `${client.title} of the client, to its backend` },
  ]
  const results = await interleave(subjects, rounds, ({ id }) =>
    scope.within(async (own) => {
      const server = servers.find((each) => each.id === id)
      if (!server) return { each: await idleClient(own, client, target) }
      return { each: await idleServer(await startServer(own, server, site), load) }
    }),
  )
  return {
    id: 'idle-memory',
    title: 'Memory of an idle connection',
    method: `${SERVER_CONNECTIONS} connections of HTTP, ${CLIENT_CONNECTIONS} of the client, each used once; in a new process for each round`,
    base,
    metrics: METRICS,
    subjects: subjects.map(({ id, title }) => ({ id, title, rounds: results.get(id) ?? [] })),
  }
}

/** @param {{ pid: number, port: number }} server @param {import('./load.mjs').Load} load */
async function idleServer({ pid, port }, load) {
  // What compilers and caches take once is not the connections'.
  await applyLoad(port, { ...load, connections: 64, seconds: 0.5 })
  const before = memory(pid)
  const options = [...loadArguments(port, { ...load, connections: SERVER_CONNECTIONS }), 'hold=1']
  const child = spawn(nativeProgram('load'), options, { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(child, 'close')
  try {
    const first = await Promise.race([once(child.stdout, 'data'), ended])
    if (!String(first[0]).startsWith('ready')) throw new Error('not every connection was answered')
    return (memory(pid) - before) / 1024 / SERVER_CONNECTIONS
  } finally {
    child.stdin.end()
    await ended
  }
}

/**
 * @param {import('./scope.mjs').Scope} scope
 * @param {import('../subjects/clients.mjs').ClientSubject} client @param {import('../subjects/clients.mjs').Target} target
 */
async function idleClient(scope, client, target) {
  const command = client.command(target)
  const { pid, ask } = drive(scope, { ...command, args: ['--expose-gc', ...(command.args ?? [])] })
  await ask('16 0.5')
  await ask('idle 1')
  const before = memory(pid)
  const { connected } = await ask(`idle ${CLIENT_CONNECTIONS}`)
  return (memory(pid) - before) / 1024 / connected
}
