// What becomes of a failure: an error page as long as nothing is out, an aborted answer after that, and the cause in the log either way.

import { isFastCGIError } from '@fastcgi/client'
import { errorStatus } from '@fastcgi/client/http'
import { errorPage } from './error-page.ts'
import type { Exchange } from './exchange.ts'
import { printable, requestFields, requestLine } from './log-fields.ts'
import type { Logger } from './logger.ts'
import { StatusError } from './status-error.ts'

/** Answers with a failure. */
export type Fail = (exchange: Exchange, error: unknown) => void

// In seconds. Long enough that a client that obeys it does not make things worse.
const RETRY_AFTER = 1

/** @param development Whether the cause is shown to who asked. */
export function failWith(logger: Logger, development: boolean): Fail {
  return (exchange, error) => {
    exchange.error ??= error
    // Nobody is there any more, and that is what went wrong.
    if (exchange.closed) return
    const status = statusOf(error)
    const reference = status >= 500 ? newReference() : undefined
    tell(logger, exchange, status, reference, error)
    if (exchange.reply.headSent) {
      exchange.reply.abort(error)
      return
    }
    if (exchange.next && !isRefusal(status)) {
      exchange.next(withStatus(error, status))
      return
    }
    const details = development ? describe(exchange, error) : undefined
    const retryAfter = status === 503 ? RETRY_AFTER : undefined
    try {
      sendPage(exchange, { status, reference, retryAfter, details })
    } catch (failure) {
      // Such as a field of `replyHeaders` that cannot be sent. Nobody is left to hand it to.
      logger.error({ error: failure, reference }, 'the error page could not be sent')
      exchange.reply.abort(failure)
    }
  }
}

/** Answers with a page about a status. */
export function sendPage(exchange: Exchange, failure: Parameters<typeof errorPage>[0]): void {
  const { headers, body } = errorPage(failure, exchange.request.header('accept'))
  exchange.send(failure.status, headers, body)
}

function statusOf(error: unknown): number {
  // That a body was read for PHP when it failed says less than what it failed with.
  if (isFastCGIError(error) && error.code === 'FCGI_ERR_STDIN' && hasStatus(error.cause)) {
    return error.cause.status
  }
  return error instanceof StatusError
    ? error.status
    : isFastCGIError(error)
      ? errorStatus(error)
      : 500
}

function hasStatus(cause: unknown): cause is { readonly status: number } {
  return cause instanceof Error && 'status' in cause && typeof cause.status === 'number'
}

/** The client's own fault; an application that this gateway is part of need not hear of it. */
function isRefusal(status: number): boolean {
  return status < 500
}

function withStatus(error: unknown, status: number): Error {
  const wrapped = new StatusError(status, `the gateway failed with ${status}`, { cause: error })
  return wrapped
}

/** By what who asks for help and who reads the log know that they speak of the same failure. */
export function newReference(): string {
  return crypto.randomUUID().slice(0, 13)
}

function tell(
  logger: Logger,
  exchange: Exchange,
  status: number,
  reference: string | undefined,
  error: unknown,
): void {
  const { stderr } = exchange
  const fields = {
    error,
    status,
    reference,
    ...requestFields(exchange),
    ...(stderr !== '' && { stderr: printable(stderr) }),
  }
  const message = `${requestLine(exchange)}: ${error instanceof Error ? printable(error.message) : String(error)}`
  if (isRefusal(status)) logger.info(fields, message)
  else logger.error(fields, message)
}

function describe({ stderr }: Exchange, error: unknown): string {
  const parts: string[] = []
  for (
    let cause: unknown = error;
    cause instanceof Error && parts.length < 5;
    cause = cause.cause
  ) {
    parts.push(`${cause.name}: ${cause.message}`)
  }
  if (parts.length === 0) parts.push(String(error))
  if (stderr !== '') parts.push('', 'stderr of PHP:', stderr)
  return printable(parts.join('\n'))
}
