// A private temporary file: what does not fit into memory waits here. Its name is gone as soon as it is open, so that nobody else finds
// it, and that nothing is left behind however this process ends.

import { randomUUID } from 'node:crypto'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { StatusError } from '../status-error.ts'

/** The disk does not take, or does not give back, what was to wait there. */
export class SpoolError extends StatusError {
  /** What the system said, such as `ENOSPC`; undefined when the file itself was not as expected. */
  readonly code: string | undefined
  /** Whether there was no room left, on the disk (ENOSPC) or for this user (EDQUOT). */
  readonly isFull: boolean

  constructor(message: string, options: ErrorOptions & { code?: string | undefined } = {}) {
    // Insufficient Storage (RFC 4918 §11.5), for a request body. Not 503: clients and proxies repeat a request after that by themselves,
    // and an upload that is repeated keeps the disk full.
    super(507, message, options)
    this.name = 'SpoolError'
    this.code = options.code
    this.isFull = options.code === 'ENOSPC' || options.code === 'EDQUOT'
  }
}

const CREATE = fs.constants.O_CREAT | fs.constants.O_EXCL | fs.constants.O_RDWR
// The system takes no more pieces in one call (IOV_MAX).
const MAX_PIECES = 1024

let found: string | undefined
/** Asked once: each time, it would ask the system a dozen times who this process is, before it trusts the environment. */
function systemDirectory(): string {
  return (found ??= tmpdir())
}

type Done = (error: NodeJS.ErrnoException | null, count: number) => void

export class SpoolFile {
  readonly #directory: string
  readonly #fd: number
  /** The name, where the system does not give it up before the file is closed. */
  #path: string | undefined
  /** Calls of the system that are under way: the descriptor must not become another file's before they are over. */
  #busy = 0
  #closed = false

  /**
   * Opens a file that nobody but this process can read. Opened and unlinked in one go, without waiting: a process that is killed in between
   * would leave it behind.
   * @param directory Where. @default the system's folder for temporary files
   * @throws SpoolError when that cannot be done.
   */
  constructor(directory?: string) {
    this.#directory = directory ?? systemDirectory()
    const path = join(this.#directory, `fcgi-${randomUUID()}`)
    try {
      this.#fd = fs.openSync(path, CREATE, 0o600)
    } catch (cause) {
      throw this.#error('open', cause)
    }
    try {
      fs.unlinkSync(path)
    } catch {
      this.#path = path
    }
  }

  /**
   * Writes all of the pieces, one behind the other.
   * @param position Of the first byte.
   * @throws SpoolError when the disk is full or fails.
   */
  async write(pieces: readonly Uint8Array[], position: number): Promise<void> {
    let rest = pieces
    let at = position
    while (rest.length > 0) {
      const some = rest.slice(0, MAX_PIECES)
      const written = await this.#call('write to', (fd, done) => fs.writev(fd, some, at, done))
      at += written
      rest = behind(rest, written)
    }
  }

  /** Reads `length` bytes that were written, into memory of their own. @throws SpoolError when the disk fails. */
  async read(position: number, length: number): Promise<Uint8Array> {
    // Not cleared: nobody sees it before all of it was read over.
    const bytes = new Uint8Array(Buffer.allocUnsafeSlow(length).buffer)
    for (let at = 0; at < length;) {
      const count = await this.#call('read', (fd, done) =>
        fs.read(fd, bytes, at, length - at, position + at, done),
      )
      if (count === 0) throw this.#error('read', new Error('it is shorter than what was written'))
      at += count
    }
    return bytes
  }

  /** Gives the room on the disk back. Not while something is written or read. @throws SpoolError when the disk fails. */
  async truncate(): Promise<void> {
    await this.#call('truncate', (fd, done) => fs.ftruncate(fd, 0, (error) => done(error, 0)))
  }

  /** Gives everything back; what comes after it fails. Returns at once, the descriptor goes when no call uses it any more. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#release()
  }

  #call(what: string, call: (fd: number, done: Done) => void): Promise<number> {
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(this.#error(what, new Error('it is closed')))
        return
      }
      this.#busy++
      call(this.#fd, (error, count) => {
        this.#busy--
        this.#release()
        if (error) reject(this.#error(what, error))
        else resolve(count)
      })
    })
  }

  #release(): void {
    if (!this.#closed || this.#busy > 0) return
    // Nobody can be told, and nothing can be done about it: what was in it is not wanted any more.
    fs.close(this.#fd, () => {
      if (this.#path !== undefined) fs.unlink(this.#path, () => {})
    })
  }

  #error(what: string, cause: unknown): SpoolError {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined
    const reason = cause instanceof Error ? cause.message : String(cause)
    return new SpoolError(
      `cannot ${what} a temporary file in ${this.#directory} (${reason}): make room there, or choose another folder by requestBody.directory and response.directory`,
      { cause, code },
    )
  }
}

/** What is left of the pieces behind so many bytes: a call may write less than it was given. */
function behind(pieces: readonly Uint8Array[], count: number): readonly Uint8Array[] {
  let rest = count
  let first = 0
  while (first < pieces.length && rest >= pieces[first]!.length) rest -= pieces[first++]!.length
  const left = pieces.slice(first)
  if (rest > 0) left[0] = left[0]!.subarray(rest)
  return left
}
