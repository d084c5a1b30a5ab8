// The connections that wait for a request, and when they are closed: after keepAliveTimeout, or to make way for one that waits for a worker.

import { Alarm, now } from '../connection/alarm.ts'
import type { Connection } from '../connection/connection.ts'
import { ClosedError } from '../errors.ts'

// How long a request on a fresh connection waits for its first byte before a connection that has served gives up its worker, in ms.
const PATIENCE = 500

export class IdleConnections {
  readonly #keepAliveTimeout: number
  /** The last to become idle is the first to be used, so that a pool that is too large shrinks. */
  readonly #idle: Connection[] = []
  readonly #alarm: Alarm = new Alarm(() => this.#closeExpired())
  /** Connections on which nothing has been answered yet: perhaps no worker has accepted them. In the order in which they were opened. */
  readonly #unproven = new Set<Connection>()

  /** @param keepAliveTimeout In ms; 0 keeps them until the application closes them. */
  constructor(keepAliveTimeout: number) {
    this.#keepAliveTimeout = keepAliveTimeout
  }

  get size(): number {
    return this.#idle.length
  }

  /** A connection was opened. */
  opened(connection: Connection): void {
    this.#unproven.add(connection)
  }

  /** A connection is over, idle or not. */
  closed(connection: Connection): void {
    this.#unproven.delete(connection)
    const at = this.#idle.indexOf(connection)
    if (at >= 0) this.#idle.splice(at, 1)
  }

  push(connection: Connection): void {
    connection.idleSince = now()
    this.#idle.push(connection)
    this.#alarm.set(connection.idleSince + this.#limit())
  }

  pop(): Connection | undefined {
    return this.#idle.pop()
  }

  /** Closes all that are idle. */
  close(reason: Error): void {
    this.#alarm.clear()
    for (const connection of this.#idle.splice(0)) connection.destroy(reason)
  }

  /**
   * An application with fewer workers than there are connections accepts some of them only when others are closed, and those that are
   * busy all the time would never be. One that has served gives its worker up for one that has waited too long, once for each.
   */
  mustMakeWay(connection: Connection): boolean {
    const waiting = this.#waitingForWorker()
    if (!waiting || waiting === connection || now() - waiting.unansweredSince! < PATIENCE) {
      return false
    }
    this.#unproven.delete(waiting)
    return true
  }

  /** The oldest connection that carries a request and has never answered one. */
  #waitingForWorker(): Connection | undefined {
    if (this.#unproven.size === 0) return undefined
    for (const connection of this.#unproven) {
      if (connection.unansweredSince !== undefined) return connection
      if (connection.served > 0) this.#unproven.delete(connection)
    }
    return undefined
  }

  /** How long a connection may be idle, in ms: not for ever while another waits for a worker. */
  #limit(): number {
    const limit = this.#keepAliveTimeout === 0 ? Infinity : this.#keepAliveTimeout
    return this.#waitingForWorker() ? Math.min(limit, PATIENCE) : limit
  }

  #closeExpired(): void {
    const oldest = now() - this.#limit()
    while (this.#idle[0] && this.#idle[0].idleSince <= oldest) {
      this.#idle.shift()?.destroy(new ClosedError('idle for longer than keepAliveTimeout'))
    }
    const next = this.#idle[0]
    if (next) this.#alarm.set(next.idleSince + this.#limit())
  }
}
