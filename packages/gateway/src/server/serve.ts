// The gateway as a server of its own.

import { silentLogger } from '../logger.ts'
import { checkServeOptions } from './check-options.ts'
import type { ServeOptions } from './options.ts'
import { servePrimary } from './primary.ts'
import type { GatewayServer } from './server.ts'
import { followSignals } from './signals.ts'
import { serveAlone } from './single.ts'
import { serveWorker, workerTask } from './worker.ts'

/**
 * Listens, and answers by a gateway.
 * @throws TypeError that names the option that cannot be used; ListenError when an address cannot be taken; Error on a certificate that
 * cannot be used, and when PHP does not start.
 * @example
 * await using server = await serve({ root: '/srv/app/public', backend: 'unix:/run/php/php-fpm.sock', listen: 8080 })
 */
export async function serve(options: ServeOptions): Promise<GatewayServer> {
  const checked = checkServeOptions(options)
  const task = workerTask()
  if (task) return serveWorker(checked, task)
  const server = await (checked.workers > 0 ? servePrimary(checked) : serveAlone(checked))
  if (checked.signals) {
    followSignals(server, checked.reload, checked.gateway.logger ?? silentLogger)
  }
  return server
}
