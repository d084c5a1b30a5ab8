// A request body that is watched while it comes: not too large, not standing still, not crawling, and as long as it was announced.

import { HttpRequestError } from '@fastcgi/client'
import type { IncomingBody } from '../http.ts'
import type { RequestBodyRules } from './rules.ts'

/**
 * The chunks of a body, once. Ending the iteration early gives the rest up.
 * @throws HttpRequestError 413 or 408 as the rules say; 400 when the body is shorter or longer than announced. Whatever the body throws.
 */
export async function* watched(
  body: IncomingBody,
  rules: RequestBodyRules,
): AsyncGenerator<Uint8Array, void, undefined> {
  const upload = new Upload(body, rules)
  try {
    for (;;) {
      const chunk = await upload.next()
      if (chunk === undefined) return
      yield chunk
    }
  } finally {
    upload.release()
  }
}

/** @throws HttpRequestError 413 when the announced length is more than may come. */
export function checkLength(length: number | undefined, { maxSize }: RequestBodyRules): void {
  if (maxSize > 0 && length !== undefined && length > maxSize) throw tooLarge(maxSize)
}

class Upload {
  readonly #iterator: AsyncIterator<Uint8Array>
  readonly #rules: RequestBodyRules
  readonly #length: number | undefined
  readonly #timer: NodeJS.Timeout | undefined
  #received = 0
  /** In ms. Only waiting for the client counts, not what the backend or the disk takes its time for. */
  #waited = 0
  /** Set while the client is waited for. */
  #giveUp: ((error: Error) => void) | undefined
  #over = false

  constructor(body: IncomingBody, rules: RequestBodyRules) {
    this.#rules = rules
    this.#length = body.length
    this.#iterator = body[Symbol.asyncIterator]()
    if (rules.timeout > 0) this.#timer = setTimeout(() => this.#onTimeout(), rules.timeout)
  }

  /** Undefined at the end. */
  async next(): Promise<Uint8Array | undefined> {
    const began = performance.now()
    this.#timer?.refresh()
    const result = await new Promise<IteratorResult<Uint8Array>>((resolve, reject) => {
      this.#giveUp = reject
      this.#iterator.next().then(resolve, reject)
    })
    this.#giveUp = undefined
    this.#waited += performance.now() - began
    if (result.done) {
      this.#over = true
      if (this.#length !== undefined && this.#length !== this.#received) throw this.#wrongLength()
      return undefined
    }
    this.#received += result.value.length
    this.#check()
    return result.value
  }

  release(): void {
    clearTimeout(this.#timer)
    // Not awaited: behind a chunk that never comes it would never settle. And whoever gave up has a reason already.
    if (!this.#over) this.#iterator.return?.().catch(() => {})
  }

  #check(): void {
    const { maxSize, timeout, minRate } = this.#rules
    if (maxSize > 0 && this.#received > maxSize) throw tooLarge(maxSize)
    if (this.#length !== undefined && this.#received > this.#length) throw this.#wrongLength()
    if (timeout === 0 || this.#waited < timeout || this.#received === this.#length) return
    const rate = (this.#received * 1000) / this.#waited
    if (rate >= minRate) return
    throw new HttpRequestError(
      408,
      `the request body came at ${rate.toFixed(1)} bytes per second on average, and ${minRate} is the least (requestBody.minRate)`,
    )
  }

  #wrongLength(): HttpRequestError {
    return new HttpRequestError(
      400,
      `the request body has ${this.#received} bytes, and ${this.#length} were announced: the client went away, or what is between is at fault`,
    )
  }

  #onTimeout(): void {
    this.#giveUp?.(
      new HttpRequestError(
        408,
        `nothing of the request body came for ${this.#rules.timeout} ms, after ${this.#received} bytes (requestBody.timeout)`,
      ),
    )
  }
}

function tooLarge(maxSize: number): HttpRequestError {
  return new HttpRequestError(
    413,
    `the request body is larger than ${maxSize} bytes (requestBody.maxSize)`,
  )
}
