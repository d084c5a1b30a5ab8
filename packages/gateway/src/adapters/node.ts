// node:http and node:http2 in front of the gateway.

import type { Exchange } from '../exchange.ts'
import { NodeReply } from './node-reply.ts'
import { NodeIncoming } from './node-request.ts'
import type { NodeRequest, NodeResponse } from './node-types.ts'
import { RecordedExchange } from './reply-record.ts'

export { continueOnRead } from './node-body.ts'
export type { NodeRequest, NodeResponse } from './node-types.ts'

/** An exchange, and the reply that has to be told when the call that brought the request returns. */
export interface NodeExchange {
  readonly exchange: Exchange
  readonly reply: NodeReply
}

/** @param next As Express and Connect give it. */
export function nodeExchange(
  request: NodeRequest,
  response: NodeResponse,
  next?: (error?: unknown) => void,
): NodeExchange {
  const incoming = new NodeIncoming(request, response)
  const reply = new NodeReply(request, response)
  const exchange = new RecordedExchange(incoming, reply)
  exchange.mount = incoming.base
  exchange.next = next
  return { exchange, reply }
}
