// One answer of a script on its way to a client, both ends in the hand of the test.

import type { TestContext } from 'node:test'
import { createGateway, type ResponseOptions } from '@fastcgi/gateway'
import { RecordingLogger } from './gateway.ts'
import { HandPlayed, type HandPlayedRun } from './hand-played.ts'
import { PHP_ROOT } from './paths.ts'
import { RecordingReply } from './recording-reply.ts'

export interface Played {
  readonly run: HandPlayedRun
  readonly reply: RecordingReply
  readonly log: RecordingLogger
}

/** Asks for a script. What it writes goes out uncompressed, to a recording reply. */
export function play(t: TestContext | undefined, response: ResponseOptions): Played {
  const php = new HandPlayed()
  const log = new RecordingLogger()
  const reply = new RecordingReply()
  const gateway = createGateway({
    root: PHP_ROOT,
    backend: php,
    logger: log,
    response: { compress: false, ...response },
    use: [
      (next) => (exchange) => {
        const client = exchange.reply
        // The exchange is over when the client is.
        reply.onClose(() => client.abort())
        exchange.reply = reply
        return next(exchange)
      },
    ],
  })
  // Nobody answers on the way that the request came.
  gateway.fetch(new Request('http://example.org/hello.php')).catch(() => {})
  t?.after(() => reply.disconnect())
  return { run: php.runs[0]!, reply, log }
}
