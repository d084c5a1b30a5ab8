// A site that can tell a whole answer from any other, a server for it in a place of its own, and clients that check every byte.

import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
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
    echo ${JSON.stringify(LINE).replace('$', '\\$')};
    if ($line % 100 === 0) { flush(); usleep(1000); }
}
echo ${JSON.stringify(END)};`,
  // Whatever was sent once is to be in the file once; the answer says which it was.
  'once.php': `<?php
file_put_contents(__DIR__ . '/ran', $_GET['mark'] . "\\n", FILE_APPEND | LOCK_EX);
usleep(2000);
header('Content-Type: text/plain');
echo $_GET['mark'], ' ', md5(file_get_contents('php://input'));`,
  'pid.php': '<?php header("Content-Type: text/plain"); echo getmypid();',
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
}

export interface ChaosOutcome extends Asked {
  /** `whole`; `failed` when anybody could see that; `wrong` when a success was none. */
  readonly kind: 'whole' | 'failed' | 'wrong'
  /** The status, or the error of the connection. */
  readonly how: string
}

/** Asks, and compares every byte of what comes. */
export function ask(url: string, asked: Asked): Promise<ChaosOutcome> {
  return new Promise((resolve) => {
    const { body } = asked
    const settle = (kind: ChaosOutcome['kind'], how: string): void => {
      resolve({ ...asked, kind, how })
    }
    const fail = (error: NodeJS.ErrnoException): void =>
      settle('failed', error.code ?? error.message)
    const method = body === undefined ? 'GET' : 'POST'
    const request = httpRequest(url + asked.path, { agent: false, method })
    request.on('error', fail)
    request.on('response', (response) => {
      let text = ''
      response.setEncoding('latin1').on('data', (chunk: string) => (text += chunk))
      response.on('error', fail)
      response.on('end', () => {
        const { statusCode = 0 } = response
        if (statusCode >= 500) settle('failed', String(statusCode))
        else
          settle(
            text === asked.expected && statusCode === 200 ? 'whole' : 'wrong',
            `${statusCode} ${text.length} bytes`,
          )
      })
    })
    request.end(body)
  })
}

/** Clients that ask one thing after another, each in turn, until they are stopped. */
export class Crowd {
  readonly outcomes: ChaosOutcome[] = []
  readonly #enough = new AbortController()
  readonly #over: Promise<unknown>

  /** @param next What is asked next. */
  constructor(url: string, clients: number, next: () => Asked) {
    this.#over = Promise.all(
      Array.from({ length: clients }, async () => {
        while (!this.#enough.signal.aborted) this.outcomes.push(await ask(url, next()))
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
