// The command line.

import { parseArgs } from 'node:util'

/**
 * @typedef {object} Options
 * @property {string[]} groups
 * @property {number} rounds
 * @property {number} seconds of one measurement
 * @property {boolean} peers whether they are measured, too
 * @property {boolean} docs whether the page of the docs is written
 */

const KNOWN = /** @type {const} */ ({
  rounds: { type: 'string', default: '5' },
  seconds: { type: 'string', default: '0.4' },
  peers: { type: 'string', default: 'all' },
  docs: { type: 'boolean', default: false },
})

/**
 * @param {readonly string[]} args @param {readonly string[]} known names of the groups
 * @returns {Options}
 * @throws {TypeError} that says what is wrong
 */
export function parseOptions(args, known) {
  const { options, positionals } = parse(args)
  const unknown = positionals.filter((name) => !known.includes(name))
  if (unknown.length > 0) {
    throw new TypeError(`no group is called ${unknown.join(', ')}; there are ${known.join(', ')}`)
  }
  return { ...options, groups: positionals.length > 0 ? positionals : [...known] }
}

/**
 * @param {readonly string[]} args
 * @returns {Options & { revisions: string[] }} two revisions
 * @throws {TypeError} that says what is wrong
 */
export function parseComparison(args) {
  const { options, positionals } = parse(args)
  if (new Set(positionals).size === 2 && positionals.length === 2)
    return { ...options, revisions: positionals }
  throw new TypeError(
    `bench:compare takes two revisions, such as main HEAD, not '${positionals.join(' ')}'`,
  )
}

/**
 * What a command line says; one that says what there is not ends the process with a message.
 *
 * @template T
 * @param {() => T} read
 * @returns {T}
 */
export function fromCommandLine(read) {
  try {
    return read()
  } catch (error) {
    console.error(error instanceof TypeError ? error.message : error)
    return process.exit(2)
  }
}

/** @param {readonly string[]} args @returns {{ options: Options, positionals: string[] }} */
function parse(args) {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: KNOWN,
  })
  if (!['all', 'none'].includes(values.peers)) {
    throw new TypeError(`--peers takes all or none, not ${values.peers}`)
  }
  const options = {
    groups: [],
    rounds: positive('--rounds', values.rounds, Number.isInteger),
    seconds: positive('--seconds', values.seconds, Number.isFinite),
    peers: values.peers === 'all',
    docs: values.docs,
  }
  return { options, positionals }
}

/** @param {string} name @param {string} text @param {(value: number) => boolean} fits */
function positive(name, text, fits) {
  const value = Number(text)
  if (value > 0 && fits(value)) return value
  throw new TypeError(`${name} takes a number above 0, not ${text}`)
}
