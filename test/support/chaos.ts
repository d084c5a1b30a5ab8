// A site that can tell a whole answer from any other, a server for it in a place of its own, and clients that check every byte.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { request as httpRequest, type Agent, type ClientRequest } from 'node:http'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { ServeOptions } from '@fastcgi/gateway'
import { startProcess, type GatewayProcess } from './gateway-process.ts'
import { temporaryDirectory, until } from './process.ts'

const LINE = 'all lines of this answer are the same\n'
const END = 'the end\n'

const SCRIPTS: Readonly<Record<string, string>> = {
  // ?lines=N: slow enough to be hit in the middle, and no Content-Length to tell that it was.
  'lines.php': `<?php
header('Content-Type: text/plain');
header('X-Accel-Buffering: no');
for ($line = 0; $line < (int) $_GET['lines']; $line++) {
    echo ${JSON.stringify(LINE)};
    if ($line % 100 === 0) { flush(); usleep(1000); }
}
echo ${JSON.stringify(END)};`,
  // Whatever was sent once is to be in the file once; the answer says which it was.
  'once.php': `<?php
file_put_contents(__DIR__ . '/ran', $_GET['mark'] . "\\n", FILE_APPEND | LOCK_EX);
usleep(2000);
header('Content-Type: text/plain');
echo $_GET['mark'], ' ', md5(file_get_contents('php://input'));`,
  // ?lines=N as fast as they are taken.
  'large.php': `<?php
header('Content-Type: text/plain');
for ($line = 0; $line < (int) $_GET['lines']; $line += 1000) echo str_repeat(${JSON.stringify(LINE)}, 1000);
echo ${JSON.stringify(END)};`,
  // ?size=N: events without an end, for as long as somebody listens.
  'events.php': `<?php
header('Content-Type: text/event-stream');
for (;;) { echo 'data: ', str_repeat('x', (int) $_GET['size']), "\\n\\n"; flush(); usleep(1000); }`,
  'slow.php': '<?php usleep(20000); echo "slow";',
  'dies.php': '<?php exec("kill -9 " . getmypid());',
  // ?mark=M: its worker dies in the middle of it, when it is run for the first time.
  'dies-once.php': `<?php
$first = !str_contains((string) @file_get_contents(__DIR__ . '/ran'), $_GET['mark'] . "\\n");
file_put_contents(__DIR__ . '/ran', $_GET['mark'] . "\\n", FILE_APPEND | LOCK_EX);
if ($first) exec('kill -9 ' . getmypid());
echo $_GET['mark'];`,
}

/** A site in a directory of its own, which is also where everything temporary goes. */
export interface ChaosSite {
  readonly directory: string
  readonly root: string
  readonly temporary: string
}

export async function chaosSite(t: TestContext): Promise<ChaosSite> {
  const directory = await temporaryDirectory(t)
  const root = join(directory, 'root')
  const temporary = join(directory, 'tmp')
  await Promise.all([mkdir(root), mkdir(temporary)])
  for (const [name, text] of Object.entries(SCRIPTS)) await writeFile(join(root, name), text)
  await writeFile(join(root, 'static.txt'), linesOf(2000))
  await writeFile(join(root, 'large.txt'), linesOf(200_000))
  return { directory, root, temporary }
}

/** Starts a server with PHP of its own for the site; what it makes is in the site's directory. */
export function startChaos(
  t: TestContext,
  { root, temporary }: ChaosSite,
  options: ServeOptions = {},
): Promise<GatewayProcess> {
  const php = { backend: 'php-fpm', workers: 4 } as const
  const env = { TMPDIR: temporary }
  return startProcess(t, { root, php, workers: 2, admin: 0, ...options }, env)
}

/** The whole of `lines.php`. */
export function linesOf(count: number): string {
  return LINE.repeat(count) + END
}

/** The pids of all processes that work for the site, whoever their parents are by now. */
export function processesOf({ directory }: ChaosSite): number[] {
  const pids = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
  return pids.filter((pid) => belongsTo(pid, directory))
}

function belongsTo(pid: number, directory: string): boolean {
  const told = [readProc(pid, 'cmdline'), readProc(pid, 'environ'), workingDirectory(pid)]
  return told.some((text) => text.includes(directory))
}

