// What a run of the benchmarks leaves behind: plain data, of which the table, the chart and the page are made.

import { spread } from './stats.mjs'

/**
 * @typedef {object} Metric
 * @property {string} id
 * @property {string} title with its unit
 * @property {number} [digits] behind the point. Default 0
 *
 * @typedef {{ failure?: string } & { [metric: string]: number | string | undefined }} Round
 *
 * @typedef {object} SubjectResult
 * @property {string} id
 * @property {string} title
 * @property {string} [version]
 * @property {boolean} [own] whether it is this project
 * @property {number} [memory] peak, in bytes
 * @property {Round[]} rounds
 *
 * @typedef {object} Section one comparison: subjects that were measured in turns
 * @property {string} id
 * @property {string} title
 * @property {string} method in a sentence: load, connections, rate
 * @property {string} base the subject whose figures of the same round the others are divided by
 * @property {Metric[]} metrics the first is the one that the ratio and the chart are about
 * @property {SubjectResult[]} subjects
 *
 * @typedef {object} Missing
 * @property {string} title
 * @property {string} reason
 *
 * @typedef {object} GroupResult
 * @property {string} name
 * @property {string} title
 * @property {string} when
 * @property {number} rounds
 * @property {number} seconds of one measurement
 * @property {Section[]} sections
 * @property {Missing[]} missing
 */

/** @param {Section | undefined} section @param {string} id */
export function subjectOf(section, id) {
  return section?.subjects.find((subject) => subject.id === id)
}

/** @param {SubjectResult} subject @param {string} metric */
export function figure(subject, metric) {
  return spread(subject.rounds.map((round) => round[metric]).filter(isNumber))
}

/**
 * The figure of one subject divided by that of another in the same round.
 *
 * @param {SubjectResult | undefined} subject @param {SubjectResult | undefined} base @param {string} metric
 */
export function ratio(subject, base, metric) {
  if (!subject || !base) return undefined
  const ratios = subject.rounds.map((round, index) => {
    const [value, of] = [round[metric], base.rounds[index]?.[metric]]
    return isNumber(value) && isNumber(of) && of > 0 ? value / of : undefined
  })
  return spread(ratios.filter(isNumber))
}

/** @param {unknown} value @returns {value is number} */
function isNumber(value) {
  return typeof value === 'number'
}
