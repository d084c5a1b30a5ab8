// Checks of options that more than one part of a site has. What they throw names the field: `index[1] must be …`.

import { nearest } from './nearest.ts'

/** @throws TypeError unless the value is a list of texts, each of which is what it must be. */
export function checkList(
  field: string,
  value: unknown,
  must: string,
  isRight: (text: string) => boolean,
): readonly string[] {
  if (!Array.isArray(value)) {
    throw new TypeError(`${field} must be a list, not ${shown(value)}: each item is ${must}`)
  }
  const items: readonly unknown[] = value
  return items.map((item, index) => checkText(`${field}[${index}]`, item, must, isRight))
}

/** @throws TypeError unless the value is a text that is what it must be. */
export function checkText(
  field: string,
  value: unknown,
  must: string,
  isRight: (text: string) => boolean,
): string {
  if (typeof value === 'string' && isRight(value)) return value
  throw new TypeError(`${field} must be ${must}, not ${shown(value)}`)
}

/** @throws TypeError unless the value is `true` or `false`. */
export function checkFlag(field: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value
  throw new TypeError(`${field} must be true or false, not ${shown(value)}`)
}

/** @throws TypeError on names that are not among the known ones. */
export function checkNames(owner: string, value: unknown, names: readonly string[]): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TypeError(`${owner} must be an object of options, not ${shown(value)}`)
  }
  const unknown = Object.keys(value).find((name) => !names.includes(name))
  if (unknown === undefined) return
  throw new TypeError(`${owner} has no option ${shown(unknown)}; it takes ${names.join(', ')}`)
}

/** A pattern of `path-patterns.ts`. */
export const PATTERN = 'a pattern for paths, such as /private/** or *.sql'

export function isPattern(value: string): boolean {
  return value !== '' && !isUnclean(value)
}

/** A path below the root that means nothing else on the way: no `.`, `..`, repeated slash, backslash or control character. */
export function isCleanPath(path: string): boolean {
  return path.startsWith('/') && !isUnclean(path)
}

function isUnclean(path: string): boolean {
  // eslint-disable-next-line no-control-regex -- control characters are what it looks for
  return /[\x00-\x1f\x7f\\]|\/\/|(?:^|\/)\.{1,2}(?:\/|$)/.test(path)
}

/** A value as a message shows it. */
export function shown(value: unknown): string {
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'bigint') return `${value}n`
  return (JSON.stringify(value) ?? String(value)).slice(0, 100)
}

/** Runs a check of a part; what it throws names the part, too: `sites[1].index must be …`. */
export function within<T>(path: string, check: () => T): T {
  try {
    return check()
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    const isField = /^[a-zA-Z]+(?:[.[]| (?:must|is|has|names) )/.test(error.message)
    throw new TypeError(`${path}${isField ? '.' : ': '}${error.message}`, { cause: error })
  }
}

/** @throws TypeError that names the first option that is not known: a misspelt rule protects nothing. */
export function refuseUnknown(options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new TypeError('the options must be an object')
  }
  const unknown = Object.keys(options).find((name) => !known.includes(name))
  if (unknown === undefined) return
  const near = nearest(unknown, known)
  const hint = near === undefined ? `there are ${known.join(', ')}` : `did you mean ${near}?`
  throw new TypeError(`${unknown} is no option; ${hint}`)
}

/** @throws TypeError unless it is a whole number in the range. */
export function wholeNumber(name: string, value: unknown, least = 0): number {
  if (Number.isSafeInteger(value) && (value as number) >= least) return value as number
  throw new TypeError(`${name} must be a whole number, at least ${least}, not ${shown(value)}`)
}

/** @throws TypeError unless it is a list of texts. */
export function texts(name: string, value: unknown): readonly string[] {
  if (!Array.isArray(value)) throw new TypeError(`${name} must be a list, not ${shown(value)}`)
  value.forEach((item, at) => text(`${name}[${at}]`, item))
  return value as readonly string[]
}

/** @throws TypeError unless it is a text that is not empty. */
export function text(name: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value
  throw new TypeError(`${name} must be a text, not ${shown(value)}`)
}
