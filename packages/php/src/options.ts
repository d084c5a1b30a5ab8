// The one place that checks options: what comes out of here has every value, in range.

import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { formatAddress, parseAddress } from '@fastcgi/client'
import { checkIni, type IniSettings } from './ini.ts'
import type { PhpLogEntry } from './log.ts'

/** Where PHP runs: at an address that is used as it is, or in processes that are started. */
export type PhpKind = 'address' | BackendKind
/** The backends that can be started, the best first. */
export type BackendKind = 'php-fpm' | 'php-cgi' | 'embedded'

/** Options of {@link startPhp}. All times in ms. */
export interface StartPhpOptions {
  /** The folder of the site; made absolute. It must exist. PHP starts in it. */
  root: string
  /** Which backend to start; `'auto'` takes the first of php-fpm, php-cgi, embedded that works. @default 'auto' */
  backend?: 'auto' | BackendKind | undefined
  /** A FastCGI application that runs already: used as it is, nothing is started. Excludes `backend` and `program`. @default none */
  address?: string | undefined
  /** The path of php-fpm or php-cgi, instead of a search. @default PHP_FPM, PHP_CGI, or what is found */
  program?: string | undefined
  /** How many requests run at a time. @default 4; 2 for embedded PHP, which takes 135 to 265 MB for each */
  workers?: number | undefined
  /** After how many requests a worker is replaced; `0` for never. @default 1000; 400 for embedded PHP */
  maxRequests?: number | undefined
  /** php.ini settings, read after the machine's own php.ini; scripts may change them as they may there. @default none */
  ini?: IniSettings | undefined
  /** Environment variables of PHP, beside those of this process; an empty one hides it. @default none */
  env?: Readonly<Record<string, string>> | undefined
  /** How long a backend may take until it listens. @default 10_000; 30_000 for embedded PHP */
  startTimeout?: number | undefined
  /** How long `close()` waits for requests that run. @default 10_000 */
  stopTimeout?: number | undefined
  /** Gets each line of the backend's log, and what this package does about the backend. @default dropped */
  onLog?: ((entry: PhpLogEntry) => void) | undefined
  /** Aborts the start; without effect once it is done. @default none */
  signal?: AbortSignal | undefined
}

/** Options with every value given, as far as it does not depend on the backend. */
export interface CheckedOptions {
  readonly root: string
  readonly backend: 'auto' | BackendKind
  readonly address: string | undefined
  readonly program: string | undefined
  readonly workers: number | undefined
  readonly maxRequests: number | undefined
  readonly ini: IniSettings
  readonly env: Readonly<Record<string, string>>
  readonly startTimeout: number | undefined
  readonly stopTimeout: number
  readonly onLog: (entry: PhpLogEntry) => void
  readonly signal: AbortSignal | undefined
}

const KINDS: readonly string[] = ['auto', 'php-fpm', 'php-cgi', 'embedded']
const NAMES: readonly string[] = [
  'root',
  'backend',
  'address',
  'program',
  'workers',
  'maxRequests',
  'ini',
  'env',
  'startTimeout',
  'stopTimeout',
  'onLog',
  'signal',
]
const MAX_TIMER = 0x7f_ff_ff_ff
const STOP_TIMEOUT = 10_000

/** @throws TypeError that names the option and what it takes. */
export function checkOptions(options: StartPhpOptions): CheckedOptions {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError('options must be an object')
  }
  const unknown = Object.keys(options).find((name) => !NAMES.includes(name))
  if (unknown !== undefined) {
    throw new TypeError(`unknown option ${JSON.stringify(unknown)}; there are ${NAMES.join(', ')}`)
  }
  const { backend = 'auto', onLog = () => {}, signal } = options
  if (!KINDS.includes(backend)) {
    throw new TypeError(
      `backend must be one of ${KINDS.join(', ')}, not ${JSON.stringify(backend)}`,
    )
  }
  if (typeof onLog !== 'function') throw new TypeError('onLog must be a function')
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new TypeError('signal must be an AbortSignal')
  }
  return {
    root: checkRoot(options.root),
    backend,
    address: checkAddress(options),
    program: checkProgram(options),
    workers: wholeNumber('workers', options.workers, 1, 1024),
    maxRequests: wholeNumber('maxRequests', options.maxRequests, 0, Number.MAX_SAFE_INTEGER),
    ini: checkIni(options.ini ?? {}),
    env: checkEnv(options.env ?? {}),
    startTimeout: wholeNumber('startTimeout', options.startTimeout, 1, MAX_TIMER),
    stopTimeout: wholeNumber('stopTimeout', options.stopTimeout, 0, MAX_TIMER) ?? STOP_TIMEOUT,
    onLog,
    signal,
  }
}

function checkRoot(root: unknown): string {
  if (typeof root !== 'string' || root === '') {
    throw new TypeError('root must be the path of the folder that holds the site')
  }
  const path = resolve(root)
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats?.isDirectory()) return path
  throw new TypeError(`root ${path} ${stats ? 'is no folder' : 'does not exist'}`)
}

function checkAddress({ address, backend, program }: StartPhpOptions): string | undefined {
  if (address === undefined) return undefined
  if (program !== undefined || (backend ?? 'auto') !== 'auto') {
    throw new TypeError('address excludes backend and program: nothing is started with it')
  }
  return formatAddress(parseAddress(address))
}

function checkProgram({ program, backend }: StartPhpOptions): string | undefined {
  if (program === undefined) return undefined
  if (typeof program !== 'string' || program === '') {
    throw new TypeError('program must be the path of php-fpm or php-cgi')
  }
  if (backend === 'embedded') throw new TypeError('program: embedded PHP is no program')
  return resolve(program)
}

function checkEnv(env: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  for (const [name, value] of Object.entries(env)) {
    if (!/^[^=\0]+$/.test(name) || typeof value !== 'string' || value.includes('\0')) {
      throw new TypeError(`env ${JSON.stringify(name)} must be a name with a string`)
    }
  }
  return { ...env }
}

function wholeNumber(
  name: string,
  value: unknown,
  least: number,
  most: number,
): number | undefined {
  if (value === undefined) return undefined
  if (Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most) {
    return Number(value)
  }
  throw new TypeError(
    `${name} must be a whole number from ${least} to ${most}, not ${JSON.stringify(value)}`,
  )
}
