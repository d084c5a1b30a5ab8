// The head of an answer: what the application said, without what is between it and this server.

import type { CgiHead } from '@fastcgi/client/http'
import type { HeaderFields } from './http.ts'

/** What an application asks of this server, and no client gets to see. */
export interface Orders {
  /** A path within the roots that files may be sent from (X-Accel-Redirect). */
  readonly redirectTo: string | undefined
  /** A file, by its path on the disk (X-Sendfile). */
  readonly sendFile: string | undefined
  /** Whether the answer is to go out as it comes: `X-Accel-Buffering: no`, or an event stream. */
  readonly streaming: boolean
}

// They concern one hop only (RFC 9110 §7.6.1), or are said to this server alone.
const NEVER_PASSED: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'x-accel-buffering',
  'x-accel-charset',
  'x-accel-expires',
  'x-accel-limit-rate',
  'x-accel-redirect',
  'x-sendfile',
])

/** What the application orders by its head. */
export function ordersOf(head: CgiHead): Orders {
  let redirectTo: string | undefined
  let sendFile: string | undefined
  let streaming = false
  for (const [key, value] of head.headers) {
    const name = key.toLowerCase()
    if (name === 'x-accel-redirect') redirectTo = value
    else if (name === 'x-sendfile') sendFile = value
    else if (name === 'x-accel-buffering') streaming ||= value.toLowerCase() === 'no'
    else if (name === 'content-type') streaming ||= /^text\/event-stream\b/i.test(value)
  }
  return { redirectTo, sendFile, streaming }
}

/**
 * The fields that go out.
 * @param more Fields of this server; those that the application has given itself are left out.
 */
export function passedHeaders(head: CgiHead, more: HeaderFields): (readonly [string, string])[] {
  const dropped = droppedNames(head)
  const fields = head.headers.filter(([name]) => !dropped.has(name.toLowerCase()))
  if (more.length === 0) return fields
  const given = new Set(fields.map(([name]) => name.toLowerCase()))
  return [...fields, ...more.filter(([name]) => !given.has(name.toLowerCase()))]
}

function droppedNames(head: CgiHead): ReadonlySet<string> {
  const connection = head.headers.find(([name]) => name.toLowerCase() === 'connection')
  // The length of a body that these cannot have would be read as that of what follows (RFC 9110 §8.6).
  const noLength = head.status < 200 || head.status === 204 || head.status === 205
  if (!connection && !noLength) return NEVER_PASSED
  const dropped = new Set(NEVER_PASSED)
  for (const name of connection?.[1].split(',') ?? []) dropped.add(name.trim().toLowerCase())
  if (noLength) dropped.add('content-length')
  return dropped
}
