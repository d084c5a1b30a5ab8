// PHP, when the server is to start it. The only place that knows how.

import { startPhp, type Php, type PhpLogEntry } from '@fastcgi/php'
import type { Logger } from '../logger.ts'
import type { CheckedServeOptions } from './check-options.ts'

/** Starts PHP when the options ask for it; what it says goes to the log. */
export async function startBackend(
  { php, gateway, workers: processes }: CheckedServeOptions,
  logger: Logger,
): Promise<Php | undefined> {
  if (!php) return undefined
  const { root } = gateway
  if (root === undefined) throw new TypeError('php needs a root: the folder that holds the scripts')
  const onLog = (entry: PhpLogEntry): void => tell(logger, entry)
  const started = await startPhp({ root, onLog, ...atLeastFor(processes), ...php })
  logger.info({ php: started.kind, address: started.address }, started.description)
  return started
}

/** A backend with as many connections as there are workers of PHP for this process: one more would only wait in PHP's own queue. */
export interface PhpBackend {
  readonly address: string
  readonly connections?: number
}

/** @param processes How many share the workers of PHP; 0 for this one alone. */
export function backendOf(php: Php | undefined, processes: number): PhpBackend | undefined {
  if (!php) return undefined
  const { address, workers } = php
  if (workers === undefined) return { address }
  return { address, connections: Math.max(1, Math.floor(workers / Math.max(1, processes))) }
}

/** Two for each process, so that none of them waits for another one's request. */
function atLeastFor(processes: number): { workers?: number } {
  return processes > 2 ? { workers: processes * 2 } : {}
}

/** What a backend says when all is well is for those who look for something. */
function tell(logger: Logger, { level, source, message }: PhpLogEntry): void {
  const quiet = level === 'info' && source !== 'supervisor'
  logger[quiet ? 'debug' : level]({ source }, message)
}
