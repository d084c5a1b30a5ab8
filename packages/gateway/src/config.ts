// The configuration file: found, loaded, and its paths made absolute. What the options mean is checked where they are used.

import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { shown } from './checks.ts'
import type { HostOptions, RouteOptions, SiteOptions } from './options.ts'
import type { ServeOptions } from './server/options.ts'

/** A configuration file cannot be used; the message names the file. */
export class ConfigError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ConfigError'
  }
}

/** Names of configuration files, the first that there is counts. */
export const CONFIG_FILES: readonly string[] = ['ts', 'mts', 'js', 'mjs', 'json'].map(
  (extension) => `fcgi.config.${extension}`,
)

/**
 * Gives a configuration file its types; returns what it gets.
 * @example
 * export default defineConfig({ root: 'public', preset: 'laravel', listen: 8080 })
 */
export function defineConfig(options: ServeOptions): ServeOptions {
  return options
}

/** The configuration file of a folder; undefined when there is none. */
export function findConfig(folder: string): string | undefined {
  return CONFIG_FILES.map((name) => join(folder, name)).find((path) => existsSync(path))
}

/**
 * Loads a configuration file: JSON, or a module whose default export is the options, or a function that gives them. Paths in it are
 * relative to its folder. A module is loaded anew each time; modules that it imports are not.
 * @throws ConfigError when it cannot be read or is no configuration.
 */
export async function loadConfig(path: string): Promise<ServeOptions> {
  const file = resolve(path)
  if (!existsSync(file)) throw new ConfigError(`the configuration file ${file} is not there`)
  const loaded = await read(file)
  if (typeof loaded === 'object' && loaded !== null && !Array.isArray(loaded)) {
    return absolutePaths(loaded, dirname(file))
  }
  throw new ConfigError(
    `${file} must ${file.endsWith('.json') ? 'hold' : 'export by default'} an object of options, not ${shown(loaded)}`,
  )
}

async function read(file: string): Promise<unknown> {
  try {
    if (file.endsWith('.json')) return JSON.parse(await readFile(file, 'utf8')) as unknown
    const url = pathToFileURL(file)
    url.searchParams.set('loaded', String(performance.now()))
    const module = (await import(url.href)) as { default?: unknown }
    const exported = module.default
    return typeof exported === 'function' ? await (exported as () => unknown)() : exported
  } catch (cause) {
    throw new ConfigError(`${file} cannot be loaded: ${reasonOf(cause, file)}`, { cause })
  }
}

function reasonOf(cause: unknown, file: string): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  if (code !== 'ERR_UNKNOWN_FILE_EXTENSION') return `${String(cause)}${placeOf(cause, file)}`
  return /\.[cm]?ts$/.test(file)
    ? 'this version of Node does not run TypeScript; name it fcgi.config.mjs, or use Node 22.18 or later'
    : `it is neither JSON nor JavaScript; there are ${CONFIG_FILES.join(', ')}`
}

/** Where in the file it failed. For what cannot be parsed, Node tells nobody but who is at its terminal. */
function placeOf(cause: unknown, file: string): string {
  if (!(cause instanceof Error) || file.endsWith('.json')) return ''
  if (cause instanceof SyntaxError) {
    return /Unexpected token 'export'|Cannot use import statement/.test(cause.message)
      ? '; its package.json makes it CommonJS: name it fcgi.config.mjs'
      : ` (node ${file} shows where)`
  }
  const { stack = '' } = cause
  const behind = stack.split(pathToFileURL(file).href, 2)[1] ?? ''
  const line = /^(?:\?[^\s:]*)?:(\d+)/.exec(behind)?.[1]
  return line === undefined ? '' : ` (line ${line})`
}

function absolutePaths(options: ServeOptions, folder: string): ServeOptions {
  const at = (path: string): string => resolve(folder, path)
  const { tls, requestBody, response } = options
  const site = absoluteSite(options, at)
  return {
    ...site,
    ...mapped('sites', options.sites, (one: HostOptions) => absoluteSite(one, at)),
    // PEM text is no path.
    ...(tls && { tls: { ...tls, cert: pathOrPem(tls.cert, at), key: pathOrPem(tls.key, at) } }),
    ...(requestBody?.directory && {
      requestBody: { ...requestBody, directory: at(requestBody.directory) },
    }),
    ...(response?.directory && { response: { ...response, directory: at(response.directory) } }),
  }
}

/** Makes the paths of a site absolute. */
export function absoluteSite<T extends SiteOptions>(options: T, at: (path: string) => string): T {
  const { root, sendFileRoots } = options
  return {
    ...options,
    ...(typeof root === 'string' && { root: at(root) }),
    ...(isObject(sendFileRoots) && {
      sendFileRoots: Object.fromEntries(
        Object.entries(sendFileRoots).map(([prefix, path]) => [prefix, at(path)]),
      ),
    }),
    ...mapped('routes', options.routes, (route: RouteOptions) => absoluteSite(route, at)),
  }
}

/** What is no list of objects stays as it is, for the check of the options to complain about. */
function mapped<T extends object>(
  name: string,
  list: readonly T[] | undefined,
  map: (one: T) => T,
): object {
  if (!Array.isArray(list)) return {}
  return { [name]: (list as readonly T[]).map((one) => (isObject(one) ? map(one) : one)) }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function pathOrPem(value: string, at: (path: string) => string): string {
  return typeof value === 'string' && !value.includes('-----BEGIN') ? at(value) : value
}
