// What `serve` returns, whoever answers the requests: this process, or others that it looks after.

import type { ServeOptions } from './options.ts'

/** A running server. */
export interface GatewayServer extends AsyncDisposable {
  /**
   * Who this process is. With `workers`, the program runs once more in each of them, and `serve` returns there as well: what is to
   * happen once belongs into the process whose role is not `worker`.
   */
  readonly role: 'single' | 'primary' | 'worker'
  /** Where it listens: `http://127.0.0.1:8080`, `unix:/run/gateway.sock`. */
  readonly addresses: readonly string[]
  /** Where the admin listener is. */
  readonly admin: string | undefined
  /** Which PHP was started, and why, in one line. */
  readonly php: string | undefined
  /** Resolves when the server is closed, with the number of requests that were cut off. */
  readonly closed: Promise<number>
  /**
   * Takes other options without losing a request: those that run are finished as they began. Addresses that both name stay open; `php`,
   * `workers`, `limits`, `drainTimeout` and `signals` stay as they are. With `workers`, each is replaced by a new one, which runs the
   * program and so reads the options itself; those given here are only checked.
   * @throws what `serve` throws; then everything stays as it was.
   */
  reload(options: ServeOptions): Promise<void>
  /**
   * Stops accepting, finishes what runs, then closes everything.
   * @returns how many requests were cut off, because they took longer than `drainTimeout`.
   */
  close(): Promise<number>
  /** Closes everything now. @returns how many requests were cut off. */
  destroy(): Promise<number>
}
