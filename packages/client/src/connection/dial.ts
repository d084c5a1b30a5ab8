// Opens a connection within connectTimeout, waiting out a full backlog.

import { ConnectError, TimeoutError } from '../errors.ts'
import type { Connector, Transport, TransportHandler } from '../transport/transport.ts'
import { now } from './alarm.ts'
import { announceDialed, announceUndialed } from './announce.ts'

const FIRST_DELAY = 5
const MAX_DELAY = 200

export interface DialOptions {
  readonly address: string
  /** The pool it is for, by its name. */
  readonly name: string
  readonly connect: Connector
  /** In ms, retries included; 0 waits for ever. */
  readonly connectTimeout: number
}

/**
 * Opens a transport. A unix socket whose backlog is full refuses at once (EAGAIN), where TCP would make the caller wait; so this
 * waits as well, trying again after a growing, jittered delay, until connectTimeout.
 * @param giveUp Its owner aborts it when nobody needs the transport any more, and `dial` when the time is up.
 * @throws ConnectError, TimeoutError of phase `connect`, or the reason of the abort.
 */
export async function dial(
  handler: TransportHandler,
  options: DialOptions,
  giveUp: AbortController,
): Promise<Transport> {
  const { address, connect, connectTimeout } = options
  const { signal } = giveUp
  const startedAt = now()
  const timer =
    connectTimeout > 0 &&
    setTimeout(() => giveUp.abort(timedOut(address, connectTimeout)), connectTimeout)
  try {
    const transport = await connectPatiently(connect, handler, signal)
    announceDialed(options, handler, startedAt)
    return transport
  } catch (cause) {
    const error = signal.aborted ? signal.reason : failed(address, cause)
    announceUndialed(options, error, startedAt)
    throw error
  } finally {
    if (timer) clearTimeout(timer)
  }
}

async function connectPatiently(
  connect: Connector,
  handler: TransportHandler,
  signal: AbortSignal,
): Promise<Transport> {
  for (let delay = FIRST_DELAY; ; delay = Math.min(delay * 2, MAX_DELAY)) {
    try {
      return await untilAborted(connect(handler, signal), signal)
    } catch (error) {
      if (codeOf(error) !== 'EAGAIN' || signal.aborted) throw error
    }
    await wait(delay * (0.5 + Math.random()), signal)
  }
}

/** A connector that does not look at its signal must not hold anybody up: what it brings later is closed. */
function untilAborted(opening: Promise<Transport>, signal: AbortSignal): Promise<Transport> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      reject(signal.reason)
      opening.then(
        (transport) => transport.destroy(),
        () => {},
      )
    }
    signal.addEventListener('abort', abort, { once: true })
    opening.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

function wait(delay: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      clearTimeout(timer)
      reject(signal.reason)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', abort)
      resolve()
    }, delay)
    signal.addEventListener('abort', abort, { once: true })
  })
}

const HINTS: Readonly<Record<string, string>> = {
  ENOENT:
    'there is no such socket: is the application running, and does its configuration name this path?',
  ECONNREFUSED: 'nothing listens there: is the application running?',
  EACCES:
    'no permission: add this user to the group of the socket (php-fpm: listen.owner, listen.group, listen.mode)',
  ENOTFOUND: 'the host name is not known',
  ENOTSOCK: 'the path is not a socket',
}

function failed(address: string, cause: unknown): ConnectError {
  const code = codeOf(cause)
  const hint = code !== undefined && HINTS[code] !== undefined ? `: ${HINTS[code]}` : ''
  const what = code ?? (cause instanceof Error ? cause.message : String(cause))
  return new ConnectError(`cannot connect to ${address} (${what})${hint}`, { cause })
}

function timedOut(address: string, timeout: number): TimeoutError {
  return new TimeoutError(
    'connect',
    `no connection to ${address} within ${timeout} ms (connectTimeout): all its workers may be busy and its backlog full`,
  )
}

/** The system's code; an attempt at several addresses of a host fails with an AggregateError, whose members carry it. */
function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  if ('code' in error && typeof error.code === 'string') return error.code
  return error instanceof AggregateError ? codeOf(error.errors[0]) : undefined
}
