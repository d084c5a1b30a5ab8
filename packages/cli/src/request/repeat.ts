// The same request many times, and how long it took.

import { Exit, messageOf, Stop } from '../failure.ts'
import { say, type Io } from '../io.ts'
import { paintFor, widthOf } from '../terminal/colour.ts'
import { oneLine } from '../terminal/text.ts'
import { exchange, type TimedPool } from './exchange.ts'
import type { Ask } from './options.ts'
import { nowhere } from './output.ts'
import { distribution, distributionLines, timingOf, type Timing } from './timing.ts'

/** What of the flags concerns repetition. */
export interface RepeatFlags {
  readonly parallel: number
  readonly timeJson?: boolean
  readonly fail?: boolean
  readonly failWithBody?: boolean
}

/** Sends it, `parallel` at a time; bodies are read and dropped. @throws Stop when a request failed, or its status was an error and that counts. */
export async function repeat(
  pool: TimedPool,
  ask: Ask,
  times: number,
  flags: RepeatFlags,
  io: Io,
): Promise<void> {
  const timings: Timing[] = []
  const failures = new Map<string, number>()
  const startedAt = performance.now()
  let started = 0
  const worker = async (): Promise<void> => {
    while (started < times && !io.signal.aborted) {
      started++
      try {
        timings.push(await one(pool, ask, io.signal))
      } catch (error) {
        if (io.signal.aborted) return
        const message = oneLine(messageOf(error))
        failures.set(message, (failures.get(message) ?? 0) + 1)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(flags.parallel, times) }, worker))
  const failed = [...failures.values()].reduce((sum, number) => sum + number, 0)
  const result = distribution(timings, failed, performance.now() - startedAt)
  // What was measured before Ctrl-C is worth printing, too.
  if (flags.timeJson) io.stdout.write(`${JSON.stringify(result)}\n`)
  else {
    const { stdout, env } = io
    const lines = distributionLines(result, timings, widthOf(stdout, env), paintFor(stdout, env))
    for (const line of lines) stdout.write(`${line}\n`)
  }
  for (const [message, number] of failures) say(io, `fcgi: ${number} × ${message}`)
  io.signal.throwIfAborted()
  if (failed > 0) throw new Stop(Exit.No)
  const counts = flags.fail === true || flags.failWithBody === true
  if (counts && timings.some(({ status }) => status >= 400)) throw new Stop(Exit.HttpError)
}

async function one(pool: TimedPool, ask: Ask, signal: AbortSignal): Promise<Timing> {
  const { method, params, body } = ask
  const request = { method, params, stdin: body?.open() }
  return timingOf(await exchange({ pool, request, sink: nowhere(), signal }))
}
