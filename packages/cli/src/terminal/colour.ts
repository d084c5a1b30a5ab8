// Colours, for terminals only unless the environment says otherwise (https://no-color.org, FORCE_COLOR).

import type { Io, Output } from '../io.ts'

const CODES = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  blue: [34, 39],
  magenta: [35, 39],
  cyan: [36, 39],
} as const

export type Colour = keyof typeof CODES

/** Puts a colour around a text, or nothing where there are no colours. */
export type Paint = (colour: Colour, text: string) => string

/** Whether an output is to have colours. */
export function hasColours(output: Output, env: Io['env']): boolean {
  if (env.NO_COLOR) return false
  if (env.FORCE_COLOR !== undefined) return !['0', 'false'].includes(env.FORCE_COLOR)
  return output.isTTY === true && env.TERM !== 'dumb'
}

/** The paint for an output. */
export function paintFor(output: Output, env: Io['env']): Paint {
  if (!hasColours(output, env)) return (_, text) => text
  return (colour, text) => {
    const [on, off] = CODES[colour]
    return text === '' ? '' : `\x1b[${on}m${text}\x1b[${off}m`
  }
}

/** How many characters fit into a line. */
export function widthOf(output: Output, env: Io['env']): number {
  const columns = output.columns ?? Number(env.COLUMNS)
  return Number.isInteger(columns) && columns >= 20 ? columns : 80
}
