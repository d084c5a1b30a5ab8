// Rounds: every subject is measured once in each, so that whatever else the machine does meets all of them.

/**
 * The order moves on by one with each round: nobody always follows the same neighbour. A failure is a result of its round; it does not
 * end the others.
 *
 * @template {{ id: string, title: string }} S
 * @param {readonly S[]} subjects
 * @param {number} rounds
 * @param {(subject: S) => Promise<import('./result.mjs').Round>} measure
 * @returns {Promise<Map<string, import('./result.mjs').Round[]>>} the rounds by the subject's id
 */
export async function interleave(subjects, rounds, measure) {
  /** @type {Map<string, import('./result.mjs').Round[]>} */
  const results = new Map(subjects.map(({ id }) => [id, []]))
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < subjects.length; turn++) {
      const subject = subjects[(round + turn) % subjects.length]
      if (subject === undefined) continue
      const result = await measure(subject).catch((error) => ({ failure: messageOf(error) }))
      results.get(subject.id)?.push(result)
    }
  }
  return results
}

/** s: compilers of the runtimes need about so long until nothing changes any more. */
const WARM_UP = 1

/**
 * Lets every subject work for a while before it counts, in two turns, since compilers go on in the background.
 *
 * @template {{ id: string, title: string }} S
 * @param {readonly S[]} subjects
 * @param {(subject: S, seconds: number) => Promise<unknown>} work
 */
export async function warmUp(subjects, work) {
  // What fails here fails in every round, and is told there.
  await interleave(subjects, 2, (subject) => work(subject, WARM_UP / 2).then(() => ({})))
}

/** @param {unknown} error */
function messageOf(error) {
  return error instanceof Error ? error.message : String(error)
}
