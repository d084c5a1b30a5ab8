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

  /** From here on the client has to take something; when it has to already, nothing changes. */
  start(): void {
    if (this.#timeout === 0 || this.#timer) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#onStall(
        new Error(
          `the client took nothing of the answer for ${this.#timeout} ms (response.timeout), and was disconnected`,
        ),
      )
    }, this.#timeout)
  }

  /** It has taken what there was, or there is nothing any more that it could take. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
