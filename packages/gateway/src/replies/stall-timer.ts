// Notices a client that takes nothing.

export class StallTimer {
  readonly #timeout: number
  readonly #onStall: (error: Error) => void
  #timer: NodeJS.Timeout | undefined

  /** @param timeout In ms; 0 waits for ever. */
  constructor(timeout: number, onStall: (error: Error) => void) {
    this.#timeout = timeout
    this.#onStall = onStall
  }

  /** From here on the client has to take something. */
  start(): void {
    if (this.#timeout === 0 || this.#timer) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#onStall(new Error(`the client took nothing for ${this.#timeout} ms (response.timeout)`))
    }, this.#timeout)
  }

  /** It has taken something, and has to take more. */
  refresh(): void {
    if (!this.#timer) return
    this.stop()
    this.start()
  }

  /** It has taken all that it was given. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
