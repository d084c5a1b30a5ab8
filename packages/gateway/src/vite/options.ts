// The options of the plugin: those of a gateway, with paths from Vite's root on, and its own.

import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { checkList, isPattern, PATTERN, refuseUnknown, shown } from '../checks.ts'
import { absoluteSite } from '../config.ts'
import { GATEWAY_OPTIONS } from '../gateway.ts'
import type { GatewayOptions } from '../options.ts'
import type { PhpOptions } from '../server/options.ts'

/** From which level on PHP's errors cover the page. */
export type OverlayLevel = 'error' | 'warning' | 'notice'

/** Options of the plugin beside those of a gateway. */
export interface ViteOwnOptions {
  /**
   * How PHP is started when no `backend` is given: options of `startPhp`; `false` starts none. @default {}: the best PHP that there is
   */
  readonly php?: PhpOptions | false | undefined
  /**
   * What Vite may do to pages of PHP: `'page'` has `transformIndexHtml` work on the whole page, as on an `index.html`; `'tags'` only adds the
   * tags that Vite and its plugins put into every page, and leaves each byte of the page as it is; `false` leaves pages alone: no reload, no
   * overlay. @default 'page', and 'tags' with a `base` other than `/`
   */
  readonly html?: 'page' | 'tags' | false | undefined
  /**
   * From which level on PHP's errors are shown over the page: `'error'` is what ends a script, `'warning'`, `'notice'` (deprecations, too);
   * `false` shows none. All of them are in the terminal in any case. @default 'warning'
   */
  readonly overlay?: OverlayLevel | false | undefined
  /**
   * Files whose change reloads pages of PHP: patterns as for `deny`, from Vite's root or the roots of PHP on; `false` never reloads.
   * @default ['*.php', '*.phtml', '*.inc', '*.twig', '*.latte', '*.tpl', '*.mustache']
   */
  readonly watch?: readonly string[] | false | undefined
  /**
   * Files that are not watched after all, beside all in folders called `vendor`, `node_modules`, `storage`, `cache` and `.git`. @default none
   */
  readonly watchIgnore?: readonly string[] | undefined
}

/** Options of the plugin. */
export interface ViteOptions extends GatewayOptions, ViteOwnOptions {
  /** The document root of PHP; from Vite's root on, as all paths here. @default 'public', or Vite's root where there is no such folder */
  readonly root?: string | undefined
}

/** Options with every value given, and absolute paths. */
export interface CheckedViteOptions {
  readonly gateway: GatewayOptions & { readonly root: string }
  readonly php: PhpOptions | false
  readonly html: 'page' | 'tags' | false
  readonly overlay: OverlayLevel | false
  readonly watch: readonly string[] | false
  readonly watchIgnore: readonly string[]
}

const OWN = ['php', 'html', 'overlay', 'watch', 'watchIgnore'] satisfies (keyof ViteOwnOptions)[]
const WATCHED = ['*.php', '*.phtml', '*.inc', '*.twig', '*.latte', '*.tpl', '*.mustache']

/**
 * @param folder Vite's root.
 * @throws TypeError that names the option that cannot be used, and what it takes.
 */
export function checkViteOptions(
  options: ViteOptions,
  folder: string,
  base: string,
): CheckedViteOptions {
  refuseUnknown(options, [...OWN, ...GATEWAY_OPTIONS])
  const {
    php = {},
    html,
    overlay = 'warning',
    watch = WATCHED,
    watchIgnore = [],
    ...rest
  } = options
  if (php !== false && (typeof php !== 'object' || php === null)) {
    throw new TypeError(`php must be an object of options for startPhp or false, not ${shown(php)}`)
  }
  if (rest.backend !== undefined && options.php) {
    throw new TypeError('php says how to start PHP, and backend where it runs already: give one')
  }
  const root = rest.root ?? defaultRoot(folder)
  const at = (path: string): string => resolve(folder, path)
  const sites = rest.sites?.map((site) => absoluteSite(site, at))
  return {
    gateway: { ...absoluteSite({ ...rest, root }, at), root: at(root), ...(sites && { sites }) },
    php,
    html: oneOf('html', html ?? (base === '/' ? 'page' : 'tags'), ['page', 'tags']),
    overlay: oneOf('overlay', overlay, ['error', 'warning', 'notice']),
    watch: watch === false ? false : patterns('watch', watch),
    watchIgnore: patterns('watchIgnore', watchIgnore),
  }
}

/** Every document root: of the site, its routes, and the sites beside it. */
export function rootsOf({ gateway }: CheckedViteOptions): readonly string[] {
  const { root, routes = [], sites = [] } = gateway
  const all = [root, ...routes.map((route) => route.root)]
  for (const site of sites) all.push(site.root, ...(site.routes ?? []).map((route) => route.root))
  return [...new Set(all.filter((one) => one !== undefined))]
}

/** With their dot, of every site. */
export function extensionsOf({ gateway }: CheckedViteOptions): readonly string[] {
  const { routes = [], sites = [] } = gateway
  const all = [gateway, ...routes, ...sites, ...sites.flatMap((site) => site.routes ?? [])]
  return [...new Set(['.php', ...all.flatMap((site) => site.scriptExtensions ?? [])])]
}

/** Where PHP's pages are when nobody says so. */
export function defaultRoot(folder: string): string {
  return existsSync(join(folder, 'public')) ? 'public' : '.'
}

function oneOf<T extends string>(name: string, value: T | false, names: readonly T[]): T | false {
  if (value === false || names.includes(value)) return value
  throw new TypeError(`${name} must be ${names.join(', ')} or false, not ${shown(value)}`)
}

function patterns(name: string, value: unknown): readonly string[] {
  return checkList(name, value, PATTERN, isPattern)
}
