// Programs that tests start: found, fed with a temporary directory, listened to, and gone when the test is over.

import { spawn, type ChildProcess } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { after } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { parseAddress } from '@fastcgi/client'

/** What owns a program: a test, or a whole file by `{ after }` of node:test. */
export interface Scope {
  after(clean: () => Promise<void>): void
}

/** How a backend listens; every test of behaviour runs over both. */
export const TRANSPORTS = ['unix', 'tcp'] as const
export type TransportName = (typeof TRANSPORTS)[number]

/** A FastCGI application that a test has started. */
export interface Backend {
  /** As `new Pool()` takes it. */
  readonly address: string
  /** A directory of its own: for gates, marks and whatever else a test and its script agree on. */
  readonly directory: string
  readonly program: Program
}

// A program that does not start, or a script that does not get there, is not waited for any longer.
const PATIENCE = 20_000
const started = new Set<ChildProcess>()
// A test run that is cut short must not leave its backends behind. SIGTERM, because that is what a master passes on to its workers.
process.once('exit', () => {
  for (const child of started) child.kill('SIGTERM')
})
// How `node --test` ends a file that takes too long; by default there is no `exit` then.
process.once('SIGTERM', () => process.exit(1))

/**
 * A directory that is removed when the scope is over. Short, because the path of a unix socket may have 107 characters. A script that still
 * ends may put a file into it meanwhile.
 */
export async function temporaryDirectory(scope: Scope): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'fcgi-'))
  scope.after(() => rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }))
  return directory
}

/** The same scope, cleaned up from last to first, where a test does so from first to last: a program ends before its directory goes. */
export function lastFirst(scope: Scope): Scope {
  const cleaners: (() => Promise<void>)[] = []
  scope.after(async () => {
    for (const clean of cleaners.toReversed()) await clean()
  })
  return { after: (clean) => void cleaners.push(clean) }
}

/** What lives as long as the tests of a file; for `before`, whose own context has no `after` on Deno. To be called outside of it. */
export function fileScope(): Scope {
  return lastFirst({ after: (clean) => after(clean) })
}

/** A program by its names, in PATH and where Debian and its like put daemons; `undefined` when there is none. */
export function findProgram(names: readonly string[]): string | undefined {
  const directories = (process.env.PATH ?? '').split(delimiter)
  directories.push('/usr/local/sbin', '/usr/sbin', '/usr/local/bin', '/usr/local/go/bin')
  const paths = names.flatMap((name) =>
    name.includes('/') ? [name] : directories.map((directory) => join(directory, name)),
  )
  return paths.find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** One child process and what it has said. */
export class Program {
  readonly #child: ChildProcess
  readonly #command: string
  #log = ''
  #exit: string | undefined
  readonly exited: Promise<void>

  constructor(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    this.#command = command
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    })
    this.#child = child
    started.add(child)
    for (const output of [child.stdout, child.stderr]) {
      output.setEncoding('utf8').on('data', (text: string) => {
        this.#log += text
      })
    }
    this.exited = new Promise((resolve) => {
      child.once('error', (error) => {
        this.#log += `${error.message}\n`
        this.#over('failed', resolve)
      })
      child.once('exit', (code, signal) => this.#over(signal ?? `status ${code}`, resolve))
    })
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error(`${this.#command} did not start`)
    return this.#child.pid
  }

  /** Everything it wrote to stdout and stderr. */
  get log(): string {
    return this.#log
  }

  /** How it ended; undefined while it runs. */
  get exit(): string | undefined {
    return this.#exit
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#exit === undefined) send(this.pid, signal)
  }

  /** Ends it, by force when it does not go by itself. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    this.signal(signal)
    const force = setTimeout(() => this.signal('SIGKILL'), 5000)
    await this.exited
    clearTimeout(force)
  }

  /** Waits until a condition of it holds, and fails at once when it ends before. */
  async until<T>(what: string, condition: () => T | Promise<T>): Promise<NonNullable<T>> {
    return await until(`${this.#command}: ${what}`, async () => {
      const value = await condition()
      if (!value && this.#exit !== undefined)
        throw new Error(`${this.#command} ended: ${this.#log}`)
      return value
    }).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${this.#log}`, { cause: error })
    })
  }

  #over(exit: string, done: () => void): void {
    this.#exit ??= exit
    started.delete(this.#child)
    done()
  }
}

/**
 * Signals a process, which may just have ended by itself. Not by `kill` of a child: Deno does so once only, and takes the signal for the
 * way in which the child has ended.
 */
export function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

/** Asks again and again, for what no event tells; gives back the first value that counts as true. */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
): Promise<NonNullable<T>> {
  const end = performance.now() + PATIENCE
  for (;;) {
    const value = await condition()
    if (value) return value
    if (performance.now() > end) throw new Error(`gave up waiting: ${what}`)
    await delay(4)
  }
}

/** Whether somebody accepts connections there. */
export function accepts(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ ...parseAddress(address) })
    const settle = (answer: boolean): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => settle(true))
    socket.once('error', () => settle(false))
  })
}

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => {
        if (address !== null && typeof address === 'object') resolve(address.port)
        else reject(new Error('no port'))
      })
    })
  })
}

/**
 * Starts a program that binds its own address, with another port when somebody was faster. To stop it is the caller's.
 * @param launch Starts it; gets the address as the program's configuration writes it.
 */
export async function startListening(
  listen: TransportName,
  directory: string,
  launch: (target: string) => Program | Promise<Program>,
): Promise<Backend> {
  for (let attempt = 1; ; attempt++) {
    const target = listen === 'unix' ? join(directory, 's') : `127.0.0.1:${await freePort()}`
    const program = await launch(target)
    const address = listen === 'unix' ? `unix:${target}` : `tcp://${target}`
    try {
      await program.until('accepts connections', () => accepts(address))
      return { address, directory, program }
    } catch (error) {
      await program.stop()
      if (attempt === 5 || !/in use/i.test(program.log)) throw error
    }
  }
}
