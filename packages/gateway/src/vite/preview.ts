// PHP behind `vite preview`: pages as they are, the tags that PHP takes from the manifest of the build.

import type { PreviewServer } from 'vite'
import { PhpSide } from './backend.ts'
import { Front } from './front.ts'
import { gatewayLogger } from './logger.ts'
import { checkViteOptions, extensionsOf, type ViteOptions } from './options.ts'

/** @throws Error when PHP cannot be started, TypeError on an option that cannot be used. */
export async function servePreview(server: PreviewServer, options: ViteOptions): Promise<Front> {
  const { config } = server
  const checked = checkViteOptions(options, config.root, config.base)
  const logger = gatewayLogger(config.logger)
  const side = await PhpSide.open(checked, logger, (given) => ({ logger, ...given }))
  const close = server.close.bind(server)
  let closed: Promise<void> | undefined
  server.close = async () => {
    await close()
    await (closed ??= side.close())
  }
  server.httpServer.once('close', () => void (closed ??= side.close()))
  return new Front({
    gateway: side.gateway,
    base: config.base,
    pages: config.build.outDir,
    proxy: config.preview.proxy,
    scriptExtensions: extensionsOf(checked),
  })
}
