// What connections tell to those who listen on diagnostics channels.

import { channels } from '../diagnostics.ts'
import { ClosedError } from '../errors.ts'
import type { Exchange } from './exchange.ts'

/** @param reused Whether the connection has answered another request before. */
export function announceStart(address: string, exchange: Exchange, reused: boolean): void {
  if (!channels.requestStart.hasSubscribers) return
  channels.requestStart.publish({ request: exchange, address, queued: exchange.age, reused })
}

/**
 * @param served How many requests the connection has answered.
 * @param reason Whatever it was closed for; only a failure is told.
 */
export function announceClose(address: string, served: number, reason: unknown): void {
  if (!channels.connectionClose.hasSubscribers) return
  const error = reason instanceof Error && !(reason instanceof ClosedError) ? reason : undefined
  channels.connectionClose.publish({ address, served, error })
}
