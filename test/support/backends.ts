// FastCGI applications other than php-fpm: php-cgi, a C program with libfcgi, a Go program.

import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ROOT } from './paths.ts'
import {
  findProgram,
  lastFirst,
  Program,
  startListening,
  temporaryDirectory,
  type Backend,
  type Scope,
  type TransportName,
} from './process.ts'

export interface BackendOptions {
  /** @default 'unix' */
  listen?: TransportName
  /** @default 2 */
  workers?: number
}

const SOURCES = join(ROOT, 'test', 'support')
const BUILT = join(ROOT, 'build', 'e2e')
const run = promisify(execFile)

/** Starts `php-cgi -b`. No php.ini is read. */
export async function startPhpCgi(owner: Scope, options: BackendOptions = {}): Promise<Backend> {
  const scope = lastFirst(owner)
  const versions = ['8.5', '8.4', '8.3', '8.2', '8.1', '8.0', '7.4']
  const names = [
    'php-cgi',
    ...versions.flatMap((v) => [`php-cgi${v}`, `php-cgi${v.replace('.', '')}`]),
  ]
  const cgi = process.env.PHP_CGI ?? findProgram(names)
  if (!cgi) {
    throw new Error('php-cgi is not installed: apt-get install php-cgi, or set PHP_CGI to its path')
  }
  const directory = await temporaryDirectory(scope)
  const env = { PHP_FCGI_CHILDREN: String(options.workers ?? 2), PHP_FCGI_MAX_REQUESTS: '0' }
  const backend = await startListening(
    options.listen ?? 'unix',
    directory,
    (target) => new Program(cgi, ['-n', '-d', 'memory_limit=-1', '-b', target], env),
  )
  scope.after(() => backend.program.stop())
  return backend
}

/** Starts test/support/responder.c, and compiles it before when nobody has. */
export async function startLibfcgi(scope: Scope, options: BackendOptions = {}): Promise<Backend> {
  const source = join(SOURCES, 'responder.c')
  const program = await build('libfcgi', source, async (target) => {
    const compiler = process.env.CC ?? findProgram(['cc', 'gcc', 'clang'])
    if (!compiler) throw new Error('no C compiler: apt-get install gcc, or set CC')
    await run(compiler, ['-O1', '-Wall', '-Werror', '-o', target, source, '-lfcgi']).catch(
      (cause: unknown) => {
        const hint = 'does libfcgi-dev (apt-get), fcgi-dev (apk) or fcgi-devel (dnf) miss?'
        throw new Error(`responder.c cannot be compiled: ${hint}`, { cause })
      },
    )
  })
  return startSelfBinding(scope, program, [String(options.workers ?? 2)], options)
}

/** Whether the Go program can be tested. It is the only one that may be missing: it needs a toolchain of 200 MB. */
export const go: string | undefined = process.env.GO ?? findProgram(['go'])

/** Starts test/support/go-responder, and builds it before, with nothing but the standard library. */
export async function startGo(scope: Scope, options: BackendOptions = {}): Promise<Backend> {
  const folder = join(SOURCES, 'go-responder')
  const program = await build('go', join(folder, 'main.go'), async (target) => {
    if (!go) throw new Error('go is not installed')
    const env = {
      ...process.env,
      GOPROXY: 'off',
      GOTOOLCHAIN: 'local',
      GOFLAGS: '',
      CGO_ENABLED: '0',
    }
    await run(go, ['build', '-o', target, '.'], { cwd: folder, env })
  })
  return startSelfBinding(scope, program, [], options)
}

/** A program made from a source, once for each version of the source. */
async function build(
  name: string,
  source: string,
  make: (target: string) => Promise<void>,
): Promise<string> {
  const version = createHash('sha256')
    .update(await readFile(source))
    .digest('hex')
    .slice(0, 16)
  const target = join(BUILT, `${name}-${version}`)
  if (existsSync(target)) return target
  await mkdir(BUILT, { recursive: true })
  // Another test file may be building the same, and must never run half a program.
  const unfinished = `${target}.${process.pid}`
  await make(unfinished)
  await rename(unfinished, target)
  return target
}

async function startSelfBinding(
  owner: Scope,
  command: string,
  args: readonly string[],
  { listen = 'unix' }: BackendOptions,
): Promise<Backend> {
  const scope = lastFirst(owner)
  const directory = await temporaryDirectory(scope)
  const path = join(directory, 's')
  const target = listen === 'unix' ? ['unix', path] : ['tcp']
  const program = new Program(command, [...args, ...target])
  scope.after(() => program.stop())
  const [, port] = await program.until('is ready', () => /^ready ?(\d*)$/m.exec(program.log))
  return {
    address: listen === 'unix' ? `unix:${path}` : `tcp://127.0.0.1:${port}`,
    directory,
    program,
  }
}
