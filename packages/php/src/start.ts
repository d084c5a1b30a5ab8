// Chooses a backend, starts it, and says in one line what was chosen and why.

import { basename } from 'node:path'
import type { IniSettings } from './ini.ts'
import { messageOf, PhpStartError, type PhpAttempt } from './errors.ts'
import { findPhp } from './find.ts'
import type { PhpFound } from './found.ts'
import { createFolder, ownerOf, removeFolder } from './folder.ts'
import { EMBEDDED_HINT, installHint, systemHint } from './hint.ts'
import { identify } from './identify.ts'
import { prepareLaunch } from './launch.ts'
import { checkOptions, type CheckedOptions, type StartPhpOptions } from './options.ts'
import { AddressPhp, StartedPhp, type Php } from './php.ts'
import { checkConnection } from './ready.ts'
import { Supervisor } from './supervisor.ts'

const START_TIMEOUT = 10_000
// Two processes of Node, and a WebAssembly module to compile.
const EMBEDDED_START_TIMEOUT = 30_000

/**
 * Starts a PHP backend on a private socket, or takes the one at `address`, and resolves when it accepts connections. What is started
 * runs until `close()`, is started again when it crashes, and ends with this process, however that ends.
 * @throws TypeError on a bad option; {@link PhpStartError} when nothing could be started, with all that was tried; the reason of `signal`.
 * @example
 * await using php = await startPhp({ root: './public' })
 * await using pool = new Pool(php.address)
 */
export async function startPhp(options: StartPhpOptions): Promise<Php> {
  const checked = checkOptions(options)
  checked.signal?.throwIfAborted()
  if (checked.address !== undefined) return attach(checked.address, checked)
  const attempts: PhpAttempt[] = []
  let cause: unknown
  for (const found of candidates(checked)) {
    try {
      return await launch(found, checked, attempts)
    } catch (error) {
      checked.signal?.throwIfAborted()
      if (error instanceof TypeError) throw error
      cause ??= error
      const { kind, program: target } = found
      const reason = messageOf(error)
      attempts.push({ kind, target, reason })
      const message = `${kind} (${target}) does not serve: ${reason}`
      checked.onLog({ level: 'warn', message, source: 'supervisor' })
      // A wish that cannot be met is told, not replaced by another PHP.
      if (isWish(found, checked)) break
    }
  }
  throw startError(checked, attempts, cause)
}

/** What is tried, in order: what was asked for, or the best of each kind. */
function candidates({ root, backend, program }: CheckedOptions): PhpFound[] {
  if (program !== undefined) {
    const kind = backend === 'auto' ? guessKind(program) : backend
    return [{ kind, program, version: undefined, origin: 'program', problem: undefined }]
  }
  const found = findPhp({ root }).filter(({ kind }) => backend === 'auto' || kind === backend)
  return found.filter(({ kind }, at) => found.findIndex((other) => other.kind === kind) === at)
}

function isWish({ origin }: PhpFound, { backend }: CheckedOptions): boolean {
  return backend !== 'auto' || ['program', 'PHP_FPM', 'PHP_CGI'].includes(origin)
}

/** Only until the program says it itself. */
function guessKind(program: string): PhpFound['kind'] {
  return basename(program).startsWith('php-cgi') ? 'php-cgi' : 'php-fpm'
}

async function launch(
  found: PhpFound,
  options: CheckedOptions,
  attempts: readonly PhpAttempt[],
): Promise<Php> {
  if (found.problem !== undefined) throw new Error(found.problem)
  const { kind, version } = await identified(found, options)
  const owner = ownerOf(options.root)
  const folder = createFolder(owner)
  try {
    const { program } = found
    const prepared = await prepareLaunch(kind, { options, folder, owner, program })
    const supervisor = new Supervisor(prepared, folder, {
      cwd: options.root,
      startTimeout: options.startTimeout ?? startTimeout(kind),
      stopTimeout: options.stopTimeout,
      onLog: options.onLog,
    })
    await supervisor.start(options.signal)
    const chosen = { ...found, kind, version }
    const description = describe(chosen, options, prepared.workers, attempts)
    return new StartedPhp(prepared, supervisor, version, description)
  } catch (error) {
    removeFolder(folder.path)
    throw error
  }
}

