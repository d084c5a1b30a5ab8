// The names a compiled door offers, read from its .d.ts and those it re-exports.

import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { tokenize } from './tokens.mjs'

/**
 * @typedef {import('./tokens.mjs').Token} Token
 * @typedef {{ values: Set<string>, types: Set<string> }} Names
 */

/** Words that begin a declaration, and whether it exists when the program runs. */
const DECLARES = /** @type {Record<string, keyof Names>} */ ({
  const: 'values',
  let: 'values',
  var: 'values',
  function: 'values',
  class: 'values',
  namespace: 'values',
  interface: 'types',
  type: 'types',
})

/**
 * @param {string} door a .d.ts file
 * @returns {{ values: string[], types: string[] }} sorted; what is both is a value
 */
export function declaredNames(door) {
  const names = collect(door, new Set())
  const types = [...names.types].filter((name) => !names.values.has(name))
  return { values: [...names.values].toSorted(), types: types.toSorted() }
}

/**
 * @param {string} file
 * @param {Set<string>} seen against circles of `export *`
 * @returns {Names}
 */
function collect(file, seen) {
  /** @type {Names} */
  const names = { values: new Set(), types: new Set() }
  if (seen.has(file) || !existsSync(file)) return names
  seen.add(file)
  const tokens = tokenize(readFileSync(file, 'utf8'))
  for (const [at, { kind, text }] of tokens.entries()) {
    if (kind !== 'word' || text !== 'export') continue
    const next = tokens[at + 1]?.text
    const isClause = tokens[at + 2]?.text === '{'
    if (next === '{') listed(tokens, at + 2, 'values', names)
    else if (next === 'type' && isClause) listed(tokens, at + 3, 'types', names)
    else if (next === '*') starred(tokens, at + 2, file, names, seen)
    else if (next === 'default') names.values.add('default')
    else declaration(tokens, at + 1, names)
  }
  return names
}

/**
 * `{ a, type B, c as d }`
 * @param {Token[]} tokens
 * @param {number} start after the brace
 * @param {keyof Names} kind of those that are not marked `type`
 * @param {Names} names
 */
function listed(tokens, start, kind, names) {
  /** @type {string[]} */
  let words = []
  for (let at = start; at < tokens.length; at++) {
    const text = tokens[at]?.text ?? ''
    if (text !== ',' && text !== '}') {
      words.push(text)
      continue
    }
    const isType = words[0] === 'type' && words.length > 1 && words[1] !== 'as'
    const name = words.at(-1)
    if (name) names[isType ? 'types' : kind].add(name)
    words = []
    if (text === '}') return
  }
}

/**
 * `* from './x.ts'` and `* as name from './x.ts'`
 * @param {Token[]} tokens
 * @param {number} at after the star
 * @param {string} file
 * @param {Names} names
 * @param {Set<string>} seen
 */
function starred(tokens, at, file, names, seen) {
  if (tokens[at]?.text === 'as') {
    names.values.add(tokens[at + 1]?.text ?? '')
    return
  }
  const from = tokens[at + 1]?.text ?? ''
  const target = join(dirname(file), from.replace(/(?<!\.d)\.[jt]s$/, '.d.ts'))
  const inner = collect(target, seen)
  for (const name of inner.values) names.values.add(name)
  for (const name of inner.types) names.types.add(name)
}

/**
 * `declare const a`, `declare abstract class B`, `interface C`
 * @param {Token[]} tokens
 * @param {number} start
 * @param {Names} names
 */
function declaration(tokens, start, names) {
  for (let at = start; at < start + 4; at++) {
    const kind = DECLARES[tokens[at]?.text ?? '']
    const name = tokens[at + 1]
    if (!kind || name?.kind !== 'word') continue
    names[kind].add(name.text)
    return
  }
}
