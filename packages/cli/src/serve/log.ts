// What `fcgi serve` tells while it runs: lines for a person at a terminal, JSON for everything else.

import type { AccessLogEntry, Logger } from '@fastcgi/gateway'
import type { Paint } from '../terminal/colour.ts'
import { bytes as bytesText, milliseconds } from '../terminal/units.ts'

/** Writes one line. */
export type WriteLine = (line: string) => void

export interface ServeLog {
  readonly logger: Logger
  readonly access: (entry: AccessLogEntry) => void
}

/** One JSON object a line, for programs. */
export function jsonLog(write: WriteLine): ServeLog {
  const tell =
    (level: string) =>
    (fields: object, message: string): void =>
      write(JSON.stringify({ level, time: new Date().toISOString(), message, ...plain(fields) }))
  const logger = {
    debug: () => {},
    info: tell('info'),
    warn: tell('warn'),
    error: tell('error'),
  }
  return { logger, access: (entry) => write(JSON.stringify({ level: 'access', ...entry })) }
}

/** Lines for a person: requests aligned, failures with their cause below. */
export function prettyLog(write: WriteLine, paint: Paint): ServeLog {
  const at = (): string => paint('dim', new Date().toTimeString().slice(0, 8))
  const tell =
    (mark: string) =>
    (fields: object, message: string): void => {
      write(`${at()} ${mark} ${message}`)
      for (const line of details(fields)) write(`         ${paint('dim', line)}`)
    }
  const logger = {
    debug: () => {},
    info: tell(paint('cyan', 'ℹ')),
    warn: tell(paint('yellow', '⚠')),
    error: tell(paint('red', '✖')),
  }
  return { logger, access: (entry) => write(`${at()} ${accessLine(entry, paint)}`) }
}

function accessLine(entry: AccessLogEntry, paint: Paint): string {
  const { status, method, target, duration, bytes, outcome } = entry
  const cut = outcome === 'complete' ? '' : paint('red', ` ${outcome}`)
  const numbers = `${milliseconds(duration)} ${bytesText(bytes)}`
  return `${paint(colourOf(status), String(status || '---'))} ${method.padEnd(4)} ${target} ${paint('dim', numbers)}${cut}`
}

function colourOf(status: number): 'red' | 'green' | 'yellow' | 'cyan' {
  if (status >= 500 || status === 0) return 'red'
  if (status >= 400) return 'yellow'
  return status >= 300 ? 'cyan' : 'green'
}

/** What led to a failure, and what PHP said about it. */
function details(fields: object): string[] {
  const { error, stderr, reference } = fields as Record<string, unknown>
  const lines: string[] = []
  let cause = error instanceof Error ? error.cause : undefined
  for (let depth = 0; cause instanceof Error && depth < 3; depth++) {
    lines.push(`because: ${cause.message}`)
    cause = cause.cause
  }
  if (typeof stderr === 'string') lines.push(...stderr.trimEnd().split('\n'))
  if (typeof reference === 'string') lines.push(`reference ${reference}`)
  return lines
}

/** Errors do not become JSON by themselves. */
function plain(fields: object): object {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]: [string, unknown]) => [
      name,
      value instanceof Error ? describe(value) : value,
    ]),
  )
}

function describe(error: Error): object {
  const { name, message, stack, cause } = error
  const code = 'code' in error ? error.code : undefined
  return { name, message, code, stack, cause: cause instanceof Error ? describe(cause) : cause }
}
