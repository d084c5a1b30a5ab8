// One entry for each request, when it is over. What is secret by its name is left out, and nothing that a client sends can begin a line.

import { recordOf, type RecordedReply } from '../adapters/reply-record.ts'
import type { Exchange, LogFields, Middleware } from '../exchange.ts'
import type { Incoming } from '../http.ts'
import { logFields } from '../log-fields.ts'
import type { Logger } from '../logger.ts'
import type { AccessLogEntry, AccessLogOptions } from '../options.ts'
import { oneLine, redactor, type Redact } from './redact.ts'

/**
 * Writes the access log. To be the outermost middleware, so that it sees every request and what went out in the end.
 * @param options `write` and `redact` of `GatewayOptions.accessLog`.
 * @param logger Gets the entries when there is no `write`, and hears of a `write` that throws.
 */
export function accessLog(options: AccessLogOptions, logger: Logger): Middleware {
  const redact = redactor(options.redact)
  const write =
    options.write ??
    ((entry: AccessLogEntry) =>
      logger.info(entry, `${entry.method} ${entry.target} ${entry.status}`))
  return (next) => (exchange) => {
    // What came and what goes out, before anything is put around them.
    const { request } = exchange
    const record = recordOf(exchange)
    exchange.onClose(() => {
      try {
        write(entryOf(exchange, request, record, redact))
      } catch (error) {
        logger.error({ error }, 'the access log could not be written')
      }
    })
    return next(exchange)
  }
}

function entryOf(
  exchange: Exchange,
  request: Incoming,
  { status, bytes, outcome = 'closed' }: RecordedReply,
  redact: Redact,
): AccessLogEntry {
  const { client, startedAt } = exchange
  const duration = performance.now() - startedAt
  const userAgent = request.header('user-agent')
  const referrer = request.header('referer')
  return {
    ...oneLineFields(logFields(exchange)),
    time: new Date(Date.now() - duration).toISOString(),
    remote: oneLine(client.address),
    method: oneLine(request.method),
    host: oneLine(client.host || (request.header('host') ?? '')),
    target: oneLine(redact(request.target)),
    protocol: request.protocol,
    status,
    bytes,
    duration: Math.round(duration * 1000) / 1000,
    outcome,
    ...(userAgent !== undefined && { userAgent: oneLine(userAgent) }),
    ...(referrer !== undefined && { referrer: oneLine(redact(referrer)) }),
  }
}

function oneLineFields(fields: LogFields): LogFields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === 'string' ? oneLine(value) : value,
    ]),
  )
}
