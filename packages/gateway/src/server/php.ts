// PHP, when the server is to start it. The only place that knows how.

import { startPhp, type Php, type PhpLogEntry } from '@fastcgi/php'
import { within } from '../checks.ts'
import type { Logger } from '../logger.ts'
import type { CheckedServeOptions } from './check-options.ts'
import type { MetricFamily } from './metric-families.ts'

/** Options of a pool for a PHP that was started here; plain, so that workers can be told. */
export interface PhpPool {
  readonly address: string
  readonly connections?: number
}

/** Who develops wants to see a changed script at once, not two seconds later. */
const FRESH = { 'opcache.revalidate_freq': 0 }

/** Starts PHP when the options ask for it; what it says goes to the log. */
export async function startBackend(
  { php, gateway }: CheckedServeOptions,
  logger: Logger,
): Promise<Php | undefined> {
  if (!php) return undefined
  const { root } = gateway
  if (root === undefined) throw new TypeError('php needs a root: the folder that holds the scripts')
  const started = await startPhp({
    root,
    onLog: (entry) => tell(logger, entry),
    ...php,
    ini: { ...(gateway.development && FRESH), ...php.ini },
  }).catch((error: unknown) =>
    within('php', (): Php => {
      throw error
    }),
  )
  logger.info({ php: started.kind, address: started.address }, started.description)
  return started
}

/**
 * The pool of one process: all of them together ask for no more workers than there are.
 * @param processes how many answer requests
 */
export function poolOf(php: Php | undefined, processes: number): PhpPool | undefined {
  if (!php) return undefined
  const { address, workers } = php
  if (workers === undefined) return { address }
  return { address, connections: Math.max(1, Math.floor(workers / processes)) }
}

/** What there is to count of a PHP that was started here. */
export function phpFamilies(php: Php | undefined): MetricFamily[] {
  if (!php) return []
  const labels = { kind: php.kind }
  const { restarts, running } = php.stats
  return [
    {
      name: 'fcgi_php_restarts_total',
      help: 'How often PHP was started again because it had died.',
      type: 'counter',
      samples: [{ labels, value: restarts }],
    },
    {
      name: 'fcgi_php_running',
      help: 'Whether PHP runs: 1, or 0 while it is being started again.',
      type: 'gauge',
      samples: [{ labels, value: running ? 1 : 0 }],
    },
  ]
}

/** What a backend says when all is well is for those who look for something. */
function tell(logger: Logger, { level, source, message }: PhpLogEntry): void {
  const quiet = level === 'info' && source !== 'supervisor'
  logger[quiet ? 'debug' : level]({ source }, message)
}
