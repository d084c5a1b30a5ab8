// Checks of options that more than one part of a site has. What they throw names the field: `index[1] must be …`.

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

export function isPattern(text: string): boolean {
  return text !== '' && !isUnclean(text)
}

/** A path below the root that means nothing else on the way: no `.`, `..`, repeated slash, backslash or control character. */
export function isCleanPath(text: string): boolean {
  return text.startsWith('/') && !isUnclean(text)
}

function isUnclean(text: string): boolean {
  // eslint-disable-next-line no-control-regex -- control characters are what it looks for
  return /[\x00-\x1f\x7f\\]|\/\/|(?:^|\/)\.{1,2}(?:\/|$)/.test(text)
}

export function shown(value: unknown): string {
  if (typeof value === 'function') return 'a function'
  return typeof value === 'bigint' ? `${value}n` : (JSON.stringify(value) ?? String(value))
}
