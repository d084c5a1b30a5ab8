/**
 * @typedef {object} Spread
 * @property {number} median
 * @property {number} min
 * @property {number} max
 */

/** @param {readonly number[]} values @returns {Spread | undefined} none of no values */
export function spread(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const min = sorted[0]
  const max = sorted.at(-1)
  const low = sorted[(sorted.length - 1) >> 1]
  const high = sorted[sorted.length >> 1]
  if (min === undefined || max === undefined || low === undefined || high === undefined)
    return undefined
  return { median: (low + high) / 2, min, max }
}
