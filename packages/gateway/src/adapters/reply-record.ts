// What an adapter can tell of an answer, for the access log and the metrics: it alone knows what went out.

import { Exchange } from '../exchange.ts'
import type { Incoming, Reply } from '../http.ts'
import { directClient } from './direct-client.ts'

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

/** An exchange of an adapter, which keeps count whatever is put around its reply. */
export class RecordedExchange extends Exchange {
  readonly record: RecordedReply

  constructor(request: Incoming, reply: RecordedReply) {
    super(request, reply, directClient(request.connection))
    this.record = reply
  }
}

/** @throws TypeError on an exchange that no adapter has made. */
export function recordOf(exchange: Exchange): RecordedReply {
  if (exchange instanceof RecordedExchange) return exchange.record
  throw new TypeError('only the exchange of an adapter keeps count')
}
