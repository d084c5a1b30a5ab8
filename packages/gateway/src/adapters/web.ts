// Web Requests and Responses in front of the gateway.

import type { FetchInfo } from '@fastcgi/client/http'
import type { Exchange } from '../exchange.ts'
import { RecordedExchange } from './reply-record.ts'
import { WebReply } from './web-reply.ts'
import { WebIncoming } from './web-request.ts'

/** @returns the exchange, and what `fetch` is to return for it. */
export function webExchange(
  request: Request,
  info: FetchInfo | object,
): { exchange: Exchange; answered: Promise<Response> } {
  const incoming = new WebIncoming(request, info)
  const reply = new WebReply(request)
  return {
    exchange: new RecordedExchange(incoming, reply),
    answered: reply.response,
  }
}
