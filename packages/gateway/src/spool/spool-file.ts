// A private temporary file: what does not fit into memory waits here. Unlinked as soon as it is open, so that nobody else finds it, and
// that nothing is left behind however this process ends.

import { randomUUID } from 'node:crypto'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { StatusError } from '../failure.ts'

/** The disk does not take what is to be kept for a moment. */
export class SpoolError extends StatusError {
  constructor(message: string, options?: ErrorOptions) {
    // 507 Insufficient Storage (RFC 4918 §11.5).
    super(507, message, options)
    this.name = 'SpoolError'
  }
}

const OPEN = fs.constants.O_CREAT | fs.constants.O_EXCL | fs.constants.O_RDWR

export class SpoolFile {
  readonly #directory: string
  #fd: number | undefined
  /** Calls of the system that are under way; the descriptor must not become another file's before they are over. */
  #busy = 0
  #closed = false
  #size = 0

  /**
   * Opens a file that nobody but this process can read.
   * @param directory Where. @default the system's folder for temporary files
   * @throws SpoolError when that cannot be done.
   */
  constructor(directory: string | undefined) {
    this.#directory = directory ?? tmpdir()
    const path = join(this.#directory, `fcgi-${randomUUID()}`)
    try {
      this.#fd = fs.openSync(path, OPEN, 0o600)
      fs.unlinkSync(path)
    } catch (cause) {
      if (this.#fd !== undefined) fs.closeSync(this.#fd)
      throw this.#error('open', cause)
    }
  }

  /** Bytes that were appended. */
  get size(): number {
    return this.#size
  }

  /**
   * Writes at the end. One call at a time.
   * @param written Told after each piece that is on the disk, also when the rest fails.
   * @throws SpoolError when the disk is full or fails.
   */
  async append(bytes: Uint8Array, written: (count: number) => void = () => {}): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      const count = await this.#call<number>('write', (fd, done) =>
        fs.write(fd, bytes, at, bytes.length - at, this.#size, done),
      )
      at += count
      this.#size += count
      written(count)
    }
  }

  /** Reads what is there from a position on, `length` bytes at the most, into memory of its own. @throws SpoolError */
  async read(position: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(Math.min(length, this.#size - position))
    for (let at = 0; at < bytes.length;) {
      const count = await this.#call<number>('read', (fd, done) =>
        fs.read(fd, bytes, at, bytes.length - at, position + at, done),
      )
      if (count === 0) throw this.#error('read', new Error('it is shorter than what was written'))
      at += count
    }
    return bytes
  }

  /** Gives the room back, and begins at the front again. Not while something is appended or read. */
  clear(): void {
    if (this.#fd === undefined || this.#size === 0) return
    this.#size = 0
    try {
      fs.ftruncateSync(this.#fd)
    } catch (cause) {
      throw this.#error('truncate', cause)
    }
  }

  /** Gives everything back; what is under way then fails. */
  close(): void {
    this.#closed = true
    this.#closeWhenIdle()
  }

  #call<T>(
    what: string,
    call: (fd: number, done: (error: Error | null, result: T) => void) => void,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const fd = this.#fd
      if (fd === undefined || this.#closed) {
        reject(this.#error(what, new Error('it is closed')))
        return
      }
      this.#busy++
      call(fd, (error, result) => {
        this.#busy--
        if (this.#closed) this.#closeWhenIdle()
        if (error) reject(this.#error(what, error))
        else resolve(result)
      })
    })
  }

  #closeWhenIdle(): void {
    if (this.#busy > 0 || this.#fd === undefined) return
    fs.closeSync(this.#fd)
    this.#fd = undefined
  }

  #error(what: string, cause: unknown): SpoolError {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined
    const full = code === 'ENOSPC' || code === 'EDQUOT'
    const why = full ? `${code}: the disk is full` : (code ?? String(cause))
    return new SpoolError(
      `cannot ${what} a temporary file in ${this.#directory} (${why}): make room there, or choose another folder by requestBody.directory and response.directory`,
      { cause },
    )
  }
}
