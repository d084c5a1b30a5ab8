// The end of an answer on node:http and node:http2.

import type { Http2ServerResponse } from 'node:http2'
import { setImmediate } from 'node:timers'
import type { NodeResponse } from './node-types.ts'

// In bytes. With its head, such a body fits into what node:http writes from the stack.
const ONE_WRITE = 12 * 1024

interface Ending {
  readonly response: NodeResponse
  readonly chunk: Uint8Array | undefined
  readonly free: (() => void) | undefined
}

// Taken now: tests put clocks of their own in its place.
const atEndOfTurn = setImmediate
let endings: Ending[] = []

/**
 * Ends an answer with the last of its body.
 * @param free Called when nobody reads these bytes any more.
 */
export function finish(
  response: NodeResponse,
  chunk: Uint8Array | undefined,
  free: (() => void) | undefined,
): void {
  if (!chunk) response.end()
  // Together with the head as one string, it is one plain write; bytes would be a second buffer, and a dearer call.
  else if (chunk.length <= ONE_WRITE && !isHttp2(response)) response.end(asLatin1(chunk), 'latin1')
  else response.end(chunk, free)
}

/**
 * The same at the end of this turn of the event loop, one answer right after the other: a client that sleeps has to be woken, which is the
 * dearest part of a small write, and then is awake for the others.
 */
export function finishSoon(
  response: NodeResponse,
  chunk: Uint8Array | undefined,
  free: (() => void) | undefined,
): void {
  if (endings.push({ response, chunk, free }) === 1) atEndOfTurn(finishAll)
}

export function isHttp2(response: NodeResponse): response is Http2ServerResponse {
  return 'stream' in response
}

function finishAll(): void {
  const all = endings
  endings = []
  for (const { response, chunk, free } of all) finish(response, chunk, free)
}

function asLatin1({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('latin1')
}
