// What a client is told by its environment, whatever runtime it is on.

/**
 * @typedef {object} Setup
 * @property {string} socket
 * @property {Record<string, string>} params
 * @property {Record<string, string>} constantParams those that are the same for every request
 * @property {Record<string, string>} ownParams the others
 * @property {number} length of the stdout that each answer has
 * @property {number} answerLength of the whole answer on the wire
 */

/** @returns {Setup} */
export function setup() {
  const entries = variable('PARAMS')
    .split('\n')
    .map((line) => line.split(/=(.*)/s).slice(0, 2))
  const constant = Number(variable('CONSTANT_COUNT'))
  const length = Number(variable('LENGTH'))
  return {
    socket: variable('SOCKET'),
    params: Object.fromEntries(entries),
    constantParams: Object.fromEntries(entries.slice(0, constant)),
    ownParams: Object.fromEntries(entries.slice(constant)),
    length,
    // A record of stdout with its padding, the end of stdout, END_REQUEST.
    answerLength: 8 + Math.ceil(length / 8) * 8 + 8 + 16,
  }
}

/** @param {string} name */
function variable(name) {
  const value = process.env[name]
  if (value === undefined) throw new Error(`${name} is not set`)
  return value
}
