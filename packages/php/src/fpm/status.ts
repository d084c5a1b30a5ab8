// php-fpm's status page as data: every field of PHP 7.4 to 8.5, and those that may come.

import type { Executor } from '@fastcgi/client'
import { FpmError } from './errors.ts'
import { fpmPage, type FpmPage, type FpmPageOptions } from './page.ts'

/** The page as php-fpm writes it in JSON; its names have spaces. */
export type FpmFields = Readonly<Record<string, unknown>>

/** One pool. Sizes in bytes. */
export interface FpmStatus {
  /** What php-fpm said. */
  readonly fields: FpmFields
  readonly pool: string
  /** `static`, `dynamic` or `ondemand`. */
  readonly processManager: string
  /** Since when the pool runs, in seconds since 1970. */
  readonly startTime: number
  /** For how long, in seconds. */
  readonly startSince: number
  readonly acceptedConnections: number
  /** Connections that wait for a worker. */
  readonly listenQueue: number
  /** The most that ever waited. */
  readonly maxListenQueue: number
  /** How many may wait: the backlog. */
  readonly listenQueueLength: number
  readonly idle: number
  /** Workers that are not idle; the one that answers with this page is among them. */
  readonly active: number
  readonly total: number
  /** The most that were ever active. php-fpm miscounts under load: it may be more than there are workers. */
  readonly maxActive: number
  /** How often another worker was wanted, and `pm.max_children` did not allow it. */
  readonly maxChildrenReached: number
  /** Requests that took longer than `request_slowlog_timeout`. */
  readonly slowRequests: number
  /** The most memory that a request has taken. Since PHP 8.5. */
  readonly memoryPeak: number | undefined
  /** Undefined unless the page was asked for in full. */
  readonly processes: readonly FpmProcess[] | undefined
  /** Fields that are not known here. */
  readonly others: readonly (readonly [name: string, value: string])[]
}

/** One worker. What it says of a request is of the one that it runs, or of its last one. */
export interface FpmProcess {
  readonly pid: number
  /** `Idle`, `Running`, `Reading headers`, `Getting request information`, `Finishing` or `Ending`. */
  readonly state: string
  /** Since when it runs, in seconds since 1970. */
  readonly startTime: number
  /** For how long, in seconds. */
  readonly startSince: number
  /** How many it has answered. */
  readonly requests: number
  /** In µs. */
  readonly duration: number
  readonly method: string
  readonly uri: string
  /** Of its body, in bytes. */
  readonly contentLength: number
  /** Who has logged in (PHP_AUTH_USER); `-` for nobody. */
  readonly user: string
  /** The path of the file. */
  readonly script: string
  /** Of the last request, in percent of a core; 0 while one runs. */
  readonly cpu: number
  /** Of the last request, in bytes; 0 while one runs. */
  readonly memory: number
}

/** Options of {@link fpmStatus}. */
export interface FpmStatusOptions extends FpmPageOptions {
  /** The `pm.status_path` of the pool. @default /status */
  readonly path?: string | undefined
  /** Whether to ask for every worker: `processes`. @default true */
  readonly full?: boolean | undefined
}

/**
 * Asks php-fpm what it does. A worker answers, as any other request, unless the pool has a `pm.status_listen` of its own.
 * @throws FpmError `FPM_ERR_NO_PAGE` without a status page, `FPM_ERR_PAGE` when something else was answered; FastCGIError when nothing was.
 * @example
 * const { active, total, listenQueue } = await fpmStatus(pool)
 */
export async function fpmStatus(
  executor: Executor,
  options: FpmStatusOptions = {},
): Promise<FpmStatus> {
  const { path = '/status', full = true } = options
  const page = await fpmPage(executor, path, full ? 'json&full' : 'json', options)
  const status = readFpmStatus(page)
  if (status) return status
  const { status: code } = page.head
  throw code === 404
    ? new FpmError(
        'FPM_ERR_NO_PAGE',
        code,
        `php-fpm answers, but has no status page at ${path}: set pm.status_path = ${path} in its pool`,
      )
    : new FpmError(
        'FPM_ERR_PAGE',
        code,
        `the answer at ${path} was ${code}, and is no status page of php-fpm`,
      )
}

const KNOWN: ReadonlySet<string> = new Set([
  'pool',
  'process manager',
  'start time',
  'start since',
  'accepted conn',
  'listen queue',
  'max listen queue',
  'listen queue len',
  'idle processes',
  'active processes',
  'total processes',
  'max active processes',
  'max children reached',
  'slow requests',
  'memory peak',
  'processes',
])

/** Reads a page that was asked for with `json`. @returns undefined when it is no status page. */
export function readFpmStatus(page: FpmPage): FpmStatus | undefined {
  const fields = page.head.status === 200 ? objectOf(page.text) : undefined
  if (!fields || typeof fields['pool'] !== 'string') return undefined
  const number = (name: string): number => numberOf(fields[name])
  const list = fields['processes']
  const processes = Array.isArray(list) ? list.map(readProcess) : undefined
  return {
    fields,
    pool: fields['pool'],
    processManager: textOf(fields['process manager']),
    startTime: number('start time'),
    startSince: number('start since'),
    acceptedConnections: number('accepted conn'),
    listenQueue: number('listen queue'),
    maxListenQueue: number('max listen queue'),
    listenQueueLength: number('listen queue len'),
    // php-fpm's own numbers lag behind; they may even exceed pm.max_children.
    idle: processes?.filter(({ state }) => state === 'Idle').length ?? number('idle processes'),
    active: processes?.filter(({ state }) => state !== 'Idle').length ?? number('active processes'),
    total: processes?.length ?? number('total processes'),
    maxActive: number('max active processes'),
    maxChildrenReached: number('max children reached'),
    slowRequests: number('slow requests'),
    memoryPeak: 'memory peak' in fields ? number('memory peak') : undefined,
    processes,
    others: Object.entries(fields)
      .filter(([name]) => !KNOWN.has(name))
      .map(([name, value]) => [name, textOf(value)]),
  }
}

function readProcess(value: unknown): FpmProcess {
  const fields = isObject(value) ? value : {}
  return {
    pid: numberOf(fields['pid']),
    state: textOf(fields['state']),
    startTime: numberOf(fields['start time']),
    startSince: numberOf(fields['start since']),
    requests: numberOf(fields['requests']),
    duration: numberOf(fields['request duration']),
    method: textOf(fields['request method']),
    uri: textOf(fields['request uri']),
    contentLength: numberOf(fields['content length']),
    user: textOf(fields['user']),
    script: textOf(fields['script']),
    cpu: numberOf(fields['last request cpu']),
    memory: numberOf(fields['last request memory']),
  }
}

function objectOf(text: string): FpmFields | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is FpmFields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function numberOf(value: unknown): number {
  const number = Number(value)
  return Number.isFinite(number) ? number : 0
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}
