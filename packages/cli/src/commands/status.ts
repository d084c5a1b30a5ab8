// `fcgi status`: php-fpm's status page, once or live.

import { setTimeout as delay } from 'node:timers/promises'
import { formatAddress, Pool } from '@fastcgi/client'
import { FpmError, fpmStatus, type FpmStatus } from '@fastcgi/php/fpm'
import { Command } from 'commander'
import { Exit, Failure, messageOf } from '../failure.ts'
import { addTargetOptions, addVerbose, time, type TargetFlags } from '../flags.ts'
import { print, type Io } from '../io.ts'
import { statusLines, type Sample, type View } from '../status/render.ts'
import { poolOptions, targetOf } from '../target.ts'
import { paintFor, widthOf } from '../terminal/colour.ts'
import { LiveScreen } from '../terminal/live.ts'
import { oneLine, truncate } from '../terminal/text.ts'
import { addExamples } from '../terminal/examples.ts'

interface StatusFlags extends TargetFlags {
  readonly path: string
  readonly full?: boolean
  readonly json?: boolean
  readonly watch?: boolean
  readonly interval: number
}

// How long one look of many may take, in ms: a screen that stands still tells nothing.
const PATIENCE = 5000
// As many looks as a wide terminal can show.
const HISTORY = 200

const EXAMPLES = `
Examples:
  fcgi status unix:/run/php/php-fpm.sock
  fcgi status :9000 --path /fpm-status --full
  fcgi status :9000 --watch --full --interval 0.5
  fcgi status :9000 --json | jq '."listen queue"'

The page is answered by a worker like any request: when all of them are busy, it waits as well,
unless the pool has a pm.status_listen of its own.`

export function statusCommand(io: Io): Command {
  const command = new Command('status')
    .summary('show what php-fpm and its workers do, also live (pm.status_path)')
    .description(
      "Shows php-fpm's status page, which needs `pm.status_path` in its pool configuration.",
    )
    .argument('<address>', 'unix:/run/php/php-fpm.sock, 127.0.0.1:9000, :9000, …')
    .option('--path <path>', 'the pm.status_path of the pool', '/status')
    .option('--full', 'show every worker')
    .option('--json', 'print what php-fpm says as JSON, with --watch one object a line')
    .option('-w, --watch', 'look again and again until Ctrl-C')
    .option('-n, --interval <s>', 'how often with --watch (default: 1)', time, 1000)
  addVerbose(command)
  addExamples(addTargetOptions(command), EXAMPLES, io)
  return command.action((address: string, flags: StatusFlags) =>
    new StatusView(address, flags, io).run(),
  )
}

class StatusView {
  readonly #io: Io
  readonly #flags: StatusFlags
  readonly #pool: Pool
  readonly #address: string
  #history: Sample[] = []

  constructor(text: string, flags: StatusFlags, io: Io) {
    const target = targetOf(text, flags)
    this.#io = io
    this.#flags = flags
    this.#address = formatAddress(target)
    const { watch, maxTime = watch ? PATIENCE : undefined } = flags
    this.#pool = new Pool(
      target,
      poolOptions({ ...flags, ...(maxTime !== undefined && { maxTime }) }),
    )
  }

  async run(): Promise<void> {
    try {
      const first = await this.#look()
      if (!this.#flags.watch) await this.#print(first)
      else if (this.#io.stdout.isTTY && !this.#flags.json) await this.#live(first)
      else await this.#lines(first)
    } finally {
      this.#pool.destroy()
    }
  }

  async #look(): Promise<FpmStatus> {
    const { path, full, json } = this.#flags
    // The workers are counted, whether they are shown or not.
    const options = { path, full: full === true || !json, signal: this.#io.signal }
    const status = await fpmStatus(this.#pool, options).catch((error: unknown) => {
      throw error instanceof FpmError ? noStatusPage(this.#address, error) : error
    })
    const { active, total, acceptedConnections: accepted } = status
    const sample = { at: performance.now(), active, total, accepted }
    this.#history = [...this.#history.slice(1 - HISTORY), sample]
    return status
  }

  async #print(status: FpmStatus): Promise<void> {
    const { json, watch } = this.#flags
    if (json) await print(this.#io, JSON.stringify(status.fields, null, watch ? 0 : 2))
    else for (const line of statusLines(status, this.#view())) await print(this.#io, line)
  }

  #view(width: number = widthOf(this.#io.stdout, this.#io.env)): View {
    const { stdout, env } = this.#io
    const { watch, full = false } = this.#flags
    const history = watch ? this.#history : []
    return { address: this.#address, width, paint: paintFor(stdout, env), full, history }
  }

  /** One look after the other, for a file or a program. */
  async #lines(first: FpmStatus): Promise<void> {
    let status = first
    for (;;) {
      await this.#print(status)
      await this.#pause()
      if (!this.#flags.json) await print(this.#io, '')
      status = await this.#look()
    }
  }

  async #live(first: FpmStatus): Promise<void> {
    const screen = new LiveScreen(this.#io)
    const paint = paintFor(this.#io.stdout, this.#io.env)
    let lines = statusLines(first, this.#view(screen.width))
    let trouble = ''
    try {
      for (;;) {
        const foot =
          trouble === ''
            ? paint('dim', 'Ctrl-C ends')
            : paint('red', truncate(trouble, screen.width - 2))
        screen.draw([...lines, '', `  ${foot}`])
        await this.#pause()
        try {
          lines = statusLines(await this.#look(), this.#view(screen.width))
          trouble = ''
        } catch (error) {
          this.#io.signal.throwIfAborted()
          // Whoever watches wants to see it come back.
          trouble = oneLine(messageOf(error))
        }
      }
    } finally {
      screen.close()
      // What was seen last stays to be read.
      for (const line of lines) this.#io.stdout.write(`${line}\n`)
    }
  }

  #pause(): Promise<void> {
    return delay(this.#flags.interval, undefined, { signal: this.#io.signal })
  }
}

/** What to tell when there is no status page where one was expected. */
function noStatusPage(address: string, error: FpmError): Failure {
  const hint = error.code === 'FPM_ERR_NO_PAGE' ? ', or give --path' : ''
  return new Failure(Exit.No, `${address}: ${error.message}${hint}`, { cause: error })
}
