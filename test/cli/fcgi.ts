// The command in this process, with input and output of its own, and as the program that users start.

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { run, type Io } from '@fastcgi/cli'
import { PHP_ROOT, ROOT } from '../support/paths.ts'
import { send, until, type Scope } from '../support/process.ts'

/** The scripts of these tests alone. */
export const CLI_PHP = join(ROOT, 'test', 'cli', 'php')
/** The built program. */
export const PROGRAM = join(ROOT, 'packages', 'cli', 'dist', 'main.js')

export interface FcgiOptions {
  /** @default nothing */
  stdin?: string | Uint8Array | Readable
  /** Which outputs are terminals. @default neither */
  tty?: readonly ('stdout' | 'stderr')[]
  /** @default 80 */
  columns?: number
  env?: Record<string, string>
  /** @default the PHP fixtures */
  cwd?: string
  signal?: AbortSignal
}

export interface FcgiResult {
  code: number
  bytes: Buffer
  out: string
  err: string
}

class Sink extends Writable {
  readonly chunks: Buffer[] = []
  readonly isTTY: boolean
  readonly columns: number

  constructor(isTTY: boolean, columns: number) {
    super()
    this.isTTY = isTTY
    this.columns = columns
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.chunks.push(chunk)
    // Slower than a command, so that it has to wait.
    setImmediate(done)
  }
}

/** Runs the command in this process. */
export async function fcgi(
  args: readonly string[],
  options: FcgiOptions = {},
): Promise<FcgiResult> {
  const { stdin = '', tty = [], columns = 80, env = {}, cwd = PHP_ROOT } = options
  const stdout = new Sink(tty.includes('stdout'), columns)
  const stderr = new Sink(tty.includes('stderr'), columns)
  const signal = options.signal ?? new AbortController().signal
  const input = stdin instanceof Readable ? stdin : Readable.from([Buffer.from(stdin)])
  const io: Io = { stdin: input, stdout, stderr, env, cwd, signal }
  const code = await run(args, io)
  stdout.end()
  stderr.end()
  await Promise.all([finished(stdout), finished(stderr)])
  const bytes = Buffer.concat(stdout.chunks)
  return { code, bytes, out: bytes.toString(), err: Buffer.concat(stderr.chunks).toString() }
}

/** The command as a program. */
export class Running {
  readonly child: ChildProcess
  out = ''
  err = ''

  constructor(scope: Scope, args: readonly string[], command = [process.execPath, PROGRAM]) {
    const [program = '', ...first] = command
    this.child = spawn(program, [...first, ...args], {
      cwd: PHP_ROOT,
      env: { ...process.env, NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.out += text))
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.err += text))
    scope.after(async () => this.signal('SIGKILL'))
  }

  signal(name: NodeJS.Signals): void {
    if (this.child.pid !== undefined && this.child.exitCode === null) send(this.child.pid, name)
  }

  /** Its exit code, or the signal that ended it. */
  async ended(): Promise<number | string> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      await once(this.child, 'close')
    }
    return this.child.exitCode ?? this.child.signalCode ?? 'unknown'
  }

  async says(pattern: RegExp): Promise<void> {
    await until(`it says ${pattern}`, () => pattern.test(this.out + this.err))
  }
}
