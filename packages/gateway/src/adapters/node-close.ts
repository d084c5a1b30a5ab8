// When a response of node:http or node:http2 is over. Those of HTTP/1 that wait behind another one of their connection are told nothing by
// node:http when the connection closes before it is their turn; here they are.

import process from 'node:process'
import type { NodeRequest, NodeResponse } from './node-types.ts'

// One listener for each connection, however many responses wait there.
const waiting = new WeakMap<object, Set<() => void>>()

/** Calls back once, when the response is over, or never can be. */
export function onResponseClose(
  request: NodeRequest,
  response: NodeResponse,
  callback: () => void,
): void {
  let told = false
  const tell = (): void => {
    if (told) return
    told = true
    callback()
  }
  response.on('close', tell)
  if (response.destroyed || (isQueued(response) && request.socket.destroyed)) {
    process.nextTick(tell)
  } else if (isQueued(response)) {
    const queue = queueOf(request.socket)
    queue.add(tell)
    response.on('close', () => queue.delete(tell))
  }
}

function isQueued(response: NodeResponse): boolean {
  return !('stream' in response) && response.socket === null
}

function queueOf(socket: NodeRequest['socket']): Set<() => void> {
  const known = waiting.get(socket)
  if (known) return known
  const queue = new Set<() => void>()
  waiting.set(socket, queue)
  socket.once('close', () => {
    for (const callback of queue) callback()
  })
  return queue
}
