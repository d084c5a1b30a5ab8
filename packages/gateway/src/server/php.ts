// PHP, when the server is to start it. The only place that knows how.

import { startPhp, type Php, type PhpLogEntry } from '@fastcgi/php'
import type { Logger } from '../logger.ts'
import type { CheckedServeOptions } from './check-options.ts'

/** Starts PHP when the options ask for it; what it says goes to the log. */
export async function startBackend(
  { php, gateway }: CheckedServeOptions,
  logger: Logger,
): Promise<Php | undefined> {
  if (!php) return undefined
  const { root } = gateway
  if (root === undefined) throw new TypeError('php needs a root: the folder that holds the scripts')
  const started = await startPhp({ root, onLog: (entry) => tell(logger, entry), ...php })
  logger.info({ php: started.kind, address: started.address }, started.description)
  return started
}

/** What a backend says when all is well is for those who look for something. */
function tell(logger: Logger, { level, source, message }: PhpLogEntry): void {
  const quiet = level === 'info' && source !== 'supervisor'
  logger[quiet ? 'debug' : level]({ source }, message)
}
