// `fcgi ping`: whether php-fpm answers, and how fast.

import { formatAddress } from '@fastcgi/client'
import { fpmPage } from '@fastcgi/php/fpm'
import { Command } from 'commander'
import { Exit, Failure } from '../failure.ts'
import { addTargetOptions, addVerbose, type TargetFlags } from '../flags.ts'
import { print, type Io } from '../io.ts'
import { TimedPool } from '../request/exchange.ts'
import { poolOptions, targetOf } from '../target.ts'
import { paintFor } from '../terminal/colour.ts'
import { oneLine, truncate } from '../terminal/text.ts'
import { milliseconds } from '../terminal/units.ts'
import { addExamples } from '../terminal/examples.ts'

interface PingFlags extends TargetFlags {
  readonly path: string
  readonly expect?: string
  readonly json?: boolean
}

const EXAMPLES = `
Examples:
  fcgi ping unix:/run/php/php-fpm.sock
  fcgi ping :9000 --path /fpm-ping --max-time 2      a health check for a container

Exits with 0 when php-fpm answers as expected, 1 when it answers something else.`

export function pingCommand(io: Io): Command {
  const command = new Command('ping')
    .summary('ask php-fpm whether it is there (ping.path)')
    .description("Asks for php-fpm's ping page, which needs `ping.path` in its pool configuration.")
    .argument('<address>', 'unix:/run/php/php-fpm.sock, 127.0.0.1:9000, :9000, …')
    .option('--path <path>', 'the ping.path of the pool', '/ping')
    .option('--expect <text>', 'the ping.response of the pool (default: pong)')
    .option('--json', 'print one JSON object')
  addVerbose(command)
  addExamples(addTargetOptions(command), EXAMPLES, io)
  return command.action((address: string, flags: PingFlags) => ping(address, flags, io))
}

async function ping(text: string, flags: PingFlags, io: Io): Promise<void> {
  const target = targetOf(text, flags)
  const timed = new TimedPool(target, poolOptions(flags))
  await using pool = timed.pool
  const startedAt = performance.now()
  const page = await fpmPage(pool, flags.path, '', { signal: io.signal })
  const total = performance.now() - startedAt
  const connect = timed.takeConnect()
  const answer = page.text.trim()
  const ok = page.head.status === 200 && answer === (flags.expect ?? 'pong')
  if (flags.json) {
    await print(io, JSON.stringify({ ok, status: page.head.status, answer, connect, total }))
  } else if (ok) {
    const paint = paintFor(io.stdout, io.env)
    const times = paint(
      'dim',
      `connect ${milliseconds(connect ?? 0)} · total ${milliseconds(total)}`,
    )
    await print(io, `${paint('green', answer)} from ${formatAddress(target)}  ${times}`)
  }
  if (ok) return
  const address = formatAddress(target)
  throw new Failure(
    Exit.No,
    page.head.status === 404
      ? `${address} answers, but has no ping page at ${flags.path}: set ping.path = ${flags.path} in its pool, or give --path`
      : `${address} answered ${page.head.status} and ${JSON.stringify(truncate(oneLine(answer), 60))} instead of ${flags.expect ?? 'pong'}`,
  )
}
