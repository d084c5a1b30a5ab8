#!/usr/bin/env node
// The command `fcgi`.

import process from 'node:process'
import { Exit, Stop } from './failure.ts'
import { processIo } from './io.ts'
import { run } from './program.ts'

const end = new AbortController()
const endWith = (exitCode: number) => () => end.abort(new Stop(exitCode))
// The first signal ends the command in good order, a second one at once.
process.once('SIGINT', endWith(Exit.Interrupted))
process.once('SIGTERM', endWith(Exit.Terminated))
for (const output of [process.stdout, process.stderr]) {
  output.on('error', (error: NodeJS.ErrnoException) => {
    end.abort(new Stop(error.code === 'EPIPE' ? Exit.BrokenPipe : Exit.WriteError))
  })
}
process.exitCode = await run(process.argv.slice(2), processIo(end.signal))
// An output that nobody takes must not hold a command that was told to end.
if (end.signal.aborted) process.exit()
