// Runs what a request command asks for: once, along redirects, or many times.

import { formatAddress, type Address, type StdinBody } from '@fastcgi/client'
import type { CgiHead } from '@fastcgi/client/http'
import { Exit, Failure, Stop } from '../failure.ts'
import type { TargetFlags } from '../flags.ts'
import { say, type Io } from '../io.ts'
import { paintFor } from '../terminal/colour.ts'
import { Progress } from '../terminal/progress.ts'
import { poolOptions } from '../target.ts'
import { exchange, TimedPool, type Listener, type Outcome } from './exchange.ts'
import type { Body, BodyFlag } from './files.ts'
import { askOf, type Ask, type AskFlags } from './options.ts'
import { LateSink, nowhere, openSink, type BodySink } from './output.ts'
import { droppedHeaders, textOf } from './params.ts'
import { repeat } from './repeat.ts'
import { timingLine, timingOf } from './timing.ts'
import { headLines, StderrPrinter, Trace } from './trace.ts'
import { parseUrl, type RequestUrl } from './url.ts'

/** Options of the request commands. */
export interface RequestFlags extends AskFlags, TargetFlags {
  readonly include?: boolean
  readonly output?: string
  readonly silent?: boolean
  readonly stderr?: boolean
  readonly fail?: boolean
  readonly failWithBody?: boolean
  readonly location?: boolean
  readonly maxRedirs: number
  readonly time?: boolean
  readonly timeJson?: boolean
  readonly repeat?: number
  readonly parallel: number
  readonly showSecrets?: boolean
  readonly firstByteTimeout?: number
  readonly stallTimeout?: number
}

const LF = 0x0a

/** One call of a request command. */
export interface RequestCall {
  readonly method: string
  readonly address: Address
  readonly url: string
  readonly flags: RequestFlags
  readonly bodyFlags: readonly BodyFlag[]
  readonly io: Io
}

/** @throws Failure, FastCGIError, Stop */
export async function runRequest(call: RequestCall): Promise<void> {
  const { address, flags, io } = call
  const url = parseUrl(call.url)
  const ask = await askOf({ ...call, url })
  warnOfDropped(ask, flags, io)
  const many = flags.repeat !== undefined
  const pool = new TimedPool(address, {
    ...poolOptions(flags),
    headersTimeout: flags.firstByteTimeout,
    bodyTimeout: flags.stallTimeout,
    ...(many && { keepAlive: true, connections: flags.parallel, queueTimeout: 0 }),
  })
  try {
    if (flags.repeat === undefined) await new Single(call, pool).run(url, ask)
    else await repeat(pool, ask, flags.repeat, flags, io)
  } finally {
    await pool.pool.close()
  }
}

function warnOfDropped({ headers, params }: Ask, { silent }: RequestFlags, io: Io): void {
  if (silent) return
  for (const name of droppedHeaders(headers, params)) {
    say(
      io,
      `fcgi: the header ${name} is not sent, because PHP could take it for something else; to send it all the same, use --unsafe-param HTTP_${name.toUpperCase().replace(/[^A-Z0-9]/g, '_')}=…`,
    )
  }
}

/** One request, and those that its redirects lead to. */
class Single {
  readonly #call: RequestCall
  readonly #pool: TimedPool
  readonly #io: Io
  readonly #flags: RequestFlags
  readonly #trace: Trace | undefined
  #midLine = false

  constructor(call: RequestCall, pool: TimedPool) {
    this.#call = call
    this.#pool = pool
    this.#io = call.io
    this.#flags = call.flags
    const { verbose, showSecrets = false } = call.flags
    this.#trace = verbose ? new Trace(call.io, showSecrets) : undefined
  }

  async run(url: RequestUrl, ask: Ask): Promise<void> {
    let next: { url: RequestUrl; ask: Ask } | undefined = { url, ask }
    for (let redirects = 0; next; redirects++) {
      if (redirects > this.#flags.maxRedirs) {
        throw new Failure(
          Exit.TooManyRedirects,
          `more than ${this.#flags.maxRedirs} redirects, the last one to ${next.url.target} (--max-redirs)`,
        )
      }
      const { head } = await this.#once(next.ask)
      next = await this.#redirect(next.url, next.ask, head)
      if (!next) this.#judge(head)
    }
  }

  async #once(ask: Ask): Promise<Outcome> {
    const io = this.#io
    this.#trace?.sending(formatAddress(this.#call.address), ask.params, ask.body?.length)
    const progress = this.#startProgress()
    const stderr = this.#showsStderr()
      ? new StderrPrinter(io, this.#trace !== undefined, () => this.#freshLine(), scriptOf(ask))
      : undefined
    const sink = new LateSink(
      (head) => this.#sinkFor(head),
      (last) => {
        this.#midLine = last !== LF
      },
    )
    const listener: Listener = {
      onHead: (head) => {
        progress?.clear()
        this.#onHead(head)
        if (progress) progress.receiveTotal = head.contentLength
        sink.open(head)
      },
      onStderr: (data) => {
        progress?.clear()
        stderr?.write(data)
      },
      onBody: (length) => progress?.received(length),
    }
    try {
      const { method, params } = ask
      const stdin = bodyStream(ask.body, progress)
      const request = { method, params, stdin }
      const outcome = await exchange({
        pool: this.#pool,
        request,
        sink,
        listener,
        signal: io.signal,
      })
      await sink.end()
      progress?.stop()
      stderr?.end()
      this.#onEnd(outcome)
      return outcome
    } finally {
      progress?.stop()
      stderr?.end()
    }
  }

