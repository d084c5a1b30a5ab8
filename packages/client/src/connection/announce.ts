// What requests and connections tell to those who listen on diagnostics channels. For nobody, nothing is made.

import { channels, type PoolState, type RequestCreateMessage } from '../diagnostics.ts'
import { ClosedError } from '../errors.ts'
import { paramPairs, paramText } from '../protocol/index.ts'
import { now } from './alarm.ts'
import { paramValue, preparedValue } from './content-length.ts'
import type { Exchange } from './exchange.ts'

/** Whoever listens may still change the params. */
export function announceCreate(exchange: Exchange, pool: PoolState): void {
  if (!channels.requestCreate.hasSubscribers) return
  const message: RequestCreateMessage = {
    request: exchange,
    address: exchange.address,
    pool,
    role: exchange.role,
    param: (name) =>
      paramValue(exchange.params, name) ?? preparedValue(exchange.request.prepared, name),
    setParams: (params) => changeParams(exchange, params),
  }
  channels.requestCreate.publish(message)
}

/** The exchange waits in a queue. */
export function announceQueue(exchange: Exchange): void {
  if (!channels.requestQueue.hasSubscribers) return
  channels.requestQueue.publish({ request: exchange, address: exchange.address })
}

/** @param reused Whether the connection has answered another request before. */
export function announceStart(exchange: Exchange, connection: object, reused: boolean): void {
  if (!channels.requestStart.hasSubscribers) return
  const { address, age: queued } = exchange
  channels.requestStart.publish({ request: exchange, address, connection, queued, reused })
}

/** All of the request was handed to the transport. */
export function announceSent(exchange: Exchange): void {
  // An application may answer, and the exchange be over, while the last piece waits for a place in the buffer.
  if (!channels.requestSent.hasSubscribers || exchange.finished) return
  channels.requestSent.publish({ request: exchange, address: exchange.address })
}

/** @param startedAt On the clock of `now()`. */
export function announceDialed(dialled: Dialled, connection: object, startedAt: number): void {
  if (!channels.connectionOpen.hasSubscribers) return
  const { address, name: pool } = dialled
  channels.connectionOpen.publish({ address, pool, connection, duration: now() - startedAt })
}

/** @param startedAt On the clock of `now()`. */
export function announceUndialed(dialled: Dialled, error: unknown, startedAt: number): void {
  if (!channels.connectionError.hasSubscribers) return
  const { address, name: pool } = dialled
  channels.connectionError.publish({ address, pool, duration: now() - startedAt, error })
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

/** For whom was dialled. */
interface Dialled {
  readonly address: string
  readonly name: string
}

function changeParams(
  exchange: Exchange,
  changes: Readonly<Record<string, string | undefined>>,
): void {
  const { params } = exchange
  if (!(Symbol.iterator in params)) {
    exchange.params = { ...params, ...changes }
    return
  }
  const kept = paramPairs(params).filter(([name]) => !Object.hasOwn(changes, paramText(name)))
  exchange.params = [...kept, ...paramPairs(changes)]
}
