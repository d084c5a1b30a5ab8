// Errors as users of undici know them: where undici has a class for what happened, it is that one, so that `error.code`, RetryHandler and
// everything else that looks at codes does what it does over HTTP. The FastCGIError is its `cause`.

import { errors } from 'undici'
import { isFastCGIError, type FastCGIError } from '../errors.ts'

/** What a handler is told of a failure. What undici knows nothing of stays the FastCGIError that it is. */
export function undiciError(error: unknown): Error {
  if (!isFastCGIError(error)) {
    return error instanceof Error ? error : new errors.RequestAbortedError(String(error))
  }
  switch (error.code) {
    case 'FCGI_ERR_SOCKET':
      return because(error, new errors.SocketError(error.message))
    case 'FCGI_ERR_CONNECT':
      return connectError(error)
    case 'FCGI_ERR_TIMEOUT':
      return timeoutError(error)
    case 'FCGI_ERR_CONTENT_LENGTH':
      return because(error, new errors.RequestContentLengthMismatchError())
    case 'FCGI_ERR_STDIN':
      // undici rejects with what the body failed with.
      return error.cause instanceof Error ? error.cause : error
    case 'FCGI_ERR_CLOSED':
      return because(error, new errors.ClientDestroyedError(error.message))
    default:
      return error
  }
}

/** What the events of a connection tell. @param cause None when the other side has closed it in good order. */
export function connectionFailure(
  cause: Error | undefined,
): InstanceType<typeof errors.SocketError> {
  const error = new errors.SocketError(cause?.message ?? 'other side closed')
  return cause ? Object.assign(error, { cause }) : error
}

function timeoutError(error: FastCGIError): Error {
  switch ('phase' in error && error.phase) {
    case 'connect':
      return because(error, new errors.ConnectTimeoutError(error.message))
    case 'headers':
      return because(error, new errors.HeadersTimeoutError(error.message))
    case 'body':
      return because(error, new errors.BodyTimeoutError(error.message))
    default:
      return error
  }
}

/** undici rejects with the error of the system, whose code (ECONNREFUSED, ENOENT, …) is what is looked at. */
function connectError(error: FastCGIError): Error {
  const { cause } = error
  const system: unknown = cause instanceof AggregateError ? cause.errors[0] : cause
  if (!(system instanceof Error) || !('code' in system)) return error
  return Object.assign(because(error, new Error(error.message)), { code: system.code })
}

/** Assigned, because not every class of every version of undici takes options. */
function because<T extends Error>(cause: FastCGIError, error: T): T {
  Object.defineProperty(error, 'cause', { value: cause, configurable: true, writable: true })
  if (error.message !== cause.message) error.message = `${error.message}: ${cause.message}`
  return error
}
