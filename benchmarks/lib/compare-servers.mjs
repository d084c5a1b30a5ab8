// One comparison of servers: each with a backend of its own, all running, one measured at a time.

import { interleave, warmUp } from './interleave.mjs'
import { latency, throughput } from './load.mjs'
import { resultOf, startServers } from './server-subject.mjs'

/** @type {import('./result.mjs').Metric[]} */
const CLOSED = [
  { id: 'rate', title: 'requests/s' },
  { id: 'cpu', title: 'CPU µs/request', digits: 1 },
  { id: 'busy', title: 'cores busy', digits: 2 },
]
/** @type {import('./result.mjs').Metric[]} */
const OPEN = [
  { id: 'p50', title: 'p50 µs' },
  { id: 'p99', title: 'p99 µs' },
  { id: 'p999', title: 'p99.9 µs' },
]

/**
 * @typedef {object} Comparison
 * @property {string} id
 * @property {string} title
 * @property {string} base
 * @property {string} root
 * @property {(scope: import('./scope.mjs').Scope, subject: import('./server-subject.mjs').ServerSubject) => Promise<string>} backend
 *   gives the socket that a subject asks
 * @property {import('./load.mjs').Load} load
 * @property {import('./load.mjs').Load} [warming] the load before it counts, where the other one is too slow to warm a compiler up. Default load
 * @property {number} [rate] of the open loop, in requests a second; without one there is none
 * @property {number} [backendConnections]
 * @property {'rate' | 'cpu'} [main] the figure that the ratio is about. Default rate
 */

/**
 * @param {import('./scope.mjs').Scope} scope
 * @param {readonly (import('./server-subject.mjs').ServerSubject & { load?: Partial<import('./load.mjs').Load> })[]} subjects
 *   with whatever is special about the load of one
 * @param {Comparison} comparison
 * @param {import('./options.mjs').Options} options
 * @returns {Promise<import('./result.mjs').Section>}
 */
export async function compareServers(scope, subjects, comparison, { rounds, seconds }) {
  const { load, rate, root, backendConnections, warming = load, main = 'rate' } = comparison
  const timed = { ...load, connections: load.connections ?? 16, seconds }
  const { running, failed } = await startServers(scope, subjects, async (subject) => {
    const backend = await comparison.backend(scope, subject)
    return { root, backend, backendConnections }
  })
  await warmUp(running, (server, warm) =>
    throughput(server, { ...timed, ...warming, ...server.load, seconds: warm }),
  )
  const results = await interleave(running, rounds, async (server) => ({
    ...(await throughput(server, { ...timed, ...server.load })),
    ...(rate === undefined ? {} : await latency(server, { ...timed, ...server.load, rate })),
  }))
  const closed = `${timed.connections} connections; requests/s and CPU in a closed loop`
  const open = rate === undefined ? '' : `, latencies at ${rate} requests/s in an open loop`
  const metrics = rate === undefined ? CLOSED : [...CLOSED, ...OPEN]
  return {
    id: comparison.id,
    title: comparison.title,
    method: closed + open,
    base: comparison.base,
    metrics: metrics.toSorted((a, b) => Number(b.id === main) - Number(a.id === main)),
    subjects: [...running.map((server) => resultOf(server, results.get(server.id))), ...failed],
  }
}
