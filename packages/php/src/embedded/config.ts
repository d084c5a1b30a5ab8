// What the processes of embedded PHP are told, and tell each other.

import { readFileSync } from 'node:fs'
import process from 'node:process'
import type { EmbeddedModules } from './find.ts'

/** Written by startPhp, read by the master and its workers. */
export interface EmbeddedConfig {
  /** Where the master listens. */
  readonly address: string
  /** For the workers' own sockets. */
  readonly folder: string
  readonly modules: EmbeddedModules
  readonly workers: number
  /** `0` for no limit. */
  readonly maxRequests: number
  /** The text of a php.ini, read after php-wasm's own. */
  readonly ini: string
  readonly env: Readonly<Record<string, string>>
}

/** From the master to a worker: tell me when nothing runs any more. */
export const SETTLE = 'settle'

/** From a worker to the master. */
export type WorkerMessage =
  | { readonly type: 'ready'; readonly address: string }
  /** Nothing runs; with the memory that the process has taken, in bytes. */
  | { readonly type: 'settled'; readonly memory: number }

/** The configuration whose file the first argument of this process names. */
export function readConfig(): EmbeddedConfig {
  return JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as EmbeddedConfig
}

/** Writes a line to the log of the backend, in the form that php-fpm uses. */
export function log(level: 'NOTICE' | 'WARNING' | 'ERROR', message: string): void {
  process.stderr.write(`${level}: ${message.replaceAll('\n', ' ')}\n`)
}
