// What there is on the disk, looked at through the URL's eyes: regular files and folders below one root, and nothing else.

import * as fs from 'node:fs'
import { isAbsolute } from 'node:path'
import process from 'node:process'
import { byteStringOf, isAscii } from './bytes.ts'

/** A file or a folder. */
export interface FileEntry {
  readonly kind: 'file' | 'directory'
  /** In bytes. */
  readonly size: number
  /** Last change, in ms since 1970, as exactly as the file system tells. */
  readonly modified: number
}

/** Looks at a decoded path (each character one byte) below a root; undefined when nothing is there, or nothing that may be seen. */
export type Lookup = (path: string) => FileEntry | undefined

/** A file that is open for reading. Whoever has it closes `fd`. */
export interface OpenFile {
  readonly fd: number
  /** Of the open file, not of what was there when it was looked at. */
  readonly entry: FileEntry
}

export interface FileTreeOptions {
  /** `false`: what is really outside of the root is not there. @default true */
  readonly followSymlinks?: boolean | undefined
  /** How long is believed what was seen, in ms; `0` looks each time. @default 1000 */
  readonly ttl?: number | undefined
  /** How many paths are remembered. @default 4096 */
  readonly entries?: number | undefined
}

interface Seen {
  readonly entry: FileEntry | undefined
  readonly until: number
}

// Opening a fifo would otherwise wait for somebody who writes into it.
const OPEN = fs.constants.O_RDONLY | (fs.constants.O_NONBLOCK ?? 0)
const OPEN_NO_LINK = OPEN | (fs.constants.O_NOFOLLOW ?? 0)
// In bytes. Sites have hardly any longer paths; but anybody can ask for them, and fill the memory with a few thousand requests.
const MAX_REMEMBERED = 1024

/**
 * The files below a root on this machine.
 *
 * What was seen is believed for a second, so that a busy path costs no system call, and what was not there for a quarter of that: a page
 * often asks for a file that PHP has only just written, and then "not there" is the answer that hurts. Only so many paths are remembered,
 * the oldest forgotten first: anybody can ask for any number of paths that do not exist.
 *
 * Everything is looked for below the *real* root, which is itself looked at again every second. So when the root is a symlink that a
 * release moves (`current -> releases/2`), files, scripts and DOCUMENT_ROOT change over together.
 */
export class FileTree {
  /** As the options say it. */
  readonly root: string
  /** Bound: it can be handed on as it is. */
  readonly look: Lookup
  readonly #followSymlinks: boolean
  readonly #ttl: number
  readonly #entries: number
  readonly #seen = new Map<string, Seen>()
  /** The real root as text, and as the bytes that paths are put behind; empty for `/`. */
  #real = ''
  #realBytes = ''
  #realUntil = 0

  /**
   * @param root An absolute path.
   * @throws TypeError when it is relative; Error when it is not there or is no folder.
   */
  constructor(root: string, options: FileTreeOptions = {}) {
    if (typeof root !== 'string' || !isAbsolute(root) || root.includes('\0')) {
      throw new TypeError(`root must be an absolute path, not ${JSON.stringify(root)}`)
    }
    this.root = root
    this.#followSymlinks = options.followSymlinks ?? true
    this.#ttl = options.ttl ?? 1000
    this.#entries = Math.max(1, options.entries ?? 4096)
    checkFolder(root)
    this.#setReal(fs.realpathSync.native(root))
    this.look = (path) => this.#look(path)
  }

  /** The real path of the root, with every symlink followed. When the root is gone, for instance for a moment while it changes, the last one. */
  realRoot(): string {
    const now = performance.now()
    if (now >= this.#realUntil) {
      this.#realUntil = now + this.#ttl
      const real = attempt(() => fs.realpathSync.native(this.root))
      if (real !== undefined && real !== this.#real) this.#setReal(real)
    }
    return this.#real
  }

  /**
   * Opens a file, and checks once more what has been opened: it may have been replaced since it was looked at.
   * @returns undefined when there is no such regular file.
   * @throws the error of the system when it cannot be opened: EACCES, EMFILE, …
   */
  open(path: string): OpenFile | undefined {
    if (!isPlain(path)) return undefined
    this.realRoot()
    try {
      const file = this.#followSymlinks
        ? openRegular(this.#native(path), OPEN)
        : this.#openInside(this.#native(path))
      if (file === undefined) this.#seen.delete(path)
      return file
    } catch (error) {
      if (!isAbsent(error)) throw error
      this.#seen.delete(path)
      return undefined
    }
  }

  #look(path: string): FileEntry | undefined {
    this.realRoot()
    const now = performance.now()
    const seen = this.#seen.get(path)
    if (seen !== undefined && now < seen.until) return seen.entry
    const entry = isPlain(path) ? this.#stat(this.#native(path)) : undefined
    if (path.length <= MAX_REMEMBERED) {
      this.#remember(path, { entry, until: now + (entry ? this.#ttl : this.#ttl / 4) })
    }
    return entry
  }

  #stat(native: string | Buffer): FileEntry | undefined {
    const target = this.#followSymlinks ? native : this.#inside(native)
    if (target === undefined) return undefined
    const stats = attempt(() => fs.statSync(target, { throwIfNoEntry: false }))
    return stats && entryOf(stats)
  }

