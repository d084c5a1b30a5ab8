// The trace context on its way to PHP, as the params that its headers would have become.

import { propagation, type Context, type TextMapSetter } from '@opentelemetry/api'
import type { RequestCreateMessage } from '../diagnostics.ts'

type Fields = Record<string, string | undefined>

// In characters; W3C Baggage, the largest of them, allows as much.
const MAX_VALUE = 8192

const setter: TextMapSetter<Fields> = {
  set(fields, key, value) {
    // A state or baggage that cannot be sent must not fail the request.
    // eslint-disable-next-line no-control-regex -- control characters are what it looks for
    if (value.length <= MAX_VALUE && !/[\0\r\n]/.test(value)) fields[paramName(key)] = value
  },
}

/** Has PHP told which span it works for. What the client of a gateway said about its own trace gives way, whole. */
export function injectParams(message: RequestCreateMessage, context: Context): void {
  const params: Fields = {}
  propagation.inject(context, params, setter)
  if (Object.keys(params).length === 0) return
  // A tracestate that belongs to another traceparent would be a lie.
  for (const field of propagation.fields()) params[paramName(field)] ??= undefined
  message.setParams(params)
}

function paramName(header: string): string {
  return `HTTP_${header.toUpperCase().replaceAll('-', '_')}`
}
