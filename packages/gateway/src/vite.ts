// PHP in Vite's dev server: one origin, pages that reload when PHP changes, and PHP's errors over the page.

import process from 'node:process'
import type { Plugin, PreviewServer, UserConfig, ViteDevServer } from 'vite'
import { DevServer } from './vite/dev-server.ts'
import { defaultConfig } from './vite/defaults.ts'
import { isPartOfPage } from './vite/front.ts'
import type { ViteOptions } from './vite/options.ts'
import { servePreview } from './vite/preview.ts'
import { ERROR_MODULE, ERROR_MODULE_CODE } from './vite/problems.ts'

export type { OverlayLevel, ViteOptions, ViteOwnOptions } from './vite/options.ts'

// As virtual modules are called among plugins.
const RESOLVED = `\0${ERROR_MODULE}`

/**
 * Makes a plugin for Vite 7 and 8 that serves PHP inside the dev server, and in `vite preview`: scripts and folders that have an index before
 * Vite's own files, the front controller and the files of the document root behind them. Pages get Vite's client and the tags of other
 * plugins, reload when PHP changes, and show PHP's errors in Vite's overlay. Without a `backend`, PHP is started with the server, and
 * ends with it. Nothing happens in Vitest, nor in `vite build`.
 * @throws Error when the server starts, when no PHP can be started: it says how to get one. TypeError that names the option that cannot be used.
 * @example
 * // vite.config.js
 * import { php } from '@fastcgi/gateway/vite'
 * export default { plugins: [php({ root: 'public' })] }
 */
export function php(options: ViteOptions = {}): Plugin {
  // A server that restarts makes the next one before it closes; both may have this plugin.
  const running = new Map<object, DevServer>()
  return {
    name: 'fastcgi:php',
    // Before other plugins that answer for `/`.
    enforce: 'pre',
    config: (config: UserConfig, { command, isPreview }) =>
      defaultConfig(options, config, command === 'serve' && isPreview !== true),
    resolveId: (id) => (id === ERROR_MODULE ? RESOLVED : undefined),
    load: (id) => (id === RESOLVED ? ERROR_MODULE_CODE : undefined),
    // Vite would put the source of the script into the source map of a module that is written into its page. It keeps its map for code
    // that nothing has changed.
    transform: (code, id) =>
      isPartOfPage(id) ? { code: `${code}\n`, map: { mappings: '' } } : undefined,
    async configureServer(server: ViteDevServer) {
      if (process.env['VITEST']) return undefined
      const dev = await DevServer.open(server, options)
      running.set(server.environments.client, dev)
      server.middlewares.use(dev.front.before)
      return () => void server.middlewares.use(dev.front.behind)
    },
    async configurePreviewServer(server: PreviewServer) {
      const front = await servePreview(server, options)
      server.middlewares.use(front.before)
      return () => void server.middlewares.use(front.behind)
    },
    // Called when a server closes, for each of its environments.
    async closeBundle() {
      const { environment } = this
      const dev = running.get(environment)
      running.delete(environment)
      await dev?.close()
    },
  }
}

export default php
