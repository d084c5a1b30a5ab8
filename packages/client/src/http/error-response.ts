// A failure -> the status that a gateway answers with. What went wrong stays on this side: no path, no stderr, no address.

import { isFastCGIError, type FastCGIError, type FastCGIErrorCode } from '../errors.ts'

const STATUS: Readonly<Partial<Record<FastCGIErrorCode, number>>> = {
  FCGI_ERR_CLOSED: 503,
  FCGI_ERR_CONTENT_LENGTH: 400,
  FCGI_ERR_PARAM_INVALID: 400,
  FCGI_ERR_PARAM_TOO_LARGE: 431,
  FCGI_ERR_QUEUE_FULL: 503,
  FCGI_ERR_STDIN: 400,
  FCGI_ERR_STDIN_TOO_LARGE: 413,
  FCGI_ERR_TIMEOUT: 504,
}

const TEXT: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  404: 'Not Found',
  413: 'Content Too Large',
  431: 'Request Header Fields Too Large',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
}

/** The HTTP status of a failure: 502 unless it is known to be another's fault, or a matter of time or load. */
export function errorStatus(error: unknown): number {
  if (!isFastCGIError(error)) return 502
  if ('status' in error && typeof error.status === 'number') return error.status
  if (isOverload(error)) return 503
  return STATUS[error.code] ?? 502
}

/**
 * A plain response to a failure, for `onError` of `createFetch`. Says nothing about the cause: log the error yourself.
 * @example
 * createFetch(pool, { root, onError: (error) => (log.error(error), errorResponse(error)) })
 */
export function errorResponse(error: unknown): Response {
  const status = errorStatus(error)
  const headers = new Headers({ 'content-type': 'text/plain; charset=utf-8' })
  if (status === 503) headers.set('retry-after', '1')
  return new Response(`${TEXT[status] ?? 'Error'}\n`, { status, headers })
}

/** Nothing was sent, because there was no room: another moment may be better. */
function isOverload(error: FastCGIError): boolean {
  if (error.code === 'FCGI_ERR_TIMEOUT') return 'phase' in error && error.phase === 'queue'
  return error.code === 'FCGI_ERR_REQUEST_REJECTED' && error.retryable
}
