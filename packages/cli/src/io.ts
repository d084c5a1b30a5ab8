// What a command may touch of the world outside: handed in, so that tests bring their own.

import process from 'node:process'
import type { Readable, Writable } from 'node:stream'

/** An output of the command; `process.stdout` and `process.stderr` are such. */
export type Output = Writable & {
  /** Whether a person looks at it. @default false */
  readonly isTTY?: boolean | undefined
  /** Its width in characters, when it is a terminal. @default 80 */
  readonly columns?: number | undefined
}

/** The world as a command sees it. */
export interface Io {
  readonly stdin: Readable & { readonly isTTY?: boolean | undefined }
  readonly stdout: Output
  readonly stderr: Output
  /** NO_COLOR, FORCE_COLOR, TERM and COLUMNS are looked at. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** The folder that relative paths begin at. */
  readonly cwd: string
  /** Ends the command; its reason is a {@link Stop} with the exit code. */
  readonly signal: AbortSignal
}

/** This process. @param signal Ends the command. */
export function processIo(signal: AbortSignal): Io {
  const { stdin, stdout, stderr, env } = process
  return { stdin, stdout, stderr, env, cwd: process.cwd(), signal }
}

/** Writes text or bytes and waits while the reader is slow. */
export async function write(io: Io, output: Output, data: string | Uint8Array): Promise<void> {
  io.signal.throwIfAborted()
  if (output.write(data)) return
  await new Promise<void>((resolve, reject) => {
    const settle = (): void => {
      output.off('drain', settle)
      io.signal.removeEventListener('abort', settle)
      if (io.signal.aborted) reject(io.signal.reason)
      else resolve()
    }
    output.once('drain', settle)
    io.signal.addEventListener('abort', settle, { once: true })
  })
}

/** A line on stdout: what was asked for. */
export function print(io: Io, line: string): Promise<void> {
  return write(io, io.stdout, `${line}\n`)
}

/** A line on stderr: what is said about it. */
export function say(io: Io, line: string): void {
  io.stderr.write(`${line}\n`)
}