async function identified(
  { kind, program, origin, version }: PhpFound,
  { backend, signal }: CheckedOptions,
): Promise<Pick<PhpFound, 'kind' | 'version'>> {
  if (kind === 'embedded') return { kind, version }
  const identity = await identify(program, signal)
  const anyKind = origin === 'program' && backend === 'auto'
  if (identity.kind === kind || anyKind) return identity
  throw new Error(`it is ${identity.kind}, not ${kind}`)
}

function startTimeout(kind: PhpFound['kind']): number {
  return kind === 'embedded' ? EMBEDDED_START_TIMEOUT : START_TIMEOUT
}

async function attach(address: string, options: CheckedOptions): Promise<Php> {
  const ignored = (['workers', 'maxRequests'] as const).find((name) => options[name] !== undefined)
  if (ignored)
    throw new TypeError(`${ignored} concerns a backend that is started; address excludes it`)
  if (hasSettings(options.ini) || hasSettings(options.env)) {
    throw new TypeError('ini and env concern a backend that is started; address excludes them')
  }
  const timeout = AbortSignal.timeout(options.startTimeout ?? START_TIMEOUT)
  const { signal } = options
  try {
    await checkConnection(address, signal ? AbortSignal.any([timeout, signal]) : timeout)
  } catch (error) {
    signal?.throwIfAborted()
    const reason = messageOf(error)
    const message = `nobody accepts connections at ${address} (${reason}); start the backend there, or leave address out to have one started`
    const attempts: PhpAttempt[] = [{ kind: 'address', target: address, reason }]
    throw new PhpStartError('PHP_ERR_UNREACHABLE', message, { attempts, cause: error })
  }
  return new AddressPhp(address)
}

function hasSettings(settings: IniSettings): boolean {
  return Object.keys(settings).length > 0
}

function describe(
  found: PhpFound,
  options: CheckedOptions,
  workers: number,
  attempts: readonly PhpAttempt[],
): string {
  const { kind, program, version = '', origin } = found
  const count = workers === 1 ? '1 worker' : `${workers} workers`
  const failed = attempts.map((attempt) => `${attempt.kind} did not start`)
  // Who asked for this one is not told to install another.
  const asked = options.backend !== 'auto' || origin === 'program'
  if (kind === 'embedded') {
    const why = asked ? 'as asked for' : failed.join(', ') || 'no php-fpm or php-cgi was found'
    const line = `embedded PHP ${version}, ${count} (${why})`
    return asked ? line : `${line}; php-fpm is about ten times faster: ${systemHint()}`
  }
  const where = origin === 'program' ? 'as asked for' : `found in ${origin}`
  const line = `${kind} ${version}, ${count} (${program}, ${[where, ...failed].join('; ')})`
  return kind === 'php-fpm' || asked ? line : `${line}; php-fpm is sturdier: ${systemHint()}`
}

function startError(
  { backend }: CheckedOptions,
  attempts: readonly PhpAttempt[],
  cause: unknown,
): PhpStartError {
  const hint = `${installHint()}${installHint() === EMBEDDED_HINT ? '' : `, or: ${EMBEDDED_HINT}`}`
  if (attempts.length === 0) {
    const what = backend === 'auto' ? 'php-fpm, php-cgi and embedded PHP' : backend
    const fix = backend === 'embedded' ? EMBEDDED_HINT : hint
    const message = `no PHP found: looked for ${what}. Install it with: ${fix}`
    return new PhpStartError('PHP_ERR_NOT_FOUND', message)
  }
  const inner = cause instanceof PhpStartError ? cause : undefined
  const lines = attempts.map(({ kind, target, reason }) => `${kind} (${target}): ${reason}`)
  const message = `no PHP could be started: ${lines.join(';\n')}`
  return new PhpStartError(inner?.code ?? 'PHP_ERR_START', message, {
    attempts,
    log: inner?.log ?? [],
    cause,
  })
}
