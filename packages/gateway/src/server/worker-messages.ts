// What a server and its workers say to each other. Everything is plain data, under one name, so that a program may use the channel, too.

import type { BackendStatus } from './instance.ts'
import type { MetricFamily } from './metric-families.ts'
import type { PhpPool } from './php.ts'

/** What a worker is started with. */
export interface WorkerTask {
  /** Which place it takes; a worker that replaces another has the same. */
  readonly slot: number
  /** The PHP that was started for all of them. */
  readonly backend: PhpPool | undefined
}

/** What a worker is doing. */
export interface WorkerReport {
  readonly families: readonly MetricFamily[]
  readonly active: number
  readonly backends: readonly BackendStatus[]
}

export type ToWorker =
  | { readonly type: 'report'; readonly id: number }
  | { readonly type: 'close' }
  | { readonly type: 'destroy' }

export type FromWorker =
  | { readonly type: 'ready'; readonly addresses: readonly string[] }
  | { readonly type: 'failed'; readonly message: string; readonly listen: FailedListen | undefined }
  | { readonly type: 'report'; readonly id: number; readonly report: WorkerReport }
  | { readonly type: 'closed'; readonly cut: number; readonly report: WorkerReport }

export interface FailedListen {
  readonly address: string
  readonly code: string
}

const NAME = '@fastcgi/gateway'

export function wrap(message: ToWorker | FromWorker): object {
  return { [NAME]: message }
}

/** Undefined for what others say. */
export function unwrap(message: unknown): unknown {
  if (typeof message !== 'object' || message === null || !(NAME in message)) return undefined
  return message[NAME]
}

/** The environment variable that a worker finds its task in. */
export const TASK_VARIABLE = 'FASTCGI_GATEWAY_WORKER'
