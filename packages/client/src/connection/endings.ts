// How a request that was not answered to its end is told.

import { RequestRejectedError, SocketError } from '../errors.ts'
import { ProtocolStatus, type EndRequest } from '../protocol/index.ts'

const STATUS_NAMES: Readonly<Record<number, string>> = {
  [ProtocolStatus.CantMpxConn]: 'CANT_MPX_CONN: it takes one request at a time on a connection',
  [ProtocolStatus.Overloaded]: 'OVERLOADED: it has no resources for another request',
  [ProtocolStatus.UnknownRole]: 'UNKNOWN_ROLE: it does not play the role that was asked for',
}

/** The connection ended, or broke, before the answer did. */
export function lostError(
  address: string,
  answered: boolean,
  reason: Error | undefined,
): SocketError {
  const how = reason ? `broke (${reason.message})` : 'was closed by the application'
  const when = answered
    ? 'before END_REQUEST: the answer is incomplete'
    : 'before anything was answered'
  return new SocketError(
    `connection to ${address} ${how} ${when}. Look for a crash, request_terminate_timeout or a reload in the application's log`,
    reason && { cause: reason },
  )
}

/** The application ended the request with a status other than complete. */
export function rejectedError(
  address: string,
  answered: boolean,
  end: EndRequest,
): RequestRejectedError {
  const { protocolStatus, appStatus } = end
  const name = STATUS_NAMES[protocolStatus] ?? 'a status that FastCGI does not know'
  return new RequestRejectedError(
    protocolStatus,
    appStatus,
    `${address} ended the request with protocolStatus ${protocolStatus} (${name})`,
    {
      retryable:
        !answered &&
        (protocolStatus === ProtocolStatus.CantMpxConn ||
          protocolStatus === ProtocolStatus.Overloaded),
    },
  )
}
