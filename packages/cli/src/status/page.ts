// php-fpm's status page as data: every field of PHP 7.4 to 8.5, and those that may come.

import { Exit, Failure } from '../failure.ts'
import type { Page } from '../fpm-page.ts'

/** The page as php-fpm writes it in JSON; its names have spaces. */
export type Fields = Readonly<Record<string, unknown>>

/** One pool. Times in seconds, sizes in bytes. */
export interface FpmStatus {
  readonly fields: Fields
  readonly pool: string
  readonly processManager: string
  readonly startSince: number
  readonly acceptedConnections: number
  readonly listenQueue: number
  readonly maxListenQueue: number
  readonly listenQueueLength: number
  /** Workers that are not idle; the one that answers with this page is among them. */
  readonly active: number
  readonly total: number
  readonly maxActive: number
  readonly maxChildrenReached: number
  readonly slowRequests: number
  /** Since PHP 8.5. */
  readonly memoryPeak: number | undefined
  /** Undefined unless the page was asked for in full. */
  readonly processes: readonly FpmProcess[] | undefined
  /** Fields that are not known here. */
  readonly others: readonly (readonly [name: string, value: string])[]
}

/** One worker. */
export interface FpmProcess {
  readonly pid: number
  readonly state: string
  /** In seconds. */
  readonly startSince: number
  readonly requests: number
  /** In µs. */
  readonly duration: number
  readonly method: string
  readonly uri: string
  readonly contentLength: number
  readonly user: string
  readonly script: string
  /** Percent of a core. */
  readonly cpu: number
  /** In bytes. */
  readonly memory: number
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

/** @returns undefined when the answer is no status page. */
export function readStatus(page: Page): FpmStatus | undefined {
  const fields = page.head.status === 200 ? objectOf(page.text) : undefined
  if (!fields || typeof fields['pool'] !== 'string') return undefined
  const number = (name: string): number => numberOf(fields[name])
  const list = fields['processes']
  const processes = Array.isArray(list) ? list.map(readProcess) : undefined
  return {
    fields,
    pool: fields['pool'],
    processManager: textOf(fields['process manager']),
    startSince: number('start since'),
    acceptedConnections: number('accepted conn'),
    listenQueue: number('listen queue'),
    maxListenQueue: number('max listen queue'),
    listenQueueLength: number('listen queue len'),
    // php-fpm's own numbers lag behind; they may even exceed pm.max_children.
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

/** What to tell when there is no status page where one was expected. */
export function noStatusPage(address: string, path: string, { head }: Page): Failure {
  return new Failure(
    Exit.No,
    head.status === 404
      ? `${address} answers, but has no status page at ${path}: set pm.status_path = ${path} in its pool, or give --path`
      : `${address} answered ${head.status} at ${path}, and that is no status page of php-fpm`,
  )
}

function objectOf(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Fields {
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
