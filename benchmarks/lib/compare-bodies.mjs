// One large body at a time through one connection: throughput, and how much memory it takes while it passes.

import { subjectFile } from './paths.mjs'
import { drive } from './driven.mjs'
import { interleave } from './interleave.mjs'
import { cpuTime, memory, peakMemory, resetPeak } from './usage.mjs'
import { environment } from '../subjects/clients.mjs'

const MIB = 2 ** 20

/** @type {import('./result.mjs').Metric[]} */
const METRICS = [
  { id: 'rate', title: 'MiB/s' },
  { id: 'cpu', title: 'CPU ms/GiB' },
  { id: 'growth', title: 'growth MiB', digits: 1 },
]

/**
 * @param {import('./scope.mjs').Scope} scope
 * @param {{ id: string, title: string, kinds: Record<string, string>, target: import('../subjects/clients.mjs').Target, bytes: number }} comparison
 *   the first of the kinds is the floor
 * @param {number} rounds
 * @returns {Promise<import('./result.mjs').Section>}
 */
export async function compareBodies(scope, { id, title, kinds, target, bytes }, rounds) {
  const subjects = Object.entries(kinds).map(([kind, name]) => {
    const args = [subjectFile('bodies/main.mjs'), kind]
    const driven = drive(scope, { file: process.execPath, args, env: environment(target) })
    return Object.assign(driven, { id: kind, title: name })
  })
  const transfer = async (/** @type {typeof subjects[number]} */ { pid, ask }) => {
    const before = { cpu: cpuTime(pid), memory: memory(pid) }
    resetPeak(pid)
    const { seconds } = await ask(`${bytes}`)
    return {
      rate: bytes / MIB / seconds,
      cpu: ((cpuTime(pid) - before.cpu) / 1000) * (1024 * (MIB / bytes)),
      growth: (peakMemory(pid) - before.memory) / MIB,
    }
  }
  await interleave(subjects, 1, transfer)
  const results = await interleave(subjects, rounds, transfer)
  return {
    id,
    title,
    method: `${bytes / MIB} MiB over one connection; growth is the peak of memory beyond what was in use`,
    base: Object.keys(kinds)[0] ?? '',
    metrics: METRICS,
    subjects: subjects.map(({ id: kind, title: name }) => ({
      id: kind,
      title: name,
      own: !kind.startsWith('raw'),
      rounds: results.get(kind) ?? [],
    })),
  }
}
