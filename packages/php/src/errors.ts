// What can go wrong before a backend runs, told in one error.

import type { PhpKind } from './options.ts'

/**
 * - `PHP_ERR_NOT_FOUND`: there is no PHP of the kind that was asked for.
 * - `PHP_ERR_START`: it is there, and did not start.
 * - `PHP_ERR_TIMEOUT`: it started, and did not listen within `startTimeout`.
 * - `PHP_ERR_UNREACHABLE`: nobody accepts connections at the given address.
 */
export type PhpStartErrorCode =
  | 'PHP_ERR_NOT_FOUND'
  | 'PHP_ERR_START'
  | 'PHP_ERR_TIMEOUT'
  | 'PHP_ERR_UNREACHABLE'

/** One backend that was tried, and why it does not serve. */
export interface PhpAttempt {
  readonly kind: PhpKind
  /** The program, address or package; undefined when none was found. */
  readonly target: string | undefined
  readonly reason: string
}

/** What {@link PhpStartError} is made of. */
export interface PhpStartErrorOptions {
  attempts?: readonly PhpAttempt[]
  log?: readonly string[]
  cause?: unknown
}

/** No backend could be started, or the one that was asked for could not. Nothing is left running. */
export class PhpStartError extends Error {
  readonly code: PhpStartErrorCode
  /** What was tried, in order. */
  readonly attempts: readonly PhpAttempt[]
  /** The last lines that the backend wrote before it failed, oldest first. */
  readonly log: readonly string[]

  constructor(code: PhpStartErrorCode, message: string, options: PhpStartErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.name = 'PhpStartError'
    this.code = code
    this.attempts = options.attempts ?? []
    this.log = options.log ?? []
  }
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
