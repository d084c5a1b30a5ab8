// An answer that is complete before the request is. Closing at once would reset the connection under the client's upload, and the answer
// with it; reading on for ever would let anybody keep a connection busy. So some of the rest is read and dropped.

import { constants } from 'node:http2'
import { isWaiting } from './node-body.ts'
import type { NodeRequest, NodeResponse } from './node-types.ts'

/** How much of an unread body is dropped before the connection is closed, in bytes. */
const MAX_DROPPED = 1024 * 1024
/** How long for, in ms. */
const LINGER = 5000

/** Whether there is a body that has not been read to its end, and that the client is sending. */
export function hasUnreadBody(request: NodeRequest): boolean {
  if (request.complete || request.readableEnded) return false
  if ('stream' in request) return !request.stream.endAfterHeaders
  const { headers } = request
  const length = headers['content-length']
  const hasBody = length === undefined ? headers['transfer-encoding'] !== undefined : length !== '0'
  return hasBody && !isWaiting(request)
}

/** Whether what may still come is too much to be dropped on a connection that is to be used again. */
export function isLargeOrOpen(request: NodeRequest): boolean {
  if (request.complete) return false
  const length = request.headers['content-length']
  return length === undefined || Number(length) > MAX_DROPPED
}

/** Ends an answer whose request has an unread body. */
export function leaveBody(
  request: NodeRequest,
  response: NodeResponse,
  chunk: Uint8Array | undefined,
): void {
  if ('stream' in response) {
    const { stream } = response
    // The rest is not needed (RFC 9113 §8.1), and this tells it without failing the answer.
    stream.once('finish', () => stream.close(constants.NGHTTP2_NO_ERROR))
    if (chunk) response.end(chunk)
    else response.end()
    drop(request)
    return
  }
  // The last byte waits, not the answer: it goes out before the rest of the request comes in.
  if (chunk) response.write(chunk)
  else response.flushHeaders()
  let dropped = 0
  const over = (): void => {
    clearTimeout(timer)
    response.end()
  }
  const giveUp = (): void => {
    request.off('end', over)
    const { socket } = response
    response.once('finish', () => socket?.destroySoon())
    over()
  }
  const timer = setTimeout(giveUp, LINGER)
  request.once('end', over)
  response.once('close', () => clearTimeout(timer))
  drop(request, (length) => {
    dropped += length
    if (dropped > MAX_DROPPED) giveUp()
  })
}

function drop(request: NodeRequest, count?: (length: number) => void): void {
  // Left by whoever read the body until now; with it, the stream would not flow.
  request.removeAllListeners('readable')
  request.on('error', () => {})
  request.on('data', (chunk: Uint8Array) => count?.(chunk.length))
  request.resume()
}
