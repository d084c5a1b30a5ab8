// Web Requests and Responses in front of the gateway.

import type { FetchInfo } from '@fastcgi/client/http'
import type { Exchange } from '../exchange.ts'
import { RecordedExchange } from './reply-record.ts'
import { WebReply } from './web-reply.ts'
import { WebIncoming } from './web-request.ts'

/** An exchange, and what `fetch` is to return for it. */
export interface WebExchange {
  readonly exchange: Exchange
  /** Rejects when the answer is aborted before its head. */
  readonly answered: Promise<Response>
  /** To be called when somebody else answers: the exchange is over then. */
  readonly handOn: () => void
}

export function webExchange(
  request: Request,
  info: FetchInfo | object,
  asked?: string,
): WebExchange {
  const incoming = new WebIncoming(request, info, asked)
  const reply = new WebReply(request)
  return {
    exchange: new RecordedExchange(incoming, reply),
    answered: reply.response,
    handOn: () => reply.handOn(),
  }
}
