// Checks of options: what is wrong, where, and what it takes instead.

/** Runs a check of a part; what it throws names the part, too: `sites[1].index must be …`. */
export function within<T>(path: string, check: () => T): T {
  try {
    return check()
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    const isField = /^[a-zA-Z]+(?:[.[]| (?:must|is|has|names) )/.test(error.message)
    throw new TypeError(`${path}${isField ? '.' : ': '}${error.message}`, {
      cause: error.cause ?? error,
    })
  }
}

/** @throws TypeError that names the first option that is not known: a misspelt rule protects nothing. */
export function refuseUnknown(options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new TypeError('the options must be an object')
  }
  const unknown = Object.keys(options).find((name) => !known.includes(name))
  if (unknown === undefined) return
  const near = known.find((name) => name.toLowerCase() === unknown.toLowerCase())
  const hint = near === undefined ? `there are ${known.join(', ')}` : `did you mean ${near}?`
  throw new TypeError(`${unknown} is no option; ${hint}`)
}

/** @throws TypeError unless it is a whole number in the range. */
export function wholeNumber(name: string, value: unknown, least = 0): number {
  if (Number.isSafeInteger(value) && (value as number) >= least) return value as number
  throw new TypeError(`${name} must be a whole number, at least ${least}, not ${shown(value)}`)
}

/** @throws TypeError unless it is true or false. */
export function flag(name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value
  throw new TypeError(`${name} must be true or false, not ${shown(value)}`)
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

/** A value as a message shows it. */
export function shown(value: unknown): string {
  if (typeof value === 'function') return 'a function'
  return (JSON.stringify(value) ?? String(value)).slice(0, 100)
}
