// What a file imports, in every way a file can: values, types, re-exports, `import('x')`, require.

/**
 * @typedef {import('./tokens.mjs').Token} Token
 * @typedef {object} Import
 * @property {string | undefined} from what is imported; undefined when it is computed
 * @property {number} line
 * @property {boolean} [optional] true when the program goes on where there is no such module
 */

/** Calls that import by a string. */
const CALLS = new Set(['import', 'require', 'getBuiltinModule'])

/**
 * @param {Token[]} tokens
 * @returns {Import[]}
 */
export function importsOf(tokens) {
  return tokens.flatMap((token, at) => {
    if (token.kind !== 'word') return []
    const found = called(tokens, at) ?? declared(tokens, at)
    if (!found) return []
    const optional = token.text === 'getBuiltinModule'
    return [{ from: found.from, line: token.line, ...(optional && { optional }) }]
  })
}

/**
 * `import('x')`, as a value or in a type, `require('x')`, `process.getBuiltinModule('x')`.
 * @param {Token[]} tokens
 * @param {number} at
 */
function called(tokens, at) {
  const name = tokens[at]?.text ?? ''
  if (!CALLS.has(name)) return undefined
  // `process.getBuiltinModule?.('x')`
  const open = tokens[at + 1]?.text === '?' && tokens[at + 2]?.text === '.' ? at + 3 : at + 1
  if (tokens[open]?.text !== '(') return undefined
  if (name !== 'getBuiltinModule' && tokens[at - 1]?.text === '.') return undefined
  const argument = tokens[open + 1]
  return { from: argument?.kind === 'string' ? argument.text : undefined }
}

/**
 * `import … from 'x'`, `import 'x'`, `export … from 'x'`.
 * @param {Token[]} tokens
 * @param {number} at
 */
function declared(tokens, at) {
  const keyword = tokens[at]?.text
  const previous = tokens[at - 1]?.text
  if (previous === '.' || previous === '@') return undefined
  if (keyword === 'import') {
    const next = tokens[at + 1]
    if (next?.kind === 'string') return { from: next.text }
    // `import.meta`, or a property called import
    return next?.text === '.' || next?.text === ':' ? undefined : from(tokens, at + 1)
  }
  if (keyword !== 'export') return undefined
  const start = tokens[at + 1]?.text === 'type' ? at + 2 : at + 1
  const clause = tokens[start]?.text
  return clause === '{' || clause === '*' ? from(tokens, start) : undefined
}

/** Tokens an import or export clause is made of, besides names. */
const CLAUSE = new Set(['{', '}', ',', '*'])

/**
 * The module a clause ends with, if it has one.
 * @param {Token[]} tokens
 * @param {number} start
 */
function from(tokens, start) {
  for (let at = start; at < tokens.length; at++) {
    const token = tokens[at]
    const next = tokens[at + 1]
    if (token?.text === 'from' && next?.kind === 'string') return { from: next.text }
    if (token?.kind !== 'word' && !CLAUSE.has(token?.text ?? '')) return undefined
    // `export { a }` without `from`: the next statement is no part of it.
    if (token?.text === '}' && next?.text !== 'from') return undefined
  }
  return undefined
}
