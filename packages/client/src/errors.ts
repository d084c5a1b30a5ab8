// Whose fault a failure is stands in the class; what went wrong stands in the stable `code`.
// Rule: this file imports nothing, and an error never holds a connection, only text about it.

/** Every value that `error.code` can take. A code never changes its meaning; new ones may be added. */
export type FastCGIErrorCode =
  | 'FCGI_ERR_CGI_RESPONSE'
  | 'FCGI_ERR_CLOSED'
  | 'FCGI_ERR_CONNECT'
  | 'FCGI_ERR_CONTENT_LENGTH'
  | 'FCGI_ERR_HTTP_REQUEST'
  | 'FCGI_ERR_LOCAL_PROTOCOL'
  | 'FCGI_ERR_PARAM_INVALID'
  | 'FCGI_ERR_PARAM_TOO_LARGE'
  | 'FCGI_ERR_QUEUE_FULL'
  | 'FCGI_ERR_REMOTE_PROTOCOL'
  | 'FCGI_ERR_REQUEST_REJECTED'
  | 'FCGI_ERR_RESPONSE_TOO_LARGE'
  | 'FCGI_ERR_SOCKET'
  | 'FCGI_ERR_STDIN'
  | 'FCGI_ERR_STDIN_TOO_LARGE'
  | 'FCGI_ERR_TIMEOUT'

/** What every error class takes beside its message. */
export interface FastCGIErrorOptions {
  /** The error that led to this one. */
  cause?: unknown
  /** See {@link FastCGIError.retryable}. @default false */
  retryable?: boolean
}

/** The base of every error that this package throws, bad arguments (`TypeError`) and aborts (`signal.reason`) excepted. */
export class FastCGIError extends Error {
  /** What went wrong, stable across versions. */
  readonly code: FastCGIErrorCode
  /** `true` when the backend certainly did not begin this request, so that sending it again cannot run it twice. */
  readonly retryable: boolean

  constructor(code: FastCGIErrorCode, message: string, options: FastCGIErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.name = new.target.name
    this.code = code
    this.retryable = options.retryable ?? false
  }
}

/** No connection could be made. Always retryable: nothing was sent. */
export class ConnectError extends FastCGIError {
  constructor(message: string, options: FastCGIErrorOptions = {}) {
    super('FCGI_ERR_CONNECT', message, { retryable: true, ...options })
  }
}

/** The connection broke, or the peer closed it, before the request was answered to its end. */
export class SocketError extends FastCGIError {
  constructor(message: string, options: FastCGIErrorOptions = {}) {
    super('FCGI_ERR_SOCKET', message, options)
  }
}

/** The phase of a request in which its time ran out. */
export type TimeoutPhase = 'queue' | 'connect' | 'headers' | 'body' | 'request'

/** A deadline passed. */
export class TimeoutError extends FastCGIError {
  /** `queue`, `connect`: nothing was sent. `headers`: no stdout byte yet. `body`: silence between chunks. `request`: the whole. */
  readonly phase: TimeoutPhase

  constructor(phase: TimeoutPhase, message: string, options: FastCGIErrorOptions = {}) {
    super('FCGI_ERR_TIMEOUT', message, {
      retryable: phase === 'queue' || phase === 'connect',
      ...options,
    })
    this.phase = phase
  }
}

/** Codes of the mistakes that are made on this side of the wire. */
export type LocalErrorCode = Extract<
  FastCGIErrorCode,
  | 'FCGI_ERR_CONTENT_LENGTH'
  | 'FCGI_ERR_LOCAL_PROTOCOL'
  | 'FCGI_ERR_PARAM_INVALID'
  | 'FCGI_ERR_PARAM_TOO_LARGE'
  | 'FCGI_ERR_STDIN'
  | 'FCGI_ERR_STDIN_TOO_LARGE'
>

/** This side was about to say something that the protocol, or php-fpm, does not allow; `code` tells what. */
export class LocalProtocolError extends FastCGIError {
  constructor(
    message: string,
    code: LocalErrorCode = 'FCGI_ERR_LOCAL_PROTOCOL',
    options: FastCGIErrorOptions = {},
  ) {
    super(code, message, options)
  }
}

/** The peer broke the FastCGI protocol, or does not speak it. */
export class RemoteProtocolError extends FastCGIError {
  constructor(message: string, options: FastCGIErrorOptions = {}) {
    super('FCGI_ERR_REMOTE_PROTOCOL', message, options)
  }
}

/** The peer ended the request with a protocolStatus other than REQUEST_COMPLETE (FastCGI 1.0, §5.5). */
export class RequestRejectedError extends FastCGIError {
  /** 1 CANT_MPX_CONN, 2 OVERLOADED, 3 UNKNOWN_ROLE; other values are passed on as received. */
  readonly protocolStatus: number
  /** The application's own status, as received. */
  readonly appStatus: number

  constructor(
    protocolStatus: number,
    appStatus: number,
    message: string,
    options: FastCGIErrorOptions = {},
  ) {
    super('FCGI_ERR_REQUEST_REJECTED', message, options)
    this.protocolStatus = protocolStatus
    this.appStatus = appStatus
  }
}

/** The client or pool was closed or destroyed. */
export class ClosedError extends FastCGIError {
  constructor(message: string, options: FastCGIErrorOptions = {}) {
    super('FCGI_ERR_CLOSED', message, options)
  }
}

/** The pool's queue is at its limit. Retryable: nothing was sent. */
export class QueueFullError extends FastCGIError {
  constructor(message: string, options: FastCGIErrorOptions = {}) {
    super('FCGI_ERR_QUEUE_FULL', message, { retryable: true, ...options })
  }
}

/** The response is larger than `maxResponseSize`, and was cut off rather than kept. */
export class ResponseTooLargeError extends FastCGIError {
  constructor(message: string, options: FastCGIErrorOptions = {}) {
    super('FCGI_ERR_RESPONSE_TOO_LARGE', message, options)
  }
}

/** An HTTP request that must not reach an application: malformed, or made to be read in two ways. */
export class HttpRequestError extends FastCGIError {
  /** The HTTP status to answer with: 400, 404, … */
  readonly status: number

  constructor(status: number, message: string, options: FastCGIErrorOptions = {}) {
    super('FCGI_ERR_HTTP_REQUEST', message, options)
    this.status = status
  }
}

/** What stdout carried is not a CGI/1.1 response (RFC 3875 §6). */
export class CgiResponseError extends FastCGIError {
  constructor(message: string, options: FastCGIErrorOptions = {}) {
    super('FCGI_ERR_CGI_RESPONSE', message, options)
  }
}

/**
 * Tells an error of this package from any other, also across two copies of the package, where `instanceof` does not.
 * @example
 * if (isFastCGIError(error) && error.retryable) return again()
 */
export function isFastCGIError(error: unknown): error is FastCGIError {
  return (
    error instanceof FastCGIError ||
    (error instanceof Error &&
      'code' in error &&
      typeof error.code === 'string' &&
      error.code.startsWith('FCGI_ERR_'))
  )
}
