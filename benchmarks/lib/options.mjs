// The command line.

import { parseArgs } from 'node:util'

/**
 * @typedef {object} Options
 * @property {string[]} groups
 * @property {number} rounds
 * @property {number} seconds of one measurement
 * @property {boolean} peers whether they are measured, too
 */

/**
 * @param {readonly string[]} args @param {readonly string[]} known names of the groups
 * @returns {Options}
 * @throws {TypeError} that says what is wrong
 */
export function parseOptions(args, known) {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '0.5' },
      peers: { type: 'string', default: 'all' },
    },
  })
  const unknown = positionals.filter((name) => !known.includes(name))
  if (unknown.length > 0) {
    throw new TypeError(`no group is called ${unknown.join(', ')}; there are ${known.join(', ')}`)
  }
  if (!['all', 'none'].includes(values.peers)) {
    throw new TypeError(`--peers takes all or none, not ${values.peers}`)
  }
  return {
    groups: positionals.length > 0 ? positionals : [...known],
    rounds: positive('--rounds', values.rounds, Number.isInteger),
    seconds: positive('--seconds', values.seconds, Number.isFinite),
    peers: values.peers === 'all',
  }
}

/** @param {string} name @param {string} text @param {(value: number) => boolean} fits */
function positive(name, text, fits) {
  const value = Number(text)
  if (value > 0 && fits(value)) return value
  throw new TypeError(`${name} takes a number above 0, not ${text}`)
}
