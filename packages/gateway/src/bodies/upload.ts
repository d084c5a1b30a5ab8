// A request body that is watched while it comes: not too large, not standing still, not crawling, and as long as it was announced.

import { HttpRequestError } from '@fastcgi/client'
import type { IncomingBody } from '../http.ts'
import type { RequestBodyRules } from './rules.ts'

/**
 * The chunks of a body.
 * @throws HttpRequestError 413, 408; 400 when the body is shorter than announced. Whatever the body throws.
 */
export async function* watched(
  body: IncomingBody,
  rules: RequestBodyRules,
): AsyncGenerator<Uint8Array, void, undefined> {
  const source = new WatchedSource(body, rules)
  try {
    for (;;) {
      const chunk = await source.next()
      if (chunk === undefined) return
      yield chunk
    }
  } finally {
    source.release()
  }
}

/** @throws HttpRequestError 413 when the announced length is more than may come; before anything was read. */
export function checkLength(length: number | undefined, { maxSize }: RequestBodyRules): void {
  if (maxSize > 0 && length !== undefined && length > maxSize) throw tooLarge(maxSize)
}

class WatchedSource {
  readonly #iterator: AsyncIterator<Uint8Array>
  readonly #rules: RequestBodyRules
  readonly #length: number | undefined
  #received = 0
  /** In ms: only waiting for the client counts, not what the backend takes its time for. */
  #waited = 0
  #over = false

  constructor(body: IncomingBody, rules: RequestBodyRules) {
    this.#rules = rules
    this.#length = body.length
    this.#iterator = body[Symbol.asyncIterator]()
  }

  /** Undefined at the end. */
  async next(): Promise<Uint8Array | undefined> {
    const began = performance.now()
    const result = await this.#nextInTime()
    this.#waited += performance.now() - began
    if (result.done) {
      this.#over = true
      this.#checkEnd()
      return undefined
    }
    this.#received += result.value.length
    this.#checkProgress()
    return result.value
  }

  release(): void {
    if (this.#over) return
    // Not awaited: behind a chunk that never comes it would never settle.
    this.#iterator.return?.().catch(() => {})
  }

  /** The time counts while something is asked for: a reader that does not ask for more is not the client's fault. */
  #nextInTime(): Promise<IteratorResult<Uint8Array>> {
    const { timeout } = this.#rules
    if (timeout === 0) return this.#iterator.next()
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(this.#standstill()), timeout)
      const over = (): void => clearTimeout(timer)
      this.#iterator.next().finally(over).then(resolve, reject)
    })
  }

  #standstill(): HttpRequestError {
    return new HttpRequestError(
      408,
      `nothing of the upload came for ${this.#rules.timeout} ms, after ${this.#received} bytes`,
    )
  }

  #checkEnd(): void {
    if (this.#length === undefined || this.#length === this.#received) return
    throw new HttpRequestError(
      400,
      `the request body has ${this.#received} bytes, and ${this.#length} were announced`,
    )
  }

  #checkProgress(): void {
    const { maxSize, timeout, minRate } = this.#rules
    if (maxSize > 0 && this.#received > maxSize) throw tooLarge(maxSize)
    if (timeout === 0 || this.#waited < timeout) return
    const rate = (this.#received * 1000) / this.#waited
    if (rate >= minRate) return
    throw new HttpRequestError(
      408,
      `the upload came at ${rate.toFixed(1)} bytes per second, and requestBody.minRate is ${minRate}`,
    )
  }
}

function tooLarge(maxSize: number): HttpRequestError {
  return new HttpRequestError(
    413,
    `the request body is larger than ${maxSize} bytes (requestBody.maxSize)`,
  )
}
