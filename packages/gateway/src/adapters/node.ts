// node:http and node:http2 in front of the gateway.

import type { Exchange } from '../exchange.ts'
import { NodeReply } from './node-reply.ts'
import { NodeIncoming } from './node-request.ts'
import type { NodeRequest, NodeResponse } from './node-types.ts'
import { RecordedExchange } from './reply-record.ts'

export { continueOnRead } from './node-body.ts'
export type { NodeRequest, NodeResponse } from './node-types.ts'

/** @param next As Express and Connect give it. */
export function nodeExchange(
  request: NodeRequest,
  response: NodeResponse,
  next?: (error?: unknown) => void,
): Exchange {
  const incoming = new NodeIncoming(request, response)
  const exchange = new RecordedExchange(incoming, new NodeReply(request, response))
  exchange.mount = incoming.base
  exchange.next = next
  return exchange
}
