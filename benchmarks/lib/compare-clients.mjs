// One comparison of clients: each in a process of its own, all asking the same responder, one at a time.

import { drive } from './driven.mjs'
import { interleave, warmUp } from './interleave.mjs'
import { cpuTime, peakMemory } from './usage.mjs'

/** @type {import('./result.mjs').Metric[]} */
const METRICS = [
  { id: 'cpu', title: 'CPU µs/request', digits: 2 },
  { id: 'rate', title: 'requests/s' },
  { id: 'busy', title: 'cores busy', digits: 2 },
  { id: 'p50', title: 'p50 µs' },
  { id: 'p99', title: 'p99 µs' },
  { id: 'p999', title: 'p99.9 µs' },
]

/**
 * @typedef {object} ClientComparison
 * @property {string} id
 * @property {string} title
 * @property {string} base
 * @property {import('../subjects/clients.mjs').Target} target
 * @property {number} connections
 * @property {number} [rate] of an open loop, in requests a second, for the latencies. Without it they are those of the closed loop
 * @property {'cpu' | 'p50'} [main] the figure that the ratio is about. Default cpu
 */

/**
 * @param {import('./scope.mjs').Scope} scope
 * @param {readonly (import('../subjects/clients.mjs').ClientSubject & { connections?: number })[]} subjects
 * @param {ClientComparison} comparison
 * @param {import('./options.mjs').Options} options
 * @returns {Promise<import('./result.mjs').Section>}
 */
export async function compareClients(scope, subjects, comparison, { rounds, seconds }) {
  const { id, title, base, target, connections, rate = 0, main = 'cpu' } = comparison
  const driven = subjects.map((subject) => ({
    ...subject,
    ...drive(scope, subject.command(target)),
  }))
  const lanes = (/** @type {{ connections?: number }} */ subject) =>
    subject.connections ?? connections
  await warmUp(driven, (subject, warm) => subject.ask(`${lanes(subject)} ${warm}`))
  const results = await interleave(driven, rounds, async (subject) => {
    const { pid, ask, openLoop } = subject
    const own = lanes(subject)
    const before = cpuTime(pid)
    const run = await ask(`${own} ${seconds}`)
    const cpu = cpuTime(pid) - before
    const timed = rate === 0 ? run : openLoop ? await ask(`${own} ${seconds} ${rate}`) : {}
    return {
      rate: run.requests / run.seconds,
      cpu: cpu / run.requests,
      busy: cpu / 1e6 / run.seconds,
      p50: timed.p50,
      p99: timed.p99,
      p999: timed.p999,
    }
  })
  const latencies = rate > 0 ? `at ${rate} requests/s in an open loop` : 'of the same loop'
  return {
    id,
    title,
    method: `${connections} connection(s) in a closed loop; latencies ${latencies}`,
    base,
    metrics: METRICS.toSorted((a, b) => Number(b.id === main) - Number(a.id === main)),
    subjects: driven.map((subject) => ({
      id: subject.id,
      title: subject.title,
      version: subject.version(),
      own: subject.own,
      memory: peakMemory(subject.pid),
      rounds: results.get(subject.id) ?? [],
    })),
  }
}
