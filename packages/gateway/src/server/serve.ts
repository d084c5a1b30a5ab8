// The gateway as a server of its own.

import { silentLogger, type Logger } from '../logger.ts'
import type { AdminSource } from './admin.ts'
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
  if (checked.gateway.logger) void tellDown(server, checked.gateway.logger)
  return server
}

/** Says at once what would otherwise be found out by the first request. The server runs all the same: a backend may come later. */
async function tellDown(server: AdminSource, logger: Logger): Promise<void> {
  const { backends } = await server.readiness()
  for (const { name, state, reason } of backends) {
    if (state !== 'down') continue
    logger.warn(
      { backend: name, reason },
      `the backend ${name} does not answer (${reason}): scripts get 502 until it does`,
    )
  }
}
