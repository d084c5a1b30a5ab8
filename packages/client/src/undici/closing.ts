// The half of a dispatcher that is the same for one backend and for many: who may still begin, and how it ends, in undici's words.

import { Dispatcher, errors } from 'undici'

type Callback = (error?: Error | null, data?: null) => void

/** A dispatcher that can be closed, with promises and with callbacks. */
export abstract class ClosingDispatcher extends Dispatcher {
  #closing: Promise<void> | undefined
  #destroying: Promise<void> | undefined

  constructor() {
    super()
    // Bun gives its own module to whoever imports undici: one whose Dispatcher is an empty class, and whose fetch asks none.
    if (typeof Dispatcher.prototype.dispatch === 'function') return
    throw new errors.NotSupportedError(
      'this runtime replaces undici by a module that has no dispatchers: use createFetch of @fastcgi/client/http',
    )
  }

  /** True once `close` or `destroy` was called. */
  get closed(): boolean {
    return this.#closing !== undefined || this.destroyed
  }

  /** True once `destroy` was called, or `close` is through. */
  get destroyed(): boolean {
    return this.#destroying !== undefined
  }

  /** Takes no new requests, finishes those that there are, and then closes. */
  override close(): Promise<void>
  override close(callback: () => void): void
  override close(callback?: Callback): Promise<void> | void {
    if (this.#destroying && !this.#closing) {
      return settle(Promise.reject(new errors.ClientDestroyedError()), callback)
    }
    this.#closing ??= this.finish().then(() => this.#destroy(null))
    return settle(this.#closing, callback)
  }

  /** Closes now: every request that is not over fails with the error. @default a ClientDestroyedError of undici */
  override destroy(error?: Error | null): Promise<void>
  override destroy(callback: () => void): void
  override destroy(error: Error | null, callback: () => void): void
  override destroy(first?: Error | null | Callback, second?: Callback): Promise<void> | void {
    const [error, callback] = typeof first === 'function' ? [null, first] : [first, second]
    return settle(this.#destroy(error ?? null), callback)
  }

  /** @throws ClientDestroyedError, ClientClosedError */
  protected checkOpen(): void {
    if (this.destroyed) throw new errors.ClientDestroyedError()
    if (this.closed) throw new errors.ClientClosedError()
  }

  /** Resolves when all that was begun is over. */
  protected abstract finish(): Promise<void>

  /** Ends all that was begun. */
  protected abstract end(error: Error): Promise<void>

  #destroy(error: Error | null): Promise<void> {
    this.#destroying ??= this.end(error ?? new errors.ClientDestroyedError())
    return this.#destroying
  }
}

function settle(promise: Promise<void>, callback: Callback | undefined): Promise<void> | void {
  if (callback === undefined) return promise
  if (typeof callback !== 'function') throw new errors.InvalidArgumentError('invalid callback')
  // In a microtask of its own, so that what it throws is an uncaught exception and no rejection.
  promise.then(
    () => queueMicrotask(() => callback(null, null)),
    (error: unknown) => queueMicrotask(() => callback(error as Error, null)),
  )
}
