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
    const { body } = response
    try {
      await reply.stdout(cgiHead(response))
      if (request.method === 'HEAD') return
      // Not a loop: a body that has nothing to say at the moment must hear of it, too, when the web server goes away.
      await body?.pipeTo(new WritableStream({ write: (chunk) => reply.stdout(chunk) }), { signal })
    } catch (error) {
      // Half a body must not look like a whole one, which END_REQUEST would make of it.
      await reply.stderr(String(error)).catch(() => {})
      reply.destroy()
    } finally {
      // One that was not read to its end, or failed to go out, is let go.
      if (body && !body.locked) await body.cancel().catch(() => {})
    }
  }
}
