// Finds every PHP of this machine that could serve, without running any of it.

import { accessSync, constants, readdirSync, realpathSync, statSync } from 'node:fs'
import { basename, delimiter, join, resolve } from 'node:path'
import process from 'node:process'
import { findEmbedded } from './embedded/find.ts'
import type { PhpFound } from './found.ts'
import type { BackendKind } from './options.ts'

/** Options of {@link findPhp}. */
export interface FindPhpOptions {
  /** Where to look for the packages of embedded PHP, beside the working directory. @default none */
  root?: string | undefined
  /** The environment to read PATH, PHP_FPM and PHP_CGI from. @default process.env */
  env?: NodeJS.ProcessEnv | undefined
  /** Folders to search after PATH. @default where Debian, Fedora, Alpine, Homebrew and MacPorts put php-fpm */
  folders?: readonly string[] | undefined
}

// php-fpm is a system program: a user's PATH often lacks its folder. Remi's and Homebrew's versions have folders of their own.
const FOLDERS = [
  '/usr/sbin',
  '/usr/local/sbin',
  '/opt/homebrew/sbin',
  '/opt/local/sbin',
  '/usr/bin',
  '/usr/local/bin',
  '/opt/homebrew/bin',
  '/opt/local/bin',
]
const VERSIONED_PARENTS = [
  { parent: '/opt/homebrew/opt', like: /^php@[\d.]+$/, below: ['sbin', 'bin'] },
  { parent: '/usr/local/opt', like: /^php@[\d.]+$/, below: ['sbin', 'bin'] },
  { parent: '/opt/remi', like: /^php\d+$/, below: ['root/usr/sbin', 'root/usr/bin'] },
]
const PROGRAMS = [
  { kind: 'php-fpm', variable: 'PHP_FPM' },
  { kind: 'php-cgi', variable: 'PHP_CGI' },
] as const

/**
 * Lists every PHP that could serve, the one that would be taken first: php-fpm before php-cgi before embedded PHP; of one kind, what
 * `PHP_FPM` or `PHP_CGI` names, then PATH, then the usual folders; in one folder the unversioned name, then the newest version.
 * @example
 * for (const { kind, program, version } of findPhp()) console.log(kind, version, program)
 */
export function findPhp(options: FindPhpOptions = {}): PhpFound[] {
  const { root = process.cwd(), env = process.env, folders = usualFolders() } = options
  const programs = PROGRAMS.flatMap(({ kind, variable }) =>
    fromVariable(kind, variable, env).concat(fromFolders(kind, env, folders)),
  )
  return [...unique(programs), ...findEmbedded(root)]
}

function fromVariable(kind: BackendKind, variable: string, env: NodeJS.ProcessEnv): PhpFound[] {
  const chosen = env[variable]
  if (!chosen) return []
  const program = resolve(chosen)
  const problem = isExecutable(program) ? undefined : 'it is not an executable file'
  return [{ kind, program, version: versionOf(program), origin: variable, problem }]
}

function fromFolders(
  kind: BackendKind,
  env: NodeJS.ProcessEnv,
  folders: readonly string[],
): PhpFound[] {
  const path = (env['PATH'] ?? env['Path'] ?? '').split(delimiter).filter(Boolean)
  return [...new Set([...path, ...folders])].flatMap((folder) =>
    programsIn(folder, kind).map((program) => ({
      kind,
      program,
      version: versionOf(program),
      origin: path.includes(folder) ? 'PATH' : folder,
      problem: undefined,
    })),
  )
}

/** Debian calls it `php-fpm8.2`, Alpine `php-fpm84`, Windows `php-cgi.exe`. */
function programsIn(folder: string, name: string): string[] {
  return entriesOf(folder)
    .map((entry) => ({ entry, suffix: suffixOf(entry, name) }))
    .filter(({ suffix }) => suffix !== undefined)
    .toSorted((a, b) => rank(b.suffix ?? '') - rank(a.suffix ?? ''))
    .map(({ entry }) => join(folder, entry))
    .filter(isExecutable)
}

function suffixOf(entry: string, name: string): string | undefined {
  if (!entry.startsWith(name)) return undefined
  const suffix = entry.slice(name.length).replace(/\.exe$/i, '')
  return /^[\d.]*$/.test(suffix) ? suffix : undefined
}

/** No version first, since it is what the system chose; then the newest: 8.10 after 8.9, 84 as 8.4. */
function rank(suffix: string): number {
  const [major = 0, minor = 0] = dotted(suffix)?.split('.').map(Number) ?? [Infinity]
  return major * 1000 + minor
}

/** The version that a program's name, or that of the file behind it, tells. */
function versionOf(program: string): string | undefined {
  const names = [program, realPath(program)].map((path) => basename(path))
  const suffixes = names.map((name) => /^php-(?:fpm|cgi)([\d.]+)/.exec(name)?.[1])
  return dotted(suffixes.find((suffix) => suffix !== undefined) ?? '')
}

function dotted(suffix: string): string | undefined {
  const [, major, minor] = /^(\d)\.?(\d*)/.exec(suffix) ?? []
  return major && `${major}.${minor || '0'}`
}

function usualFolders(): string[] {
  const versioned = VERSIONED_PARENTS.flatMap(({ parent, like, below }) =>
    entriesOf(parent)
      .filter((entry) => like.test(entry))
      .toSorted((a, b) => b.localeCompare(a, 'en', { numeric: true }))
      .flatMap((entry) => below.map((folder) => join(parent, entry, folder))),
  )
  return [...FOLDERS, ...versioned]
}

/** One program under several names, as where /bin is a link to /usr/bin, is listed once. */
function unique(found: readonly PhpFound[]): PhpFound[] {
  const seen = new Set<string>()
  return found.filter(({ program }) => {
    const path = realPath(program)
    if (seen.has(path)) return false
    seen.add(path)
    return true
  })
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}
