// A backend that a test plays by hand: it says what the script writes, and sees when it is held up or given up.

import type { Dispatched, DispatchHandler, Executor, FastCGIRequest } from '@fastcgi/client'
import { MockPool } from '@fastcgi/client/testing'

/** An executor whose requests wait for the test. */
export class HandPlayed extends MockPool implements Executor {
  /** Every request, in order. */
  readonly runs: HandPlayedRun[] = []
  readonly #play: (run: HandPlayedRun) => void

  /** @param play What every request begins with; all of it within one turn, as when one read holds it. @default nothing */
  constructor(play: (run: HandPlayedRun) => void = () => {}) {
    super()
    this.#play = play
  }

  override dispatch(request: FastCGIRequest, handler: DispatchHandler): Dispatched {
    const run = new HandPlayedRun(request, handler)
    this.runs.push(run)
    setImmediate(() => this.#play(run))
    return run
  }
}

/** One request. */
export class HandPlayedRun implements Dispatched {
  readonly request: FastCGIRequest
  /** Whether the reader wants no more for now. */
  paused = false
  /** Why it was given up, in a list of one; undefined while it was not. */
  aborted: readonly [unknown] | undefined
  readonly #handler: DispatchHandler
  #over = false

  constructor(request: FastCGIRequest, handler: DispatchHandler) {
    this.request = request
    this.#handler = handler
  }

  get over(): boolean {
    return this.#over
  }

  stdout(data: string | Uint8Array): void {
    this.#tell(data, (bytes) => this.#handler.onStdout(bytes))
  }

  stderr(data: string | Uint8Array): void {
    this.#tell(data, (bytes) => this.#handler.onStderr?.(bytes))
  }

  end(): void {
    if (this.#over) return
    this.#over = true
    this.#handler.onEnd({ appStatus: 0, protocolStatus: 0 })
  }

  fail(error: unknown): void {
    if (this.#over) return
    this.#over = true
    this.#handler.onError(error)
  }

  pause(): void {
    this.paused = true
  }

  resume(): void {
    this.paused = false
  }

  abort(reason?: unknown): void {
    if (this.#over) return
    this.aborted = [reason]
    this.fail(reason)
  }

  /** As a client tells it: a Buffer that is another's again after the call, and what is thrown fails the request. */
  #tell(data: string | Uint8Array, tell: (bytes: Uint8Array) => void): void {
    if (this.#over) return
    const bytes = Buffer.from(data)
    try {
      tell(bytes)
    } catch (error) {
      this.fail(error)
    }
    bytes.fill('?')
  }
}
