// The master process of embedded PHP: takes the requests, and gives each to a worker that has nothing else to do.

import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { serve } from '@fastcgi/client/responder'
import { messageOf } from '../errors.ts'
import { log, readConfig } from './config.ts'
import { Crew } from './crew.ts'
import { forward } from './forward.ts'

// As many as php-fpm takes: params may hold large cookies.
const MAX_PARAMS = 4 * 1024 * 1024

const config = readConfig()
const crew = new Crew({
  program: fileURLToPath(new URL('./worker.js', import.meta.url)),
  args: process.argv.slice(2),
  size: config.workers,
  maxRequests: config.maxRequests,
})

// Nobody listens before PHP runs: a package that is broken is told at the start.
await crew.start().catch((error: unknown) => {
  log('ERROR', messageOf(error))
  process.exit(1)
})
const server = await serve(
  async (request, reply) => {
    const worker = await crew.take(request.signal)
    try {
      await forward(request, reply, worker.address)
    } finally {
      crew.giveBack(worker, request.signal.aborted)
    }
  },
  { listen: config.address, maxParamsSize: MAX_PARAMS },
)

process.once('SIGTERM', () => {
  log('NOTICE', 'finishing the requests that run')
  void server.close().then(() => {
    crew.stop()
    process.exit(0)
  })
})