  /** The real path, when it is below the real root. */
  #inside(native: string | Buffer): Buffer | undefined {
    const real = attempt(() => fs.realpathSync.native(native, 'buffer'))
    if (real === undefined) return undefined
    const bytes = real.toString('latin1')
    const root = this.#realBytes
    return bytes === root || bytes.startsWith(`${root}/`) || bytes.startsWith(`${root}\\`)
      ? real
      : undefined
  }

  /** Opens without following anything, and then asks again where that is: a symlink may have come in between, anywhere on the way. */
  #openInside(native: string | Buffer): OpenFile | undefined {
    const real = this.#inside(native)
    const file = real && openRegular(real, OPEN_NO_LINK)
    if (real === undefined || file === undefined) return undefined
    const again = this.#inside(real)
    const there = again?.equals(real) ? attempt(() => fs.lstatSync(real)) : undefined
    const opened = fs.fstatSync(file.fd)
    if (there?.ino === opened.ino && there.dev === opened.dev) return file
    fs.closeSync(file.fd)
    return undefined
  }

  #remember(path: string, seen: Seen): void {
    // Deleted first, so that the order of the map is the order of looking.
    this.#seen.delete(path)
    if (this.#seen.size >= this.#entries) {
      const [oldest] = this.#seen.keys()
      if (oldest !== undefined) this.#seen.delete(oldest)
    }
    this.#seen.set(path, seen)
  }

  #setReal(real: string): void {
    this.#real = real
    this.#realBytes = byteStringOf(real === '/' ? '' : real)
    this.#realUntil = performance.now() + this.#ttl
    this.#seen.clear()
  }

  /** A string where it says the same: it is the faster one. */
  #native(path: string): string | Buffer {
    const full = this.#realBytes + path
    return isAscii(full) ? full : Buffer.from(full, 'latin1')
  }
}

/** A path that no file system reads as another one: whoever calls has decoded it and taken `..` out; here is the last place to see. */
function isPlain(path: string): boolean {
  if (!path.startsWith('/') || /\0|(?:^|\/)\.{1,2}(?:\/|$)/.test(path)) return false
  return process.platform !== 'win32' || !hasWindowsAlias(path)
}

/** Names that Windows takes for others: `a.`, `a `, `a::$DATA`, `LONGNA~1`, and backslashes. */
function hasWindowsAlias(path: string): boolean {
  return /[. ](?:\/|$)|[:\\]|~\d/.test(path)
}

function openRegular(path: string | Buffer, flags: number): OpenFile | undefined {
  const fd = fs.openSync(path, flags)
  let entry: FileEntry | undefined
  try {
    entry = entryOf(fs.fstatSync(fd))
  } finally {
    if (entry?.kind !== 'file') fs.closeSync(fd)
  }
  return entry?.kind === 'file' ? { fd, entry } : undefined
}

function entryOf(stats: fs.Stats): FileEntry | undefined {
  const kind = stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : undefined
  return kind && { kind, size: stats.size, modified: stats.mtimeMs }
}

/** Undefined where the file system has an objection, whichever it is: to a path it cannot show there is nothing. */
function attempt<T>(look: () => T): T | undefined {
  try {
    return look()
  } catch {
    return undefined
  }
}

/** What it means that there is no such file. */
function isAbsent(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG', 'ENXIO', 'EISDIR'].includes(String(code))
}

function checkFolder(root: string): void {
  let stats: fs.Stats
  try {
    stats = fs.statSync(root)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : ''
    const what = `the root ${root} cannot be looked at${code}: create it, or give the folder that is served`
    throw new Error(what, { cause: error })
  }
  if (!stats.isDirectory()) {
    throw new Error(`the root ${root} is no folder: give the folder that the file is in`)
  }
}
