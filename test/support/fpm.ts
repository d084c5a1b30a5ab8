// A php-fpm of a test's own: private configuration, private socket, gone with the test.

import { existsSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  accepts,
  fileScope,
  lastFirst,
  findProgram,
  Program,
  send,
  startListening,
  temporaryDirectory,
  type Backend,
  type Scope,
  type TransportName,
} from './process.ts'

export interface FpmOptions {
  /** pm.max_children, all of them started. @default 2 */
  workers?: number
  /** @default 'unix' */
  listen?: TransportName
  /** More of the pool's configuration, such as `{ 'pm.max_requests': 10 }`. */
  directives?: Readonly<Record<string, string | number>>
  /** More of the global configuration, such as `{ process_control_timeout: '5s' }`. */
  global?: Readonly<Record<string, string | number>>
  /** php.ini settings. No php.ini of the machine is read. */
  ini?: Readonly<Record<string, string | number>>
  /** Extensions of the engine that it is to load, such as opcache. */
  zendExtensions?: readonly string[]
}

// Deno calls no `after` of a test within another, and kills the master at its end, which leaves the workers.
const endOfFile = process.versions['deno'] === undefined ? undefined : fileScope()

const VERSIONS = ['8.5', '8.4', '8.3', '8.2', '8.1', '8.0', '7.4']

/** A running php-fpm. */
export class Fpm implements Backend {
  readonly address: string
  readonly directory: string
  #program: Program
  readonly #launch: () => Program

  /** @param launch Starts php-fpm once more, with the configuration that it had. */
  constructor(backend: Backend, launch: () => Program) {
    this.address = backend.address
    this.directory = backend.directory
    this.#program = backend.program
    this.#launch = launch
  }

  get program(): Program {
    return this.#program
  }

  /** Starts it again after {@link stop}, on the same address. */
  async start(): Promise<void> {
    this.#program = this.#launch()
    await this.program.until('accepts connections', () => accepts(this.address))
  }

  /** The pids of its workers at the moment, as the kernel knows them. */
  get workers(): number[] {
    const { pid } = this.program
    const list = `/proc/${pid}/task/${pid}/children`
    const children = existsSync(list) ? readFileSync(list, 'latin1') : ''
    return children.split(' ').filter(Boolean).map(Number)
  }

  /** Halts its workers, and returns once none of them can accept a connection any more. */
  async halt(): Promise<void> {
    this.signalWorkers('SIGSTOP')
    await this.program.until('workers have halted', () => this.workers.every(isHalted))
  }

  /** Ends what {@link halt} began. */
  proceed(): void {
    this.signalWorkers('SIGCONT')
  }

  async stop(): Promise<void> {
    if (this.program.exit !== undefined) return
    const workers = this.workers
    // A worker that a test has halted would not hear that it is to end.
    this.proceed()
    await this.program.stop()
    // A master that had to be killed leaves its workers behind, for us to end.
    if (this.program.exit === 'SIGKILL') for (const pid of workers) killWorker(pid)
  }

  /** Sends a signal to every worker, and not to the master. */
  signalWorkers(signal: NodeJS.Signals): void {
    for (const pid of this.workers) killWorker(pid, signal)
  }
}

/** Signals a worker, which may just have ended by itself. */
export function killWorker(pid: number, signal: NodeJS.Signals = 'SIGKILL'): void {
  send(pid, signal)
}

/** The state follows the name of the program, which stands in parentheses. */
function isHalted(pid: number): boolean {
  return /\) T/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
}

/** The php-fpm to test with. @throws when there is none: then nothing here can be proven. */
export function findFpm(): string {
  const names = [
    'php-fpm',
    ...VERSIONS.flatMap((v) => [`php-fpm${v}`, `php-fpm${v.replace('.', '')}`]),
  ]
  const fpm = process.env.PHP_FPM ?? findProgram(names)
  if (fpm) return fpm
  throw new Error(
    'php-fpm is not installed, and these tests need a real one: apt-get install php-fpm, ' +
      'apk add php84-fpm, dnf install php-fpm or brew install php; or set PHP_FPM to its path',
  )
}

/** Starts php-fpm and waits until it accepts connections. */
export async function startFpm(owner: Scope, options: FpmOptions = {}): Promise<Fpm> {
  const scope = lastFirst(owner)
  const fpm = findFpm()
  const directory = await temporaryDirectory(scope)
  const configuration = join(directory, 'fpm.conf')
  // Root must say who the workers are, and that they may be root: the fixtures may lie where nobody else can read them.
  const isRoot = process.getuid?.() === 0
  const extensions = (options.zendExtensions ?? []).flatMap((name) => [
    '-d',
    `zend_extension=${name}`,
  ])
  const flags = ['-n', ...extensions, '-F', '-O', '-y', configuration, ...(isRoot ? ['-R'] : [])]
  const launch = (): Program => new Program(fpm, flags)
  const backend = await startListening(options.listen ?? 'unix', directory, async (target) => {
    await writeFile(configuration, fpmConfiguration(directory, target, isRoot, options))
    return launch()
  })
  const running = new Fpm(backend, launch)
  scope.after(() => running.stop())
  endOfFile?.after(() => running.stop())
  const { workers = 2 } = options
  await running.program.until('has started its workers', () => running.workers.length >= workers)
  return running
}

function fpmConfiguration(
  directory: string,
  listen: string,
  isRoot: boolean,
  { workers = 2, directives = {}, global = {}, ini = {} }: FpmOptions,
): string {
  const settings = { 'opcache.enable': 0, memory_limit: -1, max_execution_time: 0, ...ini }
  return [
    '[global]',
    `error_log = ${join(directory, 'fpm.log')}`,
    'daemonize = no',
    ...lines({ log_level: 'notice', ...global }),
    '[www]',
    `listen = ${listen}`,
    'pm = static',
    `pm.max_children = ${workers}`,
    'ping.path = /ping',
    'pm.status_path = /status',
    ...(isRoot ? ['user = 0', 'group = 0'] : []),
    ...lines(directives),
    ...Object.entries(settings).map(([name, value]) => `php_admin_value[${name}] = ${value}`),
    '',
  ].join('\n')
}

function lines(directives: Readonly<Record<string, string | number>>): string[] {
  return Object.entries(directives).map(([name, value]) => `${name} = ${value}`)
}
