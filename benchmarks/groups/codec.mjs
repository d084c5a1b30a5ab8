// Records in memory: bytes to records and back, without a socket.

import { drive } from '../lib/driven.mjs'
import { interleave } from '../lib/interleave.mjs'
import { paramLines } from '../lib/params.mjs'
import { subjectFile } from '../lib/paths.mjs'
import { runtimes } from '../lib/runtimes.mjs'
import { peakMemory } from '../lib/usage.mjs'

export const title = 'Codec'

/** @type {import('../lib/result.mjs').Metric[]} */
const METRICS = [
  { id: 'decodeSmall', title: 'decode 256 B records, MB/s' },
  { id: 'decode', title: 'decode 64 KiB records, MB/s' },
  { id: 'encode', title: 'encode stdin, MB/s' },
  { id: 'params', title: 'encode requests of 20 params, MB/s' },
]

/**
 * @param {import('../lib/scope.mjs').Scope} scope @param {import('../lib/options.mjs').Options} options
 */
export async function run(scope, { rounds, seconds }) {
  const all = Object.values(runtimes)
  const missing = all
    .map((runtime) => ({ title: runtime.title, reason: runtime.missing() ?? '' }))
    .filter(({ reason }) => reason !== '')
  const subjects = all
    .filter((runtime) => runtime.missing() === undefined)
    .map(({ id, title: name, program = '', args }) => {
      const env = { PARAMS: paramLines() }
      const driven = drive(scope, {
        file: program,
        args: [...args, subjectFile('codec.mjs')],
        env,
      })
      return Object.assign(driven, { id, title: name })
    })
  const each = seconds / 5
  await interleave(subjects, 1, ({ ask }) => ask(`${each}`))
  const results = await interleave(subjects, rounds, ({ ask }) => ask(`${each}`))
  /** @type {import('../lib/result.mjs').Section} */
  const section = {
    id: 'codec',
    title: 'in memory',
    method: 'one thread; megabytes on the wire in a second',
    base: runtimes.node.id,
    metrics: METRICS,
    subjects: subjects.map((subject) => ({
      id: subject.id,
      title: subject.title,
      memory: peakMemory(subject.pid),
      rounds: results.get(subject.id) ?? [],
    })),
  }
  return { sections: [section], missing }
}