  #onHead(head: CgiHead): void {
    this.#trace?.head(head)
    if (this.#flags.include)
      this.#io.stdout.write(`${headLines(head).join('\r\n')}\r\n\r\n`, 'latin1')
  }

  /** What is said on a terminal does not go on in the middle of the body's last line. */
  #freshLine(): void {
    const { stdout, stderr } = this.#io
    const { output } = this.#flags
    const sameScreen = stdout.isTTY && stderr.isTTY && (output === undefined || output === '-')
    if (this.#midLine && sameScreen) stderr.write('\n')
    this.#midLine = false
  }

  #onEnd(outcome: Outcome): void {
    const { time, timeJson } = this.#flags
    if (this.#trace || time || timeJson) this.#freshLine()
    this.#trace?.ended(outcome)
    const timing = timingOf(outcome)
    const { stderr, env } = this.#io
    if (time) say(this.#io, paintFor(stderr, env)('dim', timingLine(timing)))
    if (timeJson) say(this.#io, JSON.stringify(timing))
  }

  /** The body of a redirect that is followed, and of an error with --fail, is nobody's interest. */
  #sinkFor(head: CgiHead): BodySink {
    const { fail, output, location } = this.#flags
    if (fail && head.status >= 400) return nowhere()
    if (location && locationOf(head) !== undefined) return nowhere()
    return openSink(output, this.#io)
  }

  #showsStderr(): boolean {
    return this.#flags.stderr ?? !this.#flags.silent
  }

  #startProgress(): Progress | undefined {
    const { silent, output } = this.#flags
    const { stdout, stderr } = this.#io
    const elsewhere = (output !== undefined && output !== '-') || !stdout.isTTY
    if (silent || !stderr.isTTY || !elsewhere) return undefined
    return new Progress(this.#io)
  }

  async #redirect(
    url: RequestUrl,
    ask: Ask,
    head: CgiHead,
  ): Promise<{ url: RequestUrl; ask: Ask } | undefined> {
    const location = this.#flags.location ? locationOf(head) : undefined
    if (location === undefined) return undefined
    const target = parseUrl(location.startsWith('/') ? location : absolute(location, url), url)
    if (target.host !== url.host) {
      throw new Failure(
        Exit.BadAddress,
        `the redirect to ${location} leads to another host, which this backend need not serve: use an HTTP client for it`,
      )
    }
    const keep = [307, 308].includes(head.status) || ['GET', 'HEAD'].includes(ask.method)
    const method = keep ? ask.method : 'GET'
    const { request: _, get: __, ...flags } = this.#flags
    const body = keep ? ask.body : undefined
    const again = { method, url: target, flags, bodyFlags: [], body, io: this.#io }
    return { url: target, ask: await askOf(again) }
  }

  #judge({ status }: CgiHead): void {
    const { fail, failWithBody, silent } = this.#flags
    if (!(fail || failWithBody) || status < 400) return
    if (silent) throw new Stop(Exit.HttpError)
    throw new Failure(Exit.HttpError, `the HTTP status is ${status}`)
  }
}

/** The script that PHP is asked for, as it is called there. */
function scriptOf({ params }: Ask): string {
  const value = params.findLast(([name]) => name === 'SCRIPT_FILENAME')?.[1] ?? ''
  return textOf(value)
}

function locationOf(head: CgiHead): string | undefined {
  if (head.localRedirect !== undefined) return head.localRedirect
  if (![301, 302, 303, 307, 308].includes(head.status)) return undefined
  return head.headers.find(([name]) => name.toLowerCase() === 'location')?.[1]
}

function absolute(location: string, { target, host, https }: RequestUrl): string {
  return new URL(location, `${https ? 'https' : 'http'}://${host}${target}`).href
}

/** The body to send, counted for the progress. */
function bodyStream(body: Body | undefined, progress: Progress | undefined): StdinBody | undefined {
  const source = body?.open()
  if (!progress || !body || body.length === undefined || source === undefined) return source
  if (typeof source !== 'object' || !(Symbol.asyncIterator in source)) return source
  progress.sendTotal = body.length
  return counted(source, progress)
}

async function* counted(
  source: AsyncIterable<Uint8Array | string>,
  progress: Progress,
): AsyncGenerator<Uint8Array | string> {
  for await (const chunk of source) {
    progress.sent(chunk.length)
    yield chunk
  }
}
