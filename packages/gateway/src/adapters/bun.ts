// Bun.serve in front of the gateway. What it hands to `fetch` is a web Request, and a server that can be asked who sends it.
//
// Bun has read the request by then: fields of one name are joined, and the path is that of a URL, without `.` and `..`, with `/` for `\`,
// and with U+FFFD for bytes beyond ASCII. The rules of a site look at what is left, so that nothing gets past them by it; REQUEST_URI is
// that path, too. Nor does it let interim responses, status texts of its own, and the length of an answer that is streamed through.

import type { Exchange } from '../exchange.ts'
import { BunIncoming } from './bun-request.ts'
import type { BunRequest, BunServer } from './bun-types.ts'
import { RecordedExchange } from './reply-record.ts'
import type { WebExchange } from './web.ts'
import { WebReply } from './web-reply.ts'

// How often requests are looked at that Bun would take for idle, in ms. Its own default is to wait for 10 s.
const LOOK = 4000
/** How long Bun waits for one of them, in seconds; more than LOOK, and the most that it takes. */
const PATIENCE = 255

/** Whether `fetch` was called by Bun.serve. */
export function isBunServer(info: object): info is BunServer {
  return 'requestIP' in info && typeof info.requestIP === 'function' && 'timeout' in info
}

export function bunExchange(request: BunRequest, server: BunServer): WebExchange {
  const reply = new WebReply(request)
  const exchange = new RecordedExchange(new BunIncoming(request, server), reply)
  keepAwake(exchange, request, server)
  return { exchange, answered: reply.response, handOn: () => reply.handOn() }
}

const running = new Map<BunRequest, BunServer>()
let looking: ReturnType<typeof setInterval> | undefined

/** To Bun, a connection is idle while PHP thinks. */
function keepAwake(exchange: Exchange, request: BunRequest, server: BunServer): void {
  running.set(request, server)
  exchange.onClose(() => running.delete(request))
  looking ??= setInterval(look, LOOK).unref()
}

function look(): void {
  for (const [request, server] of running) server.timeout(request, PATIENCE)
  if (running.size > 0) return
  clearInterval(looking)
  looking = undefined
}
