// What stands behind one dev server of Vite, from its start to its end.

import type { ParamPair } from '@fastcgi/client'
import type { ResolvedConfig, ViteDevServer } from 'vite'
import type { GatewayOptions, SiteOptions } from '../options.ts'
import { PhpSide } from './backend.ts'
import { Front } from './front.ts'
import { gatewayLogger } from './logger.ts'
import {
  checkViteOptions,
  extensionsOf,
  rootsOf,
  type CheckedViteOptions,
  type ViteOptions,
} from './options.ts'
import { Sources } from './overlay.ts'
import { Pages } from './pages.ts'
import { Problems } from './problems.ts'
import { watchPhp } from './watch.ts'

export class DevServer {
  readonly front: Front
  readonly #side: PhpSide
  readonly #unwatch: () => void

  private constructor(front: Front, side: PhpSide, unwatch: () => void) {
    this.front = front
    this.#side = side
    this.#unwatch = unwatch
  }

  /** @throws Error when PHP cannot be started, TypeError on an option that cannot be used. */
  static async open(server: ViteDevServer, options: ViteOptions): Promise<DevServer> {
    const { config } = server
    const checked = checkViteOptions(options, config.root, config.base)
    const roots = rootsOf(checked)
    const sources = new Sources([config.root, ...roots], movedRoots(checked))
    const problems = new Problems(server, checked.overlay, sources)
    const pages = new Pages(server, checked.html, problems)
    const side = await PhpSide.open(checked, gatewayLogger(config.logger), (given) => ({
      ...developing(given, config),
      use: [pages.middleware, ...(given.use ?? [])],
    }))
    const front = new Front({
      gateway: side.gateway,
      base: config.base,
      pages: config.root,
      proxy: config.server.proxy,
      scriptExtensions: extensionsOf(checked),
    })
    const setting = {
      folders: [config.root, ...roots],
      patterns: checked.watch || [],
      ignored: checked.watchIgnore,
    }
    const reload = (): void => server.environments.client.hot.send({ type: 'full-reload' })
    const unwatch = watchPhp(server, setting, (files) => {
      void side.forget(files.map((file) => sources.there(file))).then(reload)
    })
    return new DevServer(front, side, unwatch)
  }

  async close(): Promise<void> {
    this.#unwatch()
    await this.#side.close()
  }
}

/** What a gateway is to do while somebody develops, unless the options say otherwise. */
function developing(options: GatewayOptions, config: ResolvedConfig): GatewayOptions {
  const { base, html, server, logger } = config
  const nonce = html?.cspNonce
  const told: ParamPair[] = [
    ['VITE_DEV', '1'],
    ['VITE_BASE', base],
    ...(nonce === undefined ? [] : [['VITE_CSP_NONCE', nonce] as const]),
  ]
  return {
    development: true,
    logger: gatewayLogger(logger),
    ...telling(options, told),
    ...(options.sites && { sites: options.sites.map((site) => telling(site, told)) }),
    response: { compress: false, ...options.response },
    headers: { ...headersOf(server.headers), ...options.headers },
  }
}

/** Has PHP told that it is in a dev server, by every part of a site. */
function telling<T extends SiteOptions>(options: T, told: readonly ParamPair[]): T {
  const { params = {}, routes } = options
  const given = Symbol.iterator in params ? [...params] : definedPairs(params)
  return {
    ...options,
    params: [...told, ...given],
    ...(routes && { routes: routes.map((route) => telling(route, told)) }),
  }
}

function definedPairs(params: Readonly<Record<string, ParamPair[1] | undefined>>): ParamPair[] {
  return Object.entries(params).flatMap(([name, value]): ParamPair[] =>
    value === undefined ? [] : [[name, value]],
  )
}

function headersOf(headers: ResolvedConfig['server']['headers'] = {}): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, String(value)]),
  )
}

/** Document roots that PHP sees elsewhere. */
function movedRoots({ gateway }: CheckedViteOptions): [backend: string, here: string][] {
  const { routes = [], sites = [] } = gateway
  const all: SiteOptions[] = [gateway, ...routes, ...sites]
  for (const site of sites) all.push(...(site.routes ?? []))
  return all.flatMap(({ root, backendRoot }): [string, string][] =>
    root !== undefined && backendRoot !== undefined ? [[backendRoot, root]] : [],
  )
}
