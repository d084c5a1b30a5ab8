// How each backend is started: its configuration, its command line, its environment.

import { randomBytes } from 'node:crypto'
import { chownSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { formatAddress } from '@fastcgi/client'
import { serve } from '@fastcgi/client/responder'
import { embeddedModules } from './embedded/find.ts'
import type { EmbeddedConfig } from './embedded/config.ts'
import { phpEnv, runtimeEnv } from './env.ts'
import type { Owner, PrivateFolder } from './folder.ts'
import { iniText } from './ini.ts'
import type { BackendKind, CheckedOptions } from './options.ts'

/** Everything that starting a backend, also again, takes. */
export interface Launch {
  readonly kind: BackendKind
  readonly program: string
  readonly args: readonly string[]
  readonly env: Record<string, string>
  readonly owner: Owner | undefined
  readonly address: string
  readonly workers: number
  /** Ends it after the requests that run. */
  readonly stopSignal: NodeJS.Signals
  /** php-fpm's own pages. */
  readonly statusPath: string | undefined
  readonly pingPath: string | undefined
}

/** What a launch is made of. */
export interface LaunchContext {
  readonly options: CheckedOptions
  readonly folder: PrivateFolder
  readonly owner: Owner | undefined
  /** Of php-fpm or php-cgi, or the package of embedded PHP. */
  readonly program: string
}

const WORKERS = 4
const MAX_REQUESTS = 1000
// php-wasm's memory grows from 135 to 265 MB, and never shrinks.
const EMBEDDED_WORKERS = 2
const EMBEDDED_MAX_REQUESTS = 400

/** Writes what the backend reads at its start, and says how to start it. */
export function prepareLaunch(kind: BackendKind, context: LaunchContext): Promise<Launch> {
  return PREPARE[kind](context)
}

const PREPARE = { 'php-fpm': phpFpm, 'php-cgi': phpCgi, embedded: embeddedPhp }

async function phpFpm(context: LaunchContext): Promise<Launch> {
  const { options, folder, owner, program } = context
  const { workers = WORKERS, maxRequests = MAX_REQUESTS } = options
  const configuration = join(folder.path, 'php-fpm.conf')
  // Names that nobody can guess: whoever may ask for any script must not reach these by chance.
  const secret = randomBytes(16).toString('hex')
  const statusPath = `/fpm-status-${secret}`
  const pingPath = `/fpm-ping-${secret}`
  // Root must name a user, and allow that it is root: who owns the site is who PHP runs as.
  const asRoot = process.getuid?.() === 0 && owner === undefined
  const pool = {
    ...(asRoot && { user: 0, group: 0 }),
    // Quoted, since the path may hold what means something here.
    listen: `"${folder.socket}"`,
    'listen.mode': '0600',
    // A private pool has one user: workers that wait for it cost little, and forking on demand costs each first request.
    pm: 'static',
    'pm.max_children': workers,
    'pm.max_requests': maxRequests,
    'pm.status_path': statusPath,
    'ping.path': pingPath,
    'security.limit_extensions': '.php',
    // The environment is what phpEnv() has chosen.
    clear_env: 'no',
    catch_workers_output: 'yes',
    decorate_workers_output: 'no',
  }
  const general = {
    daemonize: 'no',
    // Its log comes by stderr (-O); the file that it would open as well may be root's.
    error_log: '/dev/null',
    log_level: 'notice',
    log_limit: 65_536,
    // Without it the master asks its workers to finish, and ends them in the same breath.
    process_control_timeout: `${Math.max(1, Math.ceil(options.stopTimeout / 1000))}s`,
  }
  writePrivate(configuration, section('global', general) + section('php', pool), owner)
  return {
    kind: 'php-fpm',
    program,
    args: ['-F', '-O', '-y', configuration, ...(asRoot ? ['-R'] : [])],
    env: nativeEnv(context),
    owner,
    address: `unix:${folder.socket}`,
    workers,
    stopSignal: 'SIGQUIT',
    statusPath,
    pingPath,
  }
}

function section(name: string, directives: Readonly<Record<string, string | number>>): string {
  const lines = Object.entries(directives).map(([key, value]) => `${key} = ${value}\n`)
  return `[${name}]\n${lines.join('')}`
}

async function phpCgi(context: LaunchContext): Promise<Launch> {
  const { options, folder, owner, program } = context
  const { workers = WORKERS, maxRequests = MAX_REQUESTS } = options
  const address = await privateAddress(folder)
  return {
    kind: 'php-cgi',
    program,
    args: ['-b', address.replace(/^(unix:|tcp:\/\/)/, '')],
    env: {
      ...nativeEnv(context),
      PHP_FCGI_CHILDREN: String(workers),
      // php-cgi has no word for "never".
      PHP_FCGI_MAX_REQUESTS: String(maxRequests || 0x7f_ff_ff_ff),
    },
    owner,
    address,
    workers,
    stopSignal: 'SIGTERM',
    statusPath: undefined,
    pingPath: undefined,
  }
}

async function embeddedPhp(context: LaunchContext): Promise<Launch> {
  const { options, folder, owner, program } = context
  const { workers = EMBEDDED_WORKERS, maxRequests = EMBEDDED_MAX_REQUESTS } = options
  const address = await privateAddress(folder)
  const config: EmbeddedConfig = {
    address,
    folder: folder.path,
    modules: embeddedModules(program),
    workers,
    maxRequests,
    ini: iniText(privateIni(context)),
    env: phpEnv(process.env, options.env),
  }
  const file = join(folder.path, 'embedded.json')
  writePrivate(file, JSON.stringify(config), owner)
  return {
    kind: 'embedded',
    program: process.execPath,
    args: [fileURLToPath(new URL('./embedded/master.js', import.meta.url)), file],
    env: runtimeEnv(process.env),
    owner,
    address,
    workers,
    stopSignal: 'SIGTERM',
    statusPath: undefined,
    pingPath: undefined,
  }
}

/** The environment of a PHP that reads php.ini itself; it also says where our settings are. */
function nativeEnv(context: LaunchContext): Record<string, string> {
  const { folder, owner, options } = context
  writePrivate(join(folder.ini, 'fastcgi.ini'), iniText(privateIni(context)), owner)
  const env = phpEnv(process.env, options.env)
  // An empty part stands for the folder that PHP was built with: the machine's extensions stay.
  return { ...env, PHP_INI_SCAN_DIR: `${env['PHP_INI_SCAN_DIR'] ?? ''}${delimiter}${folder.ini}` }
}

/** Sessions and uploads go where PHP may write whoever runs it, and where they go with the backend. */
function privateIni({ folder, options }: LaunchContext): CheckedOptions['ini'] {
  const paths: Record<string, string> = { upload_tmp_dir: folder.uploads }
  // A handler that is no folder has a path of its own meaning.
  if (options.ini['session.save_handler'] === undefined) {
    paths['session.save_handler'] = 'files'
    paths['session.save_path'] = folder.sessions
  }
  return { ...paths, ...options.ini }
}

/** A socket in the private folder; Windows has none, so a free port of the loopback interface there. */
async function privateAddress(folder: PrivateFolder): Promise<string> {
  if (process.platform !== 'win32') return `unix:${folder.socket}`
  const probe = await serve(() => {}, { listen: '127.0.0.1:0' })
  await probe.close()
  return formatAddress(probe.address)
}

function writePrivate(path: string, text: string, owner: Owner | undefined): void {
  writeFileSync(path, text, { mode: 0o600 })
  if (owner) chownSync(path, owner.uid, owner.gid)
}
