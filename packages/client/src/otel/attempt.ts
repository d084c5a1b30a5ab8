// What belongs to others, run so that its failure stays theirs.

import { diag } from '@opentelemetry/api'

export const NAME = '@fastcgi/client/otel'

/** Runs it; what it throws is told to OpenTelemetry's own log, and undefined returned. */
export function attempt<T>(what: string, run: () => T): T | undefined {
  try {
    return run()
  } catch (error) {
    diag.error(`${NAME}: ${what} has failed`, error)
    return undefined
  }
}
