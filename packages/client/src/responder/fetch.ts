// A (Request) => Response application as a FastCGI responder: Hono, h3 or plain code behind nginx.

import { cgiHead, requestFromParams } from '../http/index.ts'
import type { ResponderHandler } from './request.ts'

/**
 * Makes a responder of a `fetch` handler.
 * @example
 * await serve(fromFetch((request) => new Response(`You asked for ${request.url}`)), { listen: '127.0.0.1:9000' })
 */
export function fromFetch(
  handler: (request: Request) => Response | Promise<Response>,
): ResponderHandler {
  return async ({ rawParams, stdin, signal }, reply) => {
    const request = requestFromParams(rawParams, stdin, signal)
    const response = await handler(request)
    await reply.stdout(cgiHead(response))
    if (request.method === 'HEAD' || !response.body) return
    for await (const chunk of response.body) await reply.stdout(chunk)
  }
}
