// How a command fails: one sentence on stderr, and an exit code; curl's codes where curl has them.

import { isFastCGIError, type FastCGIError } from '@fastcgi/client'

/** Exit codes and what they mean. */
export const Exit = {
  Ok: 0,
  No: 1,
  Usage: 2,
  BadAddress: 3,
  UnknownHost: 6,
  NoConnection: 7,
  BadAnswer: 8,
  Refused: 9,
  Partial: 18,
  HttpError: 22,
  WriteError: 23,
  ReadError: 26,
  Timeout: 28,
  TooManyRedirects: 47,
  NoAnswer: 52,
  Interrupted: 130,
  BrokenPipe: 141,
  Terminated: 143,
} as const
export type Exit = (typeof Exit)[keyof typeof Exit]

/** For people, in the order of the codes. */
export const EXIT_CODES: readonly (readonly [code: number, meaning: string])[] = [
  [Exit.Ok, 'done'],
  [
    Exit.No,
    'the answer is no: ping had no pong, doctor found something broken, serve cannot start',
  ],
  [Exit.Usage, 'the command line cannot be understood'],
  [Exit.BadAddress, 'the address or URL cannot be used'],
  [Exit.UnknownHost, 'the host name is not known'],
  [Exit.NoConnection, 'no connection could be made'],
  [Exit.BadAnswer, 'the answer is neither FastCGI nor CGI'],
  [Exit.Refused, 'the backend refused the request (OVERLOADED, UNKNOWN_ROLE, …)'],
  [Exit.Partial, 'the answer is incomplete'],
  [Exit.HttpError, 'the HTTP status is 400 or above, with --fail'],
  [Exit.WriteError, 'the output cannot be written'],
  [Exit.ReadError, 'a file to be sent cannot be read'],
  [Exit.Timeout, 'time ran out'],
  [Exit.TooManyRedirects, 'too many redirects'],
  [Exit.NoAnswer, 'the connection was closed before anything was answered'],
  [Exit.Interrupted, 'Ctrl-C; 143: SIGTERM; 141: whoever read the output went away'],
]

/** A failure that is told in its message. */
export class Failure extends Error {
  readonly exitCode: number

  constructor(exitCode: number, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'Failure'
    this.exitCode = exitCode
  }
}

/** The end of a command with an exit code, about which nothing more is to be said. */
export class Stop extends Error {
  readonly exitCode: number

  constructor(exitCode: number) {
    super(`exit ${exitCode}`)
    this.name = 'Stop'
    this.exitCode = exitCode
  }
}

/** The exit code that an error ends the command with. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof Failure || error instanceof Stop) return error.exitCode
  if (isFastCGIError(error)) return codeOfFastCGI(error)
  return error instanceof TypeError ? Exit.Usage : Exit.No
}

function codeOfFastCGI(error: FastCGIError): number {
  switch (error.code) {
    case 'FCGI_ERR_CONNECT':
      return systemCode(error) === 'ENOTFOUND' ? Exit.UnknownHost : Exit.NoConnection
    case 'FCGI_ERR_TIMEOUT':
      return Exit.Timeout
    case 'FCGI_ERR_SOCKET':
      return Exit.NoAnswer
    case 'FCGI_ERR_REQUEST_REJECTED':
      return Exit.Refused
    case 'FCGI_ERR_CGI_RESPONSE':
    case 'FCGI_ERR_REMOTE_PROTOCOL':
      return Exit.BadAnswer
    case 'FCGI_ERR_STDIN':
    case 'FCGI_ERR_STDIN_TOO_LARGE':
      return Exit.ReadError
    case 'FCGI_ERR_HTTP_REQUEST':
      return Exit.BadAddress
    default:
      return Exit.Usage
  }
}

/** The operating system's code (ENOENT, …) of an error, or of whatever led to it. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  if ('code' in error && typeof error.code === 'string' && !error.code.startsWith('FCGI_')) {
    return error.code
  }
  if (error instanceof AggregateError) return systemCode(error.errors[0])
  return systemCode(error.cause)
}

/** The message of anything that can be thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** The messages of what led to an error, the nearest first. */
export function causesOf(error: unknown): string[] {
  const causes: string[] = []
  let cause = error instanceof Error ? error.cause : undefined
  while (cause !== undefined && causes.length < 10) {
    causes.push(messageOf(cause))
    cause = cause instanceof Error ? cause.cause : undefined
  }
  return causes
}
