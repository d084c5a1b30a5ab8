// What the doctor looks at, and what it finds.

import { formatAddress, type Address } from '@fastcgi/client'
import type { RequestUrl } from '../request/url.ts'
import type { ParamFlags } from '../request/params.ts'
import type { Io } from '../io.ts'

/** Which part of the way to a script is looked at, in this order. */
export const CHECKS = ['address', 'socket', 'connection', 'protocol', 'workers', 'script'] as const
export type Check = (typeof CHECKS)[number]

/** What one check has found. */
export interface Finding {
  readonly check: Check
  readonly outcome: 'ok' | 'warning' | 'failed' | 'skipped'
  readonly detail: string
  /** What to change, the likeliest first. */
  readonly remedies: readonly string[]
}

/** What is to be examined. */
export interface Patient {
  readonly address: Address
  /** How long each check may take, in ms. */
  readonly patience: number
  readonly statusPath: string
  /** Undefined when no script was asked for. */
  readonly url: RequestUrl | undefined
  readonly flags: ParamFlags
  readonly io: Io
}

export function nameOf({ address }: Patient): string {
  return formatAddress(address)
}

export function ok(check: Check, detail: string): Finding {
  return { check, outcome: 'ok', detail, remedies: [] }
}

export function failed(check: Check, detail: string, ...remedies: string[]): Finding {
  return { check, outcome: 'failed', detail, remedies }
}

export function warning(check: Check, detail: string, ...remedies: string[]): Finding {
  return { check, outcome: 'warning', detail, remedies }
}

export function skipped(check: Check, detail: string, ...remedies: string[]): Finding {
  return { check, outcome: 'skipped', detail, remedies }
}
