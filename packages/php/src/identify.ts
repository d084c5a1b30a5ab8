// Asks a program what it is, before it is trusted with a configuration.

import { execFile } from 'node:child_process'
import process from 'node:process'
import { promisify } from 'node:util'
import { phpEnv } from './env.ts'
import { messageOf } from './errors.ts'

/** What a PHP program says of itself. */
export interface PhpIdentity {
  readonly kind: 'php-fpm' | 'php-cgi'
  /** Such as `8.2.36`. */
  readonly version: string
}

const KINDS: Readonly<Record<string, PhpIdentity['kind']>> = {
  'fpm-fcgi': 'php-fpm',
  'cgi-fcgi': 'php-cgi',
}
const TIMEOUT = 5000
const run = promisify(execFile)

/** @throws Error that says why it is neither php-fpm nor php-cgi. */
export async function identify(
  program: string,
  signal: AbortSignal | undefined,
): Promise<PhpIdentity> {
  const output = await versionOutput(program, signal)
  // Anywhere, since a php.ini that PHP complains about comes first.
  const [, version, sapi = ''] = /^PHP (\S+) \(([\w-]+)\)/m.exec(output) ?? []
  if (version === undefined) throw new Error('it is no PHP: `-v` does not show a version')
  const kind = KINDS[sapi]
  if (kind) return { kind, version }
  throw new Error(`it is PHP ${version} for ${sapi}, neither php-fpm nor php-cgi`)
}

async function versionOutput(program: string, signal: AbortSignal | undefined): Promise<string> {
  const env = phpEnv(process.env, {})
  try {
    const options = { env, timeout: TIMEOUT, killSignal: 'SIGKILL', windowsHide: true } as const
    const { stdout } = await run(program, ['-v'], { ...options, ...(signal && { signal }) })
    return stdout
  } catch (error) {
    signal?.throwIfAborted()
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT' || code === 'EACCES') {
      throw new Error(`it is not an executable file (${code})`, { cause: error })
    }
    const killed = error instanceof Error && 'killed' in error && error.killed === true
    const why = killed ? `no answer within ${TIMEOUT} ms` : messageOf(error).split('\n')[0]
    throw new Error(`it is no PHP: \`-v\` failed (${why})`, { cause: error })
  }
}
