// What an adapter can tell of an answer, for the access log and the metrics: it alone knows what went out.

import type { Reply } from '../http.ts'

/** How an answer ended: whole, cut off by a failure on this side, or because the client went away. */
export type Outcome = 'complete' | 'aborted' | 'closed'

/** A reply that keeps count. */
export interface RecordedReply extends Reply {
  /** Of the final head; 0 before it. */
  readonly status: number
  /** Bytes of body that were handed on, before the framing of HTTP. */
  readonly bytes: number
  /** Undefined until all is over. */
  readonly outcome: Outcome | undefined
}

/** The count that the adapter keeps. @throws TypeError on a reply that something has been put around. */
export function recordOf(reply: Reply): RecordedReply {
  if ('outcome' in reply) return reply as RecordedReply
  throw new TypeError('only the reply of an adapter keeps count: observe it before it is replaced')
}
