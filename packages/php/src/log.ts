// What backends say, as lines with a level, and the last of it for error messages.

import type { Readable } from 'node:stream'

/** How much a log line matters. */
export type PhpLogLevel = 'debug' | 'info' | 'warn' | 'error'

/** One line of a backend's log, or one thing that was done about the backend. */
export interface PhpLogEntry {
  readonly level: PhpLogLevel
  /** One line, without its time and level. */
  readonly message: string
  /** Who says it: the backend, with what PHP writes to its log, or this package. */
  readonly source: 'php-fpm' | 'php-cgi' | 'embedded' | 'supervisor'
}

const LEVELS: Readonly<Record<string, PhpLogLevel>> = {
  DEBUG: 'debug',
  NOTICE: 'info',
  WARNING: 'warn',
  ERROR: 'error',
  ALERT: 'error',
}
const TAIL = 20
// A line without an end must not fill the memory.
const MAX_LINE = 64 * 1024

/** Reads `[23-Nov-2026 10:00:00] NOTICE: ready`; a line in any other form is what PHP or a script wrote. */
export function readLogLine(line: string, source: PhpLogEntry['source']): PhpLogEntry {
  const [, name = '', message = ''] =
    /^(?:\[[^\]]+\] )?(DEBUG|NOTICE|WARNING|ERROR|ALERT): (.*)$/.exec(line) ?? []
  const level = LEVELS[name]
  return level ? { level, message, source } : { level: 'info', message: line, source }
}

/** Calls back with each line of a stream, and with what is left at its end. */
export function readLines(stream: Readable, onLine: (line: string) => void): void {
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('data', (text: string) => {
    const lines = (rest + text).split(/\r?\n/)
    rest = lines.pop() ?? ''
    for (const line of lines) if (line !== '') onLine(line)
    if (rest.length > MAX_LINE) {
      onLine(rest)
      rest = ''
    }
  })
  stream.once('end', () => {
    if (rest !== '') onLine(rest)
  })
}

/** The last lines of a log. */
export class LogTail {
  readonly #lines: string[] = []

  add(line: string): void {
    this.#lines.push(line)
    if (this.#lines.length > TAIL) this.#lines.shift()
  }

  get lines(): string[] {
    return [...this.#lines]
  }
}
