// PHP's messages as Vite's overlay shows them, and as the terminal does.

import { readFileSync, realpathSync, statSync } from 'node:fs'
import { sep } from 'node:path'
import type { ErrorPayload } from 'vite'
import { printable } from '../log-fields.ts'
import type { PhpCall, PhpMessage, PhpPlace } from './php-messages.ts'

type OverlayError = ErrorPayload['err']

// In lines, before and behind the one that is meant.
const CONTEXT = 4
// In bytes; nobody writes more by hand.
const MAX_SOURCE = 2 * 1024 * 1024

/** Source files as this machine has them. */
export class Sources {
  readonly #folders: readonly string[]
  readonly #moved: readonly (readonly [backend: string, here: string])[]

  /**
   * @param folders What may be read; a message can name any file.
   * @param moved Document roots as PHP sees them, and as they are here.
   */
  constructor(
    folders: readonly string[],
    moved: readonly (readonly [backend: string, here: string])[],
  ) {
    this.#folders = [...new Set(folders.flatMap((folder) => [folder, realPath(folder)]))]
    this.#moved = moved
  }

  /** The path of a file of PHP on this machine. */
  here(file: string): string {
    const moved = this.#moved.find(([backend]) => isBelow(file, backend))
    return moved ? moved[1] + file.slice(moved[0].length) : file
  }

  /** The path of a file of this machine as PHP sees it. */
  there(file: string): string {
    const moved = this.#moved.find(([, here]) => isBelow(file, here))
    return moved ? moved[0] + file.slice(moved[1].length) : file
  }

  /** The lines around a place, as Vite writes them; undefined when they cannot be read. */
  frame(place: PhpPlace): string | undefined {
    const lines = this.#read(this.here(place.file))?.split(/\r?\n/)
    const meant = lines?.[place.line - 1]
    if (!lines || meant === undefined) return undefined
    const from = Math.max(1, place.line - CONTEXT)
    const to = Math.min(lines.length, place.line + CONTEXT)
    const width = String(to).length
    let frame = ''
    for (let line = from; line <= to; line++) {
      frame += `${String(line).padEnd(width)} | ${lines[line - 1]}\n`
      if (line === place.line) frame += `${' '.repeat(width)} | ${marks(meant)}\n`
    }
    return frame
  }

  #read(file: string): string | undefined {
    if (!this.#folders.some((folder) => isBelow(file, folder))) return undefined
    try {
      const stats = statSync(file)
      return stats.isFile() && stats.size <= MAX_SOURCE ? readFileSync(file, 'utf8') : undefined
    } catch {
      return undefined
    }
  }
}

/** @param more How many further messages there are. */
export function overlayError(
  { kind, text, place, calls }: PhpMessage,
  sources: Sources,
  more: number,
): OverlayError {
  const others = more === 0 ? '' : `\n(and ${more} more: see the terminal)`
  const frame = place && sources.frame(place)
  return {
    plugin: 'php',
    name: kind,
    message: `${kind}: ${printable(text)}${others}`,
    stack: calls.map((call) => callLine(call, sources)).join('\n'),
    ...(place && { id: sources.here(place.file), loc: locationOf(place, sources) }),
    ...(frame !== undefined && { frame }),
  }
}

/** A message for the terminal. */
export function terminalText(
  { kind, text, place, calls }: PhpMessage,
  sources: Sources,
  request: string,
): string {
  const where = place && `${sources.here(place.file)}:${place.line}`
  const parts = [`PHP ${kind}: ${printable(text)}`, `  ${where ?? 'no file'} (${request})`]
  const frame = place && sources.frame(place)
  if (frame !== undefined) parts.push(frame.trimEnd())
  return [...parts, ...calls.map((call) => callLine(call, sources))].join('\n')
}

/** Vite makes a link of `file:line:column`. */
function callLine({ call, place }: PhpCall, sources: Sources): string {
  const where = place ? ` (${sources.here(place.file)}:${place.line}:1)` : ''
  return `    at ${printable(call)}${where}`
}

function locationOf({ file, line }: PhpPlace, sources: Sources): NonNullable<OverlayError['loc']> {
  return { file: sources.here(file), line, column: 1 }
}

/** Below a line, under all that is written there. */
function marks(line: string): string {
  const indent = /^\s*/.exec(line)?.[0] ?? ''
  return indent + '^'.repeat(Math.max(1, line.trim().length))
}

/** Whether a path is a folder, or in it. */
export function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep)
}

function realPath(folder: string): string {
  try {
    return realpathSync(folder)
  } catch {
    return folder
  }
}
