// What logs tell of an exchange, and how they show what others have written.

import type { Exchange, LogFields } from './exchange.ts'

// Control characters, but for line breaks and tabs: they could rewrite a terminal that shows the log.
// eslint-disable-next-line no-control-regex -- they are what it looks for
const UNPRINTABLE = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g

/** Text of others as a log and a terminal may show it. */
export function printable(text: string): string {
  return text.replace(
    UNPRINTABLE,
    (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
}

/** What handlers and middlewares have said about an exchange. */
export function logFields({ script, site, log }: Exchange): LogFields {
  if (script === undefined) return log
  return { script: printable(script), backend: site?.backend?.name, ...log }
}

/** Which request an entry of the log is about. */
export function requestFields(exchange: Exchange): object {
  const { request, client, site } = exchange
  return {
    method: request.method,
    host: client.host,
    path: pathOf(exchange),
    site: site?.name,
    ...logFields(exchange),
  }
}

/** The same for a message: `GET /a`. */
export function requestLine(exchange: Exchange): string {
  return `${exchange.request.method} ${pathOf(exchange)}`
}

/** As it was asked for, without the query, which may hold secrets. */
function pathOf({ request }: Exchange): string {
  return printable(request.target.split('?', 1)[0] ?? '')
}
