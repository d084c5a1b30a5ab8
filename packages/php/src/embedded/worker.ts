// A worker process of embedded PHP: one PHP, one request at a time.

import { join } from 'node:path'
import process from 'node:process'
import { inspect } from 'node:util'
import { formatAddress } from '@fastcgi/client'
import { serve } from '@fastcgi/client/responder'
import { answer } from './answer.ts'
import { log, readConfig, SETTLE, type WorkerMessage } from './config.ts'
import { createPhp } from './runtime.ts'

const config = readConfig()
const php = await createPhp(config)
let last: Promise<void> = Promise.resolve()

const server = await serve(
  async (request, reply) => {
    const turn = last.then(() => answer(php, request, reply))
    last = turn.catch(() => {})
    await turn.catch((error: unknown) => {
      // What PHP is like after it has failed, nobody knows; the master starts another one.
      log('ERROR', `PHP has crashed: ${inspect(error, { depth: 0 })}`)
      reply.destroy()
      process.exit(1)
    })
  },
  {
    listen:
      process.platform === 'win32'
        ? '127.0.0.1:0'
        : `unix:${join(config.folder, `worker-${process.pid}`)}`,
    maxParamsSize: Infinity,
  },
)

process.on('message', (message) => {
  if (message === SETTLE) void settle()
})
// The master is gone, and with it everybody who could ask.
process.once('disconnect', () => process.exit(0))
tell({ type: 'ready', address: formatAddress(server.address) })

async function settle(): Promise<void> {
  await last
  tell({ type: 'settled', memory: process.memoryUsage.rss() })
}

function tell(message: WorkerMessage): void {
  process.send?.(message)
}
