// The one place that checks options: what comes out of here has every value, in range.

import type { RequestOptions, RequestTimeouts } from '../connection/request.ts'
import { formatAddress, parseAddress, type Address } from '../transport/address.ts'
import type { Connector } from '../transport/transport.ts'

/** Options of a Client. All times in ms, all sizes in bytes. */
export interface ClientOptions extends RequestTimeouts {
  /** What metrics and traces call it, to tell several pools to one address apart. @default the address, as messages name it */
  name?: string | undefined
  /** How to open a connection. @default node:net to the address; in `@fastcgi/client/web` it must be given */
  connect?: Connector | undefined
  /** For opening a connection, waiting for a place in a full backlog included; `0` waits for ever. @default 10_000 */
  connectTimeout?: number | undefined
  /** Whether a connection serves more than one request. @default true */
  keepAlive?: boolean | undefined
  /**
   * How long a connection is kept without a request; `0` keeps it until the application closes it. Short by default, because an idle
   * connection occupies a php-fpm worker. @default 500
   */
  keepAliveTimeout?: number | undefined
  /**
   * After how many requests a connection is closed, so that other clients of the same php-fpm get a worker, too; `0` for no limit.
   * @default 1000
   */
  maxRequestsPerConnection?: number | undefined
  /** How many requests may wait while all connections are busy; one more fails at once. @default 1024 */
  maxQueue?: number | undefined
  /** The largest answer that `execute` collects, stdout and stderr together; `0` for no limit. @default 67_108_864 (64 MiB) */
  maxResponseSize?: number | undefined
  /** How much of a stdin of unknown length is collected to learn its CONTENT_LENGTH. @default 16_777_216 (16 MiB) */
  maxBufferedStdin?: number | undefined
  /** Lets a param of more than 65,528 bytes span two records. Legal, but php-fpm resets the connection. @default false */
  spanParams?: boolean | undefined
}

/** Options of a Pool. */
export interface PoolOptions extends ClientOptions {
  /**
   * The most connections that are open at a time. Keep it below php-fpm's `pm.max_children` as long as others use the same php-fpm.
   * @default 4, which leaves one of the 5 workers of a stock Debian php-fpm free
   */
  connections?: number | undefined
}

/** What no option can do without where no sockets are: a way to open connections. */
export interface GivenConnector {
  /** How to open a connection: mostly `fromStreams(…)`. */
  connect: Connector
}

/** Options with every value given. */
export type CheckedOptions = Readonly<
  Required<{ [Name in keyof PoolOptions]: NonNullable<PoolOptions[Name]> }> & { address: string }
>

const MAX_TIMER = 0x7f_ff_ff_ff
const TIMEOUTS = {
  queueTimeout: 30_000,
  headersTimeout: 60_000,
  bodyTimeout: 60_000,
  requestTimeout: 0,
}
const NUMBERS = {
  ...TIMEOUTS,
  connectTimeout: 10_000,
  keepAliveTimeout: 500,
  connections: 4,
  maxRequestsPerConnection: 1000,
  maxQueue: 1024,
  maxResponseSize: 64 * 1024 * 1024,
  maxBufferedStdin: 16 * 1024 * 1024,
}
const NO_CONNECTOR =
  'connect is missing: this door of the library has no sockets of its own. Give it fromStreams(…), or import from @fastcgi/client'
const BOOLEANS = { keepAlive: true, spanParams: false }

/** @throws TypeError that names the option and what it takes. */
export function checkOptions(address: string | Address, options: PoolOptions): CheckedOptions {
  const target = parseAddress(address)
  refuseUnknown(options, [...Object.keys(NUMBERS), ...Object.keys(BOOLEANS), 'connect', 'name'])
  const checked = { ...NUMBERS, ...BOOLEANS }
  for (const name of keysOf(NUMBERS)) {
    checked[name] = numberOption(name, options[name] ?? NUMBERS[name])
  }
  for (const name of keysOf(BOOLEANS)) checked[name] = booleanOption(name, options[name])
  const { connect } = options
  if (connect === undefined) throw new TypeError(NO_CONNECTOR)
  if (typeof connect !== 'function') throw new TypeError('connect must be a function')
  const name = options.name ?? formatAddress(target)
  if (typeof name !== 'string' || name === '')
    throw new TypeError('name must be a string with something in it')
  return { ...checked, connect, name, address: formatAddress(target) }
}

/** @throws TypeError that names the option and what it takes. */
export function checkRequestOptions(options: RequestOptions): RequestOptions {
  refuseUnknown(options, [...Object.keys(TIMEOUTS), 'signal'])
  for (const name of keysOf(TIMEOUTS)) {
    if (options[name] !== undefined) numberOption(name, options[name])
  }
  const { signal } = options
  if (signal !== undefined && !(typeof signal === 'object' && 'aborted' in signal)) {
    throw new TypeError('signal must be an AbortSignal')
  }
  return options
}

/** @throws TypeError that names the first option that is not known: a misspelt limit is no limit. */
export function refuseUnknown(options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError('options must be an object')
  }
  const unknown = Object.keys(options).find((name) => !known.includes(name))
  if (unknown !== undefined) {
    throw new TypeError(`unknown option ${JSON.stringify(unknown)}; there are ${known.join(', ')}`)
  }
}

function numberOption(name: keyof typeof NUMBERS, value: unknown): number {
  const least = name === 'connections' ? 1 : 0
  const timer = name.endsWith('Timeout')
  if (timer ? isTime(value) : Number.isSafeInteger(value) && (value as number) >= least) {
    return value as number
  }
  const range = timer
    ? `a number of ms from 0 to ${MAX_TIMER}`
    : `a whole number, at least ${least}`
  throw new TypeError(`${name} must be ${range}, not ${String(value)}`)
}

function isTime(value: unknown): boolean {
  return typeof value === 'number' && value >= 0 && value <= MAX_TIMER
}

function booleanOption(name: keyof typeof BOOLEANS, value: unknown = BOOLEANS[name]): boolean {
  if (typeof value === 'boolean') return value
  throw new TypeError(`${name} must be true or false, not ${String(value)}`)
}

function keysOf<T extends object>(object: T): (keyof T)[] {
  return Object.keys(object) as (keyof T)[]
}
