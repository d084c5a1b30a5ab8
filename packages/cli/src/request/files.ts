// What bodies are made of: options, files and stdin.

import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Readable } from 'node:stream'
import type { StdinBody } from '@fastcgi/client'
import { Exit, Failure, messageOf } from '../failure.ts'
import type { Io } from '../io.ts'

/** One option that brings a piece of the body, in the order of the command line. */
export interface BodyFlag {
  readonly kind: 'data' | 'raw' | 'binary' | 'urlencode' | 'json' | 'form' | 'form-string' | 'file'
  readonly value: string
}

/** A body that can be sent more than once. */
export interface Body {
  /** In bytes; undefined when only its end tells. */
  readonly length: number | undefined
  readonly contentType: string | undefined
  /** Begins to read it. */
  open(): StdinBody
}

/** A file, or stdin for `-`, in memory. */
export async function readWhole(name: string, io: Io): Promise<Buffer> {
  try {
    if (name !== '-') return await readFile(resolve(io.cwd, name))
    return await readStdin(io)
  } catch (cause) {
    throw unreadable(name, cause)
  }
}

async function readStdin({ stdin, signal }: Io): Promise<Buffer> {
  signal.throwIfAborted()
  const stop = (): void => void stdin.destroy(signal.reason as Error)
  signal.addEventListener('abort', stop, { once: true })
  const chunks: Buffer[] = []
  for await (const chunk of stdin) chunks.push(Buffer.from(chunk as Uint8Array | string))
  signal.removeEventListener('abort', stop)
  return Buffer.concat(chunks)
}

/** The size of a regular file; undefined for pipes and devices. */
export async function sizeOf(name: string, io: Io): Promise<number | undefined> {
  try {
    const stats = await stat(resolve(io.cwd, name))
    if (stats.isDirectory()) throw new Error('it is a folder')
    return stats.isFile() ? stats.size : undefined
  } catch (cause) {
    throw unreadable(name, cause)
  }
}

/** A file as it is read. */
export function openFile(name: string, io: Io): Readable {
  return createReadStream(resolve(io.cwd, name), { highWaterMark: 256 * 1024 })
}

function unreadable(name: string, cause: unknown): Failure {
  const what = name === '-' ? 'stdin' : name
  return new Failure(Exit.ReadError, `cannot read ${what}: ${messageOf(cause)}`, { cause })
}
