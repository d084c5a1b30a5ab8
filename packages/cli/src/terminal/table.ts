// Columns that line up. Pure.

import { displayWidth, padEnd, padStart } from './text.ts'

export interface Column {
  readonly title: string
  /** @default 'left' */
  readonly align?: 'left' | 'right'
}

/**
 * Lines of cells under their titles, two spaces apart; the last column is not padded.
 * @param title Makes a title of its text, for instance by colour.
 */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  title: (text: string) => string = (text) => text,
): string[] {
  const widths = columns.map((column, at) =>
    Math.max(displayWidth(column.title), ...rows.map((row) => displayWidth(row[at] ?? ''))),
  )
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, at) => {
        if (columns[at]?.align === 'right') return padStart(cell, widths[at]!)
        return at === columns.length - 1 ? cell : padEnd(cell, widths[at]!)
      })
      .join('  ')
      .trimEnd()
  return [line(columns.map((column) => title(column.title))), ...rows.map(line)]
}

/** Names and values, the values below each other. */
export function pairs(
  rows: readonly (readonly [name: string, value: string])[],
  name: (text: string) => string = (text) => text,
): string[] {
  const width = Math.max(0, ...rows.map(([key]) => displayWidth(key)))
  return rows.map(([key, value]) => `${padEnd(name(key), width)}  ${value}`.trimEnd())
}