/** Empty when it has just ended, or is somebody else's. */
function workingDirectory(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`)
  } catch {
    return ''
  }
}

/** Waits until no process and nothing temporary is left. */
export async function untilNothingIsLeft(site: ChaosSite): Promise<void> {
  try {
    await until('nothing is left', () => leftovers(site).length === 0)
  } catch (error) {
    throw new Error(`left behind: ${leftovers(site).join(', ')}`, { cause: error })
  }
}

function leftovers(site: ChaosSite): string[] {
  const processes = processesOf(site).map((pid) => `process ${pid} ${commandOf(pid)}`)
  return [...processes, ...readdirSync(site.temporary)]
}

/** Its command line; empty when it is gone. */
export function commandOf(pid: number): string {
  return readProc(pid, 'cmdline').replaceAll('\0', ' ')
}

/** Its children at the moment. */
export function childPids(pid: number): number[] {
  return readProc(pid, `task/${pid}/children`).split(' ').filter(Boolean).map(Number)
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1')
  } catch {
    return ''
  }
}

/** The marks of the POSTs that PHP has run, as often as it did. */
export function marksOf({ root }: ChaosSite): string[] {
  const file = join(root, 'ran')
  return existsSync(file) ? readFileSync(file, 'latin1').split('\n').filter(Boolean) : []
}

/** What a client asks, and what it must get when the answer is a success. */
export interface Asked {
  readonly path: string
  readonly expected: string
  readonly body?: string
  readonly mark?: string
  /** In the middle of the upload, or of the download, it waits for this. */
  readonly hold?: Promise<void>
}

export interface ChaosOutcome extends Asked {
  /** `whole`; `failed` when anybody could see that; `wrong` when a success was none. */
  readonly kind: 'whole' | 'failed' | 'wrong'
  /** The status, or the error of the connection. */
  readonly how: string
}

/** Asks, and compares every byte of what comes. */
export function ask(url: string, asked: Asked, agent?: Agent): Promise<ChaosOutcome> {
  return new Promise((resolve) => {
    const { body, path, hold } = asked
    const settle = (kind: ChaosOutcome['kind'], how: string): void => {
      resolve({ ...asked, kind, how })
    }
    const fail = (error: NodeJS.ErrnoException): void => {
      settle('failed', `${error.code}${request.reusedSocket ? ' of a connection kept' : ''}`)
    }
    const method = body === undefined ? 'GET' : 'POST'
    const headers = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }
    const request = httpRequest(url + path, { agent: agent ?? false, method, headers })
    request.on('error', fail)
    request.on('response', (response) => {
      let text = ''
      response.setEncoding('latin1').on('data', (chunk: string) => (text += chunk))
      response.on('error', fail)
      response.on('end', () => {
        const { statusCode = 0 } = response
        const right = text === asked.expected && statusCode === 200
        if (statusCode >= 500) settle('failed', String(statusCode))
        else settle(right ? 'whole' : 'wrong', `${statusCode}, ${text.length} bytes`)
      })
      if (!hold || body !== undefined) return
      response.pause()
      void hold.then(() => response.resume())
    })
    send(request, asked)
  })
}

function send(request: ClientRequest, { body = '', hold }: Asked): void {
  if (!hold) {
    request.end(body)
    return
  }
  const half = body.length >> 1
  if (half > 0) request.write(body.slice(0, half))
  else request.flushHeaders()
  if (body === '') request.end()
  else void hold.then(() => request.end(body.slice(half)))
}

/** Pages with and without a file behind them, and what must not happen twice, in turn. */
export function mixture(): () => Asked {
  let count = 0
  const page = linesOf(1000)
  const file = linesOf(2000)
  return () => {
    count++
    if (count % 3 === 0) return { path: '/static.txt', expected: file }
    if (count % 3 === 1) return { path: '/lines.php?lines=1000', expected: page }
    return upload(`m${count}`, 10_000)
  }
}

/** An upload, and what PHP says of it when it has run for it. */
export function upload(mark: string, size: number): Asked {
  const body = `${mark} `.repeat(Math.ceil(size / (mark.length + 1)))
  const sum = createHash('md5').update(body).digest('hex')
  return { path: `/once.php?mark=${mark}`, expected: `${mark} ${sum}`, body, mark }
}

/** Nothing was called whole that was not, and no POST ran twice, or was answered without having run. */
export function checkOutcomes({ site, crowd }: { site: ChaosSite; crowd: Crowd }): void {
  assert.deepEqual(
    crowd.of('wrong').map(({ path, how }) => `${path}: ${how}`),
    [],
  )
  const marks = marksOf(site)
  assert.equal(new Set(marks).size, marks.length, 'a POST ran twice')
  const ran = new Set(marks)
  for (const { mark } of crowd.of('whole')) if (mark) assert.ok(ran.has(mark), mark)
}

/** Clients that ask one thing after another, each in turn, until they are stopped. */
export class Crowd {
  readonly outcomes: ChaosOutcome[] = []
  readonly #enough = new AbortController()
  readonly #over: Promise<unknown>

  /** @param next What is asked next. @param agent Keeps connections, where one is given. */
  constructor(t: TestContext, url: string, clients: number, next: () => Asked, agent?: Agent) {
    t.after(() => this.#enough.abort())
    this.#over = Promise.all(
      Array.from({ length: clients }, async () => {
        while (!this.#enough.signal.aborted) this.outcomes.push(await ask(url, next(), agent))
      }),
    )
  }

  of(kind: ChaosOutcome['kind']): ChaosOutcome[] {
    return this.outcomes.filter((outcome) => outcome.kind === kind)
  }

  /** How often each of the failures was seen. */
  get failures(): Record<string, number> {
    const counts: Record<string, number> = {}
    for (const { how } of this.of('failed')) counts[how] = (counts[how] ?? 0) + 1
    return counts
  }

  /** Waits for so many more whole answers. */
  async more(count: number): Promise<void> {
    const enough = this.of('whole').length + count
    await until(`${count} more whole answers, beside ${JSON.stringify(this.failures)}`, () => {
      return this.of('whole').length >= enough
    })
  }

  /** Resolves when the last answer is there. */
  async stop(): Promise<void> {
    this.#enough.abort()
    await this.#over
  }
}
