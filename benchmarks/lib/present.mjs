// Who can be measured here, and who cannot and why. Nobody is left out silently.

/**
 * @template {{ title: string, peer: boolean, missing: () => string | undefined }} S
 * @param {readonly S[]} subjects
 * @param {{ peers: boolean }} options
 * @returns {{ present: S[], missing: import('./result.mjs').Missing[] }}
 */
export function present(subjects, { peers }) {
  /** @type {S[]} */
  const there = []
  /** @type {import('./result.mjs').Missing[]} */
  const missing = []
  for (const subject of subjects) {
    const reason = subject.peer && !peers ? 'left out by --peers none' : subject.missing()
    if (reason === undefined) there.push(subject)
    else missing.push({ title: subject.title, reason })
  }
  return { present: there, missing }
}
