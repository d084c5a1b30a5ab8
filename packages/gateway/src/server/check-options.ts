// Options of the server -> what it works with, every value given; the rest is the gateway's.

import { availableParallelism } from 'node:os'
import { refuseUnknown, within } from '../checks.ts'
import { GATEWAY_OPTIONS } from '../gateway.ts'
import type { GatewayOptions } from '../options.ts'
import { parseListen, type Endpoint } from './endpoint.ts'
import type {
  ListenOptions,
  PhpOptions,
  ServeOptions,
  ServerLimits,
  TlsOptions,
} from './options.ts'

export type CheckedLimits = { readonly [Name in keyof ServerLimits]-?: number }

export interface CheckedServeOptions {
  readonly gateway: GatewayOptions
  readonly endpoints: readonly Endpoint[]
  readonly admin: Endpoint | undefined
  readonly tls: TlsOptions | undefined
  /** 0: this process answers itself. */
  readonly workers: number
  readonly drainTimeout: number
  readonly php: PhpOptions | undefined
  readonly limits: CheckedLimits
  readonly signals: boolean
  readonly reload: ServeOptions['reload']
}

const SERVER_OPTIONS = [
  'listen',
  'tls',
  'h2c',
  'admin',
  'workers',
  'drainTimeout',
  'php',
  'limits',
  'signals',
  'reload',
] satisfies (keyof ServeOptions)[]
const LIMITS: CheckedLimits = {
  headersTimeout: 20_000,
  keepAliveTimeout: 65_000,
  maxHeaderSize: 32 * 1024,
  maxConnections: 0,
  maxRequestsPerConnection: 0,
  maxConcurrentStreams: 128,
}
const MAX_TIMER = 0x7f_ff_ff_ff

/** @throws TypeError that names the option and what it takes. */
export function checkServeOptions(options: ServeOptions): CheckedServeOptions {
  refuseUnknown(options, [...SERVER_OPTIONS, ...GATEWAY_OPTIONS])
  const { listen = 8080, tls, h2c, admin, workers, drainTimeout = 30_000, ...others } = options
  const { php, limits = {}, signals = false, reload, ...gateway } = others
  if (typeof signals !== 'boolean') throw new TypeError('signals must be true or false')
  if (reload !== undefined && typeof reload !== 'function') {
    throw new TypeError('reload must be a function')
  }
  checkTls(tls)
  const listeners = (Array.isArray(listen) ? listen : [listen]) as readonly ListenOptions[]
  const endpoints = listeners.map((one, at) =>
    parseListen(Array.isArray(listen) ? `listen[${at}]` : 'listen', one, tls ? 'https' : 'http'),
  )
  if (h2c !== undefined) endpoints.push(parseListen('h2c', h2c, 'h2c'))
  if (endpoints.length === 0) throw new TypeError('listen must name at least one address')
  return {
    gateway,
    endpoints,
    admin: admin === undefined ? undefined : parseListen('admin', admin, 'http'),
    tls,
    workers: workerCount(workers),
    drainTimeout: whole('drainTimeout', drainTimeout, 0, MAX_TIMER),
    php: phpOptions(php, gateway),
    limits: checkLimits(limits),
    signals,
    reload,
  }
}

function checkTls(tls: TlsOptions | undefined): void {
  if (tls === undefined) return
  within('tls', () => refuseUnknown(tls, ['cert', 'key', 'passphrase', 'minVersion']))
  for (const name of ['cert', 'key'] as const) {
    if (typeof tls[name] !== 'string' || tls[name] === '') {
      throw new TypeError(`tls.${name} must be PEM text or the path of a file`)
    }
  }
}

function checkLimits(limits: ServerLimits): CheckedLimits {
  within('limits', () => refuseUnknown(limits, Object.keys(LIMITS)))
  const checked: Record<string, number> = { ...LIMITS }
  for (const [name, value] of Object.entries(limits) as [string, unknown][]) {
    if (value === undefined) continue
    const least = name === 'maxHeaderSize' || name === 'maxConcurrentStreams' ? 1 : 0
    checked[name] = whole(`limits.${name}`, value, least, MAX_TIMER)
  }
  return checked as CheckedLimits
}

function workerCount(workers: unknown): number {
  if (workers === undefined) return 0
  return workers === 'auto' ? availableParallelism() : whole('workers', workers, 1, 1024)
}

function phpOptions(php: unknown, gateway: GatewayOptions): CheckedServeOptions['php'] {
  if (php === undefined || php === false) return undefined
  if (gateway.backend !== undefined) {
    throw new TypeError('php starts a backend, and backend names one: give one of the two')
  }
  if (php === true) return {}
  if (typeof php === 'object' && php !== null) return php
  throw new TypeError('php must be options of startPhp, or true')
}

function whole(name: string, value: unknown, least: number, most: number): number {
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) {
    return value as number
  }
  throw new TypeError(
    `${name} must be a whole number from ${least} to ${most}, not ${String(value)}`,
  )
}
