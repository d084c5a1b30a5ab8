// PHP, when the server is to start it. The only place that knows how.

import { startPhp } from '@fastcgi/php'
import type { Logger } from '../logger.ts'
import type { CheckedServeOptions } from './check-options.ts'

/** What is used of a PHP that was started. */
export interface StartedPhp extends AsyncDisposable {
  /** As `new Pool()` takes it. */
  readonly address: string
  /** `php-fpm`, `php-cgi`, … */
  readonly kind: string
  /** Which one was chosen, and why, in one line. */
  readonly description: string
  readonly statusPath: string | undefined
  readonly pingPath: string | undefined
  close(): Promise<void>
}

/** Starts PHP when the options ask for it. */
export async function startBackend(
  { php, gateway }: CheckedServeOptions,
  logger: Logger,
): Promise<StartedPhp | undefined> {
  if (!php) return undefined
  const started = await startPhp({ root: gateway.root, logger, ...php })
  logger.info({ php: started.kind, address: started.address }, started.description)
  return started
}
