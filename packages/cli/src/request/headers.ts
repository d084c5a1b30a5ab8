// Header lines in curl's spelling. Pure.

import { Exit, Failure } from '../failure.ts'

export type Header = readonly [name: string, value: string]

/**
 * Reads `-H` lines over the defaults: `Name: value` replaces a default, `Name:` removes it, `Name;` sends it empty.
 * @throws Failure on a line that is none of these.
 */
export function readHeaders(lines: readonly string[], defaults: readonly Header[]): Header[] {
  const given: Header[] = []
  const named = new Set<string>()
  for (const line of lines) {
    const [, name = '', mark, value = ''] = /^([^\s:;]+)(?:(:)\s*(.*)|;)$/s.exec(line) ?? []
    if (name === '') {
      throw new Failure(
        Exit.Usage,
        `${JSON.stringify(line)} is no header: write 'Name: value', 'Name:' to send none, or 'Name;' to send it empty`,
      )
    }
    named.add(name.toLowerCase())
    const trimmed = value.trim()
    if (mark === undefined || trimmed !== '') given.push([name, trimmed])
  }
  return [...defaults.filter(([name]) => !named.has(name.toLowerCase())), ...given]
}

/** The first value of a header. */
export function headerOf(headers: readonly Header[], name: string): string | undefined {
  return headers.find(([key]) => key.toLowerCase() === name)?.[1]
}
