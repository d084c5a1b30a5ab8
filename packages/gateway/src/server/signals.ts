// Signals, when the process is the server's.

import process from 'node:process'
import type { Logger } from '../logger.ts'
import type { ServeOptions } from './options.ts'
import type { GatewayServer } from './server.ts'

/** Closes the server on SIGTERM and SIGINT, at once on the second, and ends the process; reloads on SIGHUP. */
export function followSignals(
  server: GatewayServer,
  reload: ServeOptions['reload'],
  logger: Logger,
): void {
  let asked = false
  const stop = (signal: NodeJS.Signals): void => {
    if (asked) {
      logger.warn({ signal }, `${signal} once more: closing at once`)
      void server.destroy()
      return
    }
    asked = true
    logger.info({ signal }, `${signal}: finishing the requests that run`)
    void server.close()
  }
  const again = (): void => {
    reloadBy(server, reload, logger).catch((error: unknown) => {
      logger.error({ error }, `SIGHUP: nothing was changed: ${messageOf(error)}`)
    })
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  process.on('SIGHUP', again)
  void server.closed.then((cut) => end(cut, logger))
}

async function reloadBy(
  server: GatewayServer,
  reload: ServeOptions['reload'],
  logger: Logger,
): Promise<void> {
  if (!reload) throw new Error('no reload was given to serve')
  await server.reload(await reload())
  logger.info({ addresses: server.addresses }, 'SIGHUP: reloaded')
}

function end(cut: number, logger: Logger): void {
  if (cut > 0) logger.error({ cut }, `closed; ${cut} requests were cut off`)
  else logger.info({}, 'closed; every request was answered')
  process.exit(cut > 0 ? 1 : 0)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
