import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const BENCHMARKS = dirname(dirname(fileURLToPath(import.meta.url)))
/** The tree whose packages are measured. */
export const ROOT = dirname(BENCHMARKS)

/** @param {string} name a start file in subjects/ */
export function subjectFile(name) {
  return join(BENCHMARKS, 'subjects', name)
}
