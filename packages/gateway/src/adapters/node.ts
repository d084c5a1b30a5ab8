// node:http and node:http2 in front of the gateway.

import { Exchange } from '../exchange.ts'
import { directClient } from './direct-client.ts'
import { NodeReply } from './node-reply.ts'
import { NodeIncoming } from './node-request.ts'
import type { NodeRequest, NodeResponse } from './node-types.ts'

export { continueOnRead } from './node-body.ts'
export type { NodeRequest, NodeResponse } from './node-types.ts'

/** @param next As Express and Connect give it. */
export function nodeExchange(
  request: NodeRequest,
  response: NodeResponse,
  next?: (error?: unknown) => void,
): Exchange {
  const incoming = new NodeIncoming(request, response)
  const exchange = new Exchange(
    incoming,
    new NodeReply(request, response),
    directClient(incoming.connection),
  )
  exchange.mount = incoming.base
  exchange.next = next
  return exchange
}
