// The flags of `fcgi serve`, and what they come to: the options of a server, over those of a configuration file.

import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { findConfig, loadConfig, type PresetName, type ServeOptions } from '@fastcgi/gateway'

/** As they are given; what is not given is undefined. */
export interface ServeFlags {
  readonly listen?: readonly string[] | undefined
  readonly backend?: string | undefined
  readonly php?: 'auto' | 'php-fpm' | 'php-cgi' | 'embedded' | undefined
  readonly phpWorkers?: number | undefined
  readonly preset?: string | undefined
  readonly index?: readonly string[] | undefined
  /** `false`: `--no-front-controller`. */
  readonly frontController?: string | boolean | undefined
  readonly backendRoot?: string | undefined
  readonly deny?: readonly string[] | undefined
  readonly denyScripts?: readonly string[] | undefined
  readonly maxBody?: number | undefined
  readonly streamBodies?: boolean | undefined
  readonly compress?: boolean | undefined
  readonly trustProxy?: readonly string[] | undefined
  readonly tlsCert?: string | undefined
  readonly tlsKey?: string | undefined
  readonly h2c?: string | undefined
  readonly admin?: string | undefined
  readonly workers?: number | 'auto' | undefined
  readonly drainTimeout?: number | undefined
  readonly dev?: boolean | undefined
  /** A path, or `false`: `--no-config`. */
  readonly config?: string | boolean | undefined
}

/** What shall be served, and where it was said. */
export interface ServeConfig {
  readonly options: ServeOptions
  /** The configuration file that was read. */
  readonly file: string | undefined
}

// Where applications keep what the public may see, when nobody says where: Laravel, Symfony and their like; then Drupal.
const ROOTS = ['public', 'web', '.']

/**
 * The options that the flags and the configuration file come to.
 * @param root As given, relative to `cwd`; undefined for the file's, or the first that looks like one.
 * @throws ConfigError when the configuration file cannot be used; TypeError on flags that contradict each other.
 */
export async function serveConfig(
  root: string | undefined,
  flags: ServeFlags,
  cwd: string,
): Promise<ServeConfig> {
  const file = configFile(flags.config, cwd)
  const configured = file === undefined ? {} : await loadConfig(file)
  const options = {
    ...configured,
    ...serverOptions(flags, cwd),
    ...siteOptions(flags),
    ...partsOf(flags, configured),
  }
  if (root !== undefined) options.root = resolve(cwd, root)
  // Options of a file may name several sites, each with a root of its own.
  else if (file === undefined) options.root = likelyRoot(cwd)
  return { options: withPhp(options, flags), file }
}

function configFile(config: string | boolean | undefined, cwd: string): string | undefined {
  if (config === false) return undefined
  return typeof config === 'string' ? resolve(cwd, config) : findConfig(cwd)
}

function likelyRoot(cwd: string): string {
  const folder = ROOTS.find((name) => existsSync(join(cwd, name, 'index.php')))
  return resolve(cwd, folder ?? '.')
}

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] }

function siteOptions(flags: ServeFlags): Mutable<ServeOptions> {
  const { frontController } = flags
  return given({
    preset: flags.preset as PresetName | undefined,
    backend: flags.backend,
    backendRoot: flags.backendRoot,
    index: flags.index,
    // Without a value it is the one that is the default anyway.
    frontController: frontController === true ? undefined : frontController,
    deny: flags.deny,
    noScripts: flags.denyScripts,
    development: flags.dev,
  })
}

function serverOptions(flags: ServeFlags, cwd: string): Mutable<ServeOptions> {
  const { tlsCert, tlsKey, trustProxy } = flags
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    throw new TypeError('--tls-cert and --tls-key belong together: give both')
  }
  return given({
    listen: flags.listen?.map(listenAddress),
    h2c: flags.h2c,
    admin: flags.admin,
    workers: flags.workers,
    drainTimeout: flags.drainTimeout,
    trustProxy: trustProxy && proxies(trustProxy),
    tls: tlsCert && tlsKey ? { cert: resolve(cwd, tlsCert), key: resolve(cwd, tlsKey) } : undefined,
  })
}

/** What flags say about a part leaves the rest of that part as the file has it. */
function partsOf(
  { maxBody, streamBodies, compress }: ServeFlags,
  { requestBody, response }: ServeOptions,
): Mutable<ServeOptions> {
  const body = given({ maxSize: maxBody, mode: streamBodies ? ('stream' as const) : undefined })
  return given({
    requestBody: Object.keys(body).length > 0 ? { ...requestBody, ...body } : requestBody,
    // The flag says no; that it does not is no wish.
    response: compress === false ? { ...response, compress } : response,
  })
}

/** PHP is started when nothing says which backend answers. */
function withPhp(options: ServeOptions, { php, phpWorkers }: ServeFlags): ServeOptions {
  const asked = php !== undefined || phpWorkers !== undefined
  if (asked && options.backend !== undefined) {
    throw new TypeError(
      '--php starts a PHP, and --backend names one that runs: give one of the two',
    )
  }
  const known = options.backend !== undefined || options.sites !== undefined
  if (!asked && (known || options.php !== undefined)) return options
  return { ...options, php: given({ backend: php, workers: phpWorkers }) }
}

/** A number of proxies, or their addresses. */
function proxies(values: readonly string[]): number | readonly string[] {
  const [first = ''] = values
  return values.length === 1 && /^\d+$/.test(first) ? Number(first) : values
}

function listenAddress(address: string): string | number {
  return /^\d+$/.test(address) ? Number(address) : address
}

function given<T extends object>(options: T): T {
  const set = Object.entries(options).filter(([, value]) => value !== undefined)
  return Object.fromEntries(set) as T
}
