// Where a body goes: to stdout, a file, or nowhere; exactly, and no faster than it is taken.

import { createWriteStream } from 'node:fs'
import { resolve } from 'node:path'
import type { Writable } from 'node:stream'
import type { CgiHead } from '@fastcgi/client/http'
import { Exit, Failure, messageOf } from '../failure.ts'
import type { Io } from '../io.ts'

/** What takes a body. */
export interface BodySink {
  /** Takes a copy of the bytes. @returns whether it wants more now; if not, `onDrain` is called when it does. @throws Failure */
  write(data: Uint8Array): boolean
  onDrain: () => void
  /** Told when the sink fails. */
  onError: (error: unknown) => void
  /** Resolves when everything is written. */
  end(): Promise<void>
}

/** @param file `-` is stdout, come what may; undefined is stdout, but no binary for a terminal. */
export function openSink(file: string | undefined, io: Io): BodySink {
  if (file !== undefined && file !== '-') {
    const path = resolve(io.cwd, file)
    return new StreamSink(() => createWriteStream(path), `cannot write ${file}`, true)
  }
  const guarded = file === undefined && io.stdout.isTTY === true
  const sink = new StreamSink(() => io.stdout, 'cannot write to stdout', false)
  return guarded ? new TerminalSink(sink) : sink
}

/** Takes everything and keeps nothing. */
export function nowhere(): BodySink {
  return { write: () => true, onDrain: () => {}, onError: () => {}, end: async () => {} }
}

class StreamSink implements BodySink {
  onDrain = (): void => {}
  onError: (error: unknown) => void = () => {}
  readonly #open: () => Writable
  readonly #what: string
  readonly #close: boolean
  #stream: Writable | undefined

  constructor(open: () => Writable, what: string, close: boolean) {
    this.#open = open
    this.#what = what
    this.#close = close
  }

  write(data: Uint8Array): boolean {
    return this.#started().write(Uint8Array.from(data))
  }

  end(): Promise<void> {
    const stream = this.#started()
    return new Promise((done, reject) => {
      const settle = (error?: Error | null): void => (error ? reject(this.#failure(error)) : done())
      if (this.#close) stream.end(settle)
      else stream.write('', settle)
    })
  }

  #started(): Writable {
    if (this.#stream) return this.#stream
    const stream = this.#open()
    this.#stream = stream
    stream.on('drain', () => this.onDrain())
    // What goes wrong with stdout concerns the whole command, and is noticed there.
    if (this.#close) stream.on('error', (error) => this.onError(this.#failure(error)))
    return stream
  }

  #failure(cause: Error): Failure {
    return new Failure(Exit.WriteError, `${this.#what}: ${messageOf(cause)}`, { cause })
  }
}

/** Keeps a terminal from being written full of binary data. */
class TerminalSink implements BodySink {
  readonly #sink: BodySink

  constructor(sink: BodySink) {
    this.#sink = sink
  }

  set onDrain(listener: () => void) {
    this.#sink.onDrain = listener
  }

  set onError(listener: (error: unknown) => void) {
    this.#sink.onError = listener
  }

  write(data: Uint8Array): boolean {
    if (!data.includes(0)) return this.#sink.write(data)
    throw new Failure(
      Exit.WriteError,
      'the body is binary, which could upset the terminal: save it with -o FILE, or print it all the same with -o -',
    )
  }

  end(): Promise<void> {
    return this.#sink.end()
  }
}

/** A sink that is chosen when the head is there. */
export class LateSink implements BodySink {
  onDrain = (): void => {}
  onError: (error: unknown) => void = () => {}
  readonly #choose: (head: CgiHead) => BodySink
  readonly #onLast: (byte: number | undefined) => void
  #sink: BodySink | undefined

  /** @param onLast Told the last byte of each piece. */
  constructor(choose: (head: CgiHead) => BodySink, onLast: (byte: number | undefined) => void) {
    this.#choose = choose
    this.#onLast = onLast
  }

  open(head: CgiHead): void {
    this.#sink = this.#choose(head)
    this.#sink.onDrain = () => this.onDrain()
    this.#sink.onError = (error) => this.onError(error)
  }

  write(data: Uint8Array): boolean {
    this.#onLast(data.at(-1))
    return this.#sink?.write(data) ?? true
  }

  async end(): Promise<void> {
    await this.#sink?.end()
  }
}
