// Passes a request on to a worker and its answer back, as it comes.

import { Client } from '@fastcgi/client'
import type { ResponderReply, ResponderRequest } from '@fastcgi/client/responder'
import { messageOf } from '../errors.ts'
import { log } from './config.ts'

// A script may take as long as it wants to; a worker that dies closes its connection.
const NO_LIMITS = { keepAlive: false, headersTimeout: 0, bodyTimeout: 0, queueTimeout: 0 }

/** Resolves when the request is over, one way or another. */
export async function forward(
  { params, rawParams, stdin, signal }: ResponderRequest,
  reply: ResponderReply,
  address: string,
): Promise<void> {
  const client = new Client(address, NO_LIMITS)
  try {
    // Without CONTENT_LENGTH there is no body for PHP, and the client would add one.
    const body = params.has('CONTENT_LENGTH') ? stdin : undefined
    const answer = client.stream({ params: rawParams, stdin: body }, { signal })
    for await (const { type, data } of answer) await reply[type](data)
  } catch (error) {
    if (signal.aborted) return
    log('ERROR', `a request failed: ${messageOf(error)}`)
    // Half an answer, or none, must not look like a whole one.
    reply.destroy()
  } finally {
    client.destroy()
  }
}
