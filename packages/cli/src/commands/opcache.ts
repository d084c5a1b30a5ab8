// `fcgi opcache`: what OPcache of php-fpm holds, and how to make it forget.

import { formatAddress, Pool } from '@fastcgi/client'
import {
  FpmError,
  opcacheInvalidate,
  opcacheReset,
  opcacheStatus,
  type OpcacheOptions,
  type OpcacheStatus,
} from '@fastcgi/php/fpm'
import { Argument, Command } from 'commander'
import { Exit, Failure } from '../failure.ts'
import { addTargetOptions, addVerbose, type TargetFlags } from '../flags.ts'
import { print, type Io } from '../io.ts'
import { poolOptions, targetOf } from '../target.ts'
import { paintFor } from '../terminal/colour.ts'
import { addExamples } from '../terminal/examples.ts'
import { pairs } from '../terminal/table.ts'
import { oneLine } from '../terminal/text.ts'
import { bytes, count } from '../terminal/units.ts'

type Action = 'status' | 'reset' | 'invalidate'

interface OpcacheFlags extends TargetFlags {
  readonly folder?: string
  readonly backendFolder?: string
  readonly json?: boolean
}

const EXAMPLES = `
Examples:
  fcgi opcache unix:/run/php/php-fpm.sock
  fcgi opcache :9000 reset                                  after a release
  fcgi opcache :9000 invalidate /srv/app/src/Kernel.php
  fcgi opcache :9000 --folder ./shared --backend-folder /srv/shared   PHP in a container

A script is written for it to a folder that PHP can read, run, and removed again.`

export function opcacheCommand(io: Io): Command {
  const command = new Command('opcache')
    .summary('show what OPcache holds, or make it forget')
    .description('Shows what OPcache of php-fpm holds, or makes it forget all or some files.')
    .argument('<address>', 'unix:/run/php/php-fpm.sock, 127.0.0.1:9000, :9000, …')
    .addArgument(
      new Argument('[action]', 'what to do')
        .choices(['status', 'reset', 'invalidate'])
        .default('status'),
    )
    .argument('[files...]', 'what to invalidate: absolute paths, as PHP sees them')
    .option('--folder <folder>', 'where the script is written (default: that for temporary files)')
    .option('--backend-folder <folder>', 'the same folder as PHP sees it')
    .option('--json', 'print one JSON object')
  addVerbose(command)
  addExamples(addTargetOptions(command), EXAMPLES, io)
  return command.action((address: string, action: Action, files: string[], flags: OpcacheFlags) =>
    opcache(address, action, files, flags, io),
  )
}

async function opcache(
  text: string,
  action: Action,
  files: readonly string[],
  flags: OpcacheFlags,
  io: Io,
): Promise<void> {
  if ((action === 'invalidate') !== files.length > 0) {
    throw new Failure(
      Exit.Usage,
      action === 'invalidate'
        ? 'invalidate takes the files to forget: fcgi opcache ADDRESS invalidate /srv/app/a.php'
        : `${action} takes no files`,
    )
  }
  const target = targetOf(text, flags)
  await using pool = new Pool(target, poolOptions(flags))
  const { folder, backendFolder } = flags
  const options: OpcacheOptions = { signal: io.signal, folder, backendFolder }
  try {
    if (action === 'status') await show(await opcacheStatus(pool, options), flags, io)
    else if (action === 'reset') await reset(pool, options, flags, io)
    else await invalidate(pool, files, options, flags, io)
  } catch (error) {
    if (!(error instanceof FpmError)) throw error
    throw new Failure(Exit.No, `${formatAddress(target)}: ${error.message}`, { cause: error })
  }
}

async function show(status: OpcacheStatus, { json }: OpcacheFlags, io: Io): Promise<void> {
  if (json) {
    await print(io, JSON.stringify(status.fields))
    return
  }
  const paint = paintFor(io.stdout, io.env)
  const lines = pairs(rowsOf(status), (name) => paint('dim', name))
  for (const line of lines) await print(io, line)
}

function rowsOf(status: OpcacheStatus): [string, string][] {
  const { usedMemory, freeMemory, wastedMemory, internedStrings, jit } = status
  const rows: [string, string][] = [
    [
      'scripts',
      `${count(status.cachedScripts)} (${count(status.cachedKeys)} of ${count(status.maxCachedKeys)} keys)`,
    ],
    [
      'hits',
      `${count(status.hits)}, ${status.hitRate.toFixed(1)} %; ${count(status.misses)} misses`,
    ],
    [
      'memory',
      `${bytes(usedMemory)} used, ${bytes(freeMemory)} free, ${bytes(wastedMemory)} wasted${status.cacheFull ? '; full: raise opcache.memory_consumption or opcache.max_accelerated_files' : ''}`,
    ],
  ]
  if (internedStrings) {
    const { count: strings, usedMemory: used, freeMemory: free } = internedStrings
    rows.push(['strings', `${count(strings)}, ${bytes(used)} used, ${bytes(free)} free`])
  }
  if (jit)
    rows.push(['JIT', jit.on ? `${bytes(jit.bufferFree)} of ${bytes(jit.bufferSize)} free` : 'off'])
  rows.push([
    'restarts',
    `${count(status.oomRestarts)} for memory, ${count(status.hashRestarts)} for keys, ${count(status.manualRestarts)} by hand${status.restartPending ? '; one is waiting for running requests' : ''}`,
  ])
  return rows
}

async function reset(
  pool: Pool,
  options: OpcacheOptions,
  { json }: OpcacheFlags,
  io: Io,
): Promise<void> {
  await opcacheReset(pool, options)
  await print(
    io,
    json ? '{"reset":true}' : 'OPcache forgets everything when the requests that run now are over',
  )
}

async function invalidate(
  pool: Pool,
  files: readonly string[],
  options: OpcacheOptions,
  { json }: OpcacheFlags,
  io: Io,
): Promise<void> {
  const results = await opcacheInvalidate(pool, files, options)
  if (json) await print(io, JSON.stringify(results))
  else {
    for (const { file, done } of results) {
      await print(io, `${done ? 'forgotten' : 'not there '}  ${oneLine(file)}`)
    }
  }
  if (results.some(({ done }) => !done)) {
    throw new Failure(Exit.No, 'some of these files are not there for PHP')
  }
}
