// A fast client beside many slow ones, with few workers of PHP: whoever lets slow readers hold workers has none left for the fast one.

import { setTimeout as sleep } from 'node:timers/promises'
import { startFpm } from './fpm.mjs'
import { interleave, warmUp } from './interleave.mjs'
import { applyLoad, writeRequest } from './load.mjs'
import { resultOf, startServers } from './server-subject.mjs'
import { cpuTime } from './usage.mjs'

const READERS = 200
const READ_RATE = 200_000
const PAGE = 2 * 2 ** 20
const WORKERS = 4
/** s in which the slow readers' answers begin. */
const HEAD_START = 0.5

/** @type {import('./result.mjs').Metric[]} */
const METRICS = [
  { id: 'rate', title: 'requests/s' },
  { id: 'p50', title: 'p50 µs' },
  { id: 'p99', title: 'p99 µs' },
  { id: 'cores', title: 'cores busy', digits: 2 },
  { id: 'read', title: 'slow MB/s', digits: 1 },
]

/**
 * @param {import('./scope.mjs').Scope} scope
 * @param {readonly import('./server-subject.mjs').ServerSubject[]} subjects @param {string} base
 * @param {string} root @param {import('./options.mjs').Options} options
 * @returns {Promise<import('./result.mjs').Section>}
 */
export async function besideSlow(scope, subjects, base, root, { rounds, seconds }) {
  const folder = scope.folder('request')
  const slow = { request: writeRequest(folder, 'slow', { target: '/slow.php' }), length: PAGE }
  const fast = { request: writeRequest(folder, 'fast', { target: '/hello.php' }), length: 13 }
  const { running, failed } = await startServers(scope, subjects, async () => {
    const backend = await startFpm(scope, WORKERS)
    return { root, backend, backendConnections: WORKERS }
  })
  const duration = Math.max(1.5, seconds * 2)
  const measure = async (
    /** @type {import('./server-subject.mjs').RunningServer} */ { pid, port },
  ) => {
    const total = HEAD_START + duration + 0.2
    const readers = { ...slow, connections: READERS, readRate: READ_RATE, seconds: total }
    const reading = applyLoad(port, readers)
    await sleep(HEAD_START * 1000)
    const before = cpuTime(pid)
    const [read, { requests, seconds: took, p50, p99 }] = await Promise.all([
      reading,
      applyLoad(port, { ...fast, connections: WORKERS, seconds: duration }),
    ])
    const cores = (cpuTime(pid) - before) / 1e6 / took
    return { rate: requests / took, p50, p99, cores, read: read.bytes / read.seconds / 1e6 }
  }
  await warmUp(running, ({ port }, warm) =>
    applyLoad(port, { ...fast, connections: WORKERS, seconds: warm }),
  )
  const results = await interleave(running, rounds, measure)
  return {
    id: 'slow-readers',
    title: `${READERS} readers of ${READ_RATE / 1000} KB/s`,
    method: `${READERS} connections take a page of 2 MiB slowly, ${WORKERS} ask for a tiny one in a closed loop; ${WORKERS} workers of php-fpm`,
    base,
    metrics: METRICS,
    subjects: [...running.map((server) => resultOf(server, results.get(server.id))), ...failed],
  }
}
