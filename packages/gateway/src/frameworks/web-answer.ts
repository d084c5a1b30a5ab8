// The answer as a framework on web Requests takes it: a Response, or nothing.

import { HttpRequestError } from '@fastcgi/client'
import type { FetchInfo } from '@fastcgi/client/http'
import { bunExchange, isBunServer } from '../adapters/bun.ts'
import type { BunRequest } from '../adapters/bun-types.ts'
import { webExchange } from '../adapters/web.ts'
import { answerBy, type Gateway } from '../gateway.ts'

// As nginx has it in its log.
const CLIENT_CLOSED = 499

/** A request in a framework. */
export interface FrameworkRequest {
  readonly request: Request
  /** What is known of the connection; the server itself on Bun. */
  readonly info: FetchInfo | object
  /** The URL that was asked for, where the framework has taken something off that of the request. @default that of the request */
  readonly asked?: string | undefined
  /** The mount point, with which the path of the request begins. */
  readonly mount: string
  readonly fallthrough: boolean
}

/**
 * @returns undefined when nothing here answers.
 * @throws Error with a `status`, when it is the application that answers for failures.
 */
export async function answerAsResponse(
  gateway: Gateway,
  { request, info, asked, mount, fallthrough }: FrameworkRequest,
): Promise<Response | undefined> {
  if (request.bodyUsed) {
    throw new HttpRequestError(
      500,
      'the body of this request was read before the gateway got it: put the gateway before what reads bodies, or let that read a clone of the request',
    )
  }
  const { exchange, answered, handOn } = isBunServer(info)
    ? bunExchange(request as BunRequest, info)
    : webExchange(request, info, asked)
  exchange.mount = mount
  const passed = new Promise<undefined>((resolve, reject) => {
    if (!fallthrough) return
    exchange.next = (error) => {
      if (error === undefined) resolve(undefined)
      else reject(error)
      handOn()
    }
  })
  answerBy(gateway, exchange)
  return Promise.race([answered.catch((error: unknown) => orGone(request, error)), passed])
}

/** A client that is gone is no failure that an application should hear of; nor does it read what it gets. */
function orGone({ signal }: Request, error: unknown): Response {
  if (signal.aborted) return new Response(null, { status: CLIENT_CLOSED })
  throw error
}
