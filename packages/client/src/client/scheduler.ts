// Requests on one side, connections on the other: a fair, bounded queue in front, a stack of idle connections behind.
// Invariant: requests wait only while no connection is idle; a connection that becomes free takes the oldest.

import { Alarm, now } from '../connection/alarm.ts'
import { announceQueue } from '../connection/announce.ts'
import { Connection, type ConnectionOwner } from '../connection/connection.ts'
import { dial } from '../connection/dial.ts'
import type { Exchange, Holder } from '../connection/exchange.ts'
import { channels, type PoolState } from '../diagnostics.ts'
import { ClosedError, ConnectError, QueueFullError } from '../errors.ts'
import { Encoder } from '../protocol/index.ts'
import type { Transport } from '../transport/transport.ts'
import { IdleConnections } from './idle-connections.ts'
import type { CheckedOptions } from './options.ts'
import { Queue } from './queue.ts'

/** What a pool or client is doing at the moment. */
export interface PoolStats {
  /** Open connections, busy and idle. */
  readonly connected: number
  /** Connections that are being opened. */
  readonly connecting: number
  /** Open connections without a request. */
  readonly idle: number
  /** Requests that a connection is working on. */
  readonly running: number
  /** Requests that wait, for a connection or until their stdin is collected. */
  readonly queued: number
}

export class Scheduler implements ConnectionOwner, PoolState {
  readonly encoder: Encoder = new Encoder()
  readonly #options: CheckedOptions
  readonly #queue = new Queue<Exchange>()
  readonly #queueAlarm = new Alarm(() => this.#expireQueue())
  readonly #connections = new Set<Connection>()
  readonly #idle: IdleConnections
  readonly #collecting = new Set<Exchange>()
  /** One for each connection that is being opened. */
  readonly #dials = new Set<AbortController>()
  /** Connections being opened: for the queue, and for replays, each of which has one of its own. */
  #dialing = 0
  readonly #replaying = new Set<Exchange>()
  /** Transports that have not said yet that they are closed. */
  #transports = 0
  #closing: PromiseWithResolvers | undefined
  #destroyed = false
  #announcedClose = false

  constructor(options: CheckedOptions) {
    this.#options = options
    this.#idle = new IdleConnections(options.keepAliveTimeout)
    if (channels.poolCreate.hasSubscribers) channels.poolCreate.publish({ pool: this })
  }

  get name(): string {
    return this.#options.name
  }

  get address(): string {
    return this.#options.address
  }

  get connections(): number {
    return this.#options.connections
  }

  get closed(): boolean {
    return this.#closing !== undefined
  }

  get destroyed(): boolean {
    return this.#destroyed
  }

  get stats(): PoolStats {
    const connected = this.#connections.size
    const idle = this.#idle.size
    return {
      connected,
      connecting: this.#dialing + this.#replaying.size,
      idle,
      running: connected - idle,
      queued: this.#queue.size + this.#collecting.size + this.#replaying.size,
    }
  }

  /** Takes a request; its outcome is told to its handler, and never before this has returned. */
  submit(exchange: Exchange): void {
    if (exchange.aborted) return
    try {
      if (this.closed) throw this.#closedError()
      if (this.#collecting.size > this.#options.maxQueue) throw this.#queueFull()
      const collecting = exchange.measureStdin(this.#options.maxBufferedStdin)
      if (collecting) this.#collect(exchange, collecting)
      else this.#place(exchange)
    } catch (error) {
      queueMicrotask(() => exchange.fail(error))
    }
  }

  close(): Promise<void> {
    this.#closing ??= withResolvers()
    this.#checkDrained()
    return this.#closing.promise
  }

  destroy(reason: Error = this.#closedError()): void {
    this.#destroyed = true
    this.#closing ??= withResolvers()
    this.#giveUpDialing(reason)
    for (const exchange of [...this.#collecting, ...this.#queue]) exchange.abort(reason)
    for (const connection of this.#connections) connection.destroy(reason)
    this.#checkDrained()
  }

  // ── ConnectionOwner ──

  onIdle(connection: Connection): void {
    if (this.#idle.mustMakeWay(connection)) {
      connection.destroy(new ClosedError('makes way for a connection that waits for a worker'))
      return
    }
    if (!mayTake(connection, this.#queue.first)) {
      connection.destroy(NOT_FOR_THIS)
      return
    }
    const next = this.#dequeue()
    if (next) {
      connection.start(next)
      return
    }
    this.#idle.push(connection)
    if (this.closed) this.#checkDrained()
  }

  onClosed(connection: Connection): void {
    this.#connections.delete(connection)
    this.#idle.closed(connection)
    this.#grow()
    if (this.closed) this.#checkDrained()
  }

  onGone(): void {
    this.#transports--
    if (this.closed) this.#checkDrained()
  }

  /** The idle connections may be as dead as the one that failed it, so it gets a new one, ahead of the queue. */
  onReplay(exchange: Exchange): void {
    if (this.#destroyed) {
      exchange.fail(this.#closedError())
      return
    }
    this.#replaying.add(exchange)
    exchange.holder = new Waiting(() => {})
    this.#watch(exchange)
    const settle = (): void => {
      this.#replaying.delete(exchange)
      this.#unwatch()
    }
    this.#open(
      (connection) => {
        settle()
        if (exchange.finished) this.onIdle(connection)
        else connection.start(exchange)
      },
      (error) => {
        settle()
        exchange.fail(error)
      },
    )
  }

  #collect(exchange: Exchange, collecting: Promise<void>): void {
    this.#collecting.add(exchange)
    this.#watch(exchange)
    exchange.holder = new Waiting(() => this.#collected(exchange))
    collecting.then(
      () => {
        this.#collected(exchange)
        if (exchange.finished) return
        try {
          this.#place(exchange)
        } catch (error) {
          exchange.fail(error)
        }
      },
      (error: unknown) => {
        this.#collected(exchange)
        exchange.fail(error)
      },
    )
  }

  #collected(exchange: Exchange): void {
    this.#collecting.delete(exchange)
    this.#unwatch()
    if (this.closed) queueMicrotask(() => this.#checkDrained())
  }

  #place(exchange: Exchange): void {
    const idle = this.#idle.pop()
    if (idle && mayTake(idle, exchange)) {
      idle.start(exchange)
      return
    }
    idle?.destroy(NOT_FOR_THIS)
    const waiting = this.#queue.size - this.#dialing
    if (waiting >= this.#options.maxQueue && !this.#hasRoom()) {
      throw this.#queueFull()
    }
    exchange.keepParams()
    const entry = this.#queue.push(exchange)
    exchange.holder = new Waiting(() => {
      this.#queue.remove(entry)
      this.#unwatch()
      if (this.closed) queueMicrotask(() => this.#checkDrained())
    })
    this.#watch(exchange)
    this.#grow()
  }

  #dequeue(): Exchange | undefined {
    const exchange = this.#queue.shift()
    this.#unwatch()
    return exchange
  }

  /** Looks after the deadline of a request that no connection has. */
  #watch(exchange: Exchange): void {
    announceQueue(exchange)
    this.#queueAlarm.hold(true)
    this.#queueAlarm.set(exchange.deadline)
  }

  #unwatch(): void {
    const waiting = this.#queue.size + this.#collecting.size + this.#replaying.size
    this.#queueAlarm.hold(waiting > 0)
  }

  #hasRoom(): boolean {
    const open = this.#connections.size + this.#dialing + this.#replaying.size
    return open < this.#options.connections
  }

  /** Opens a connection for every request that waits, as far as there is room. */
  #grow(): void {
    if (this.#destroyed) return
    while (this.#dialing < this.#queue.size && this.#hasRoom()) {
      this.#dialing++
      this.#open(
        (connection) => {
          this.#dialing--
          this.onIdle(connection)
        },
        (error) => {
          this.#dialing--
          // One attempt that failed is told to one request: the one that has waited longest.
          this.#dequeue()?.fail(error)
          this.#grow()
        },
      )
    }
  }

  #open(opened: (connection: Connection) => void, failed: (error: unknown) => void): void {
    const connection = new Connection(this, {
      address: this.#options.address,
      keepAlive: this.#options.keepAlive,
      maxRequests: this.#options.maxRequestsPerConnection,
      spanParams: this.#options.spanParams,
    })
    const giveUp = new AbortController()
    this.#dials.add(giveUp)
    const fail = (error: unknown): void => {
      this.#dials.delete(giveUp)
      failed(error)
      if (this.closed) this.#checkDrained()
    }
    dial(connection, this.#options, giveUp).then((transport) => {
      const refused = this.#adopt(connection, transport)
      if (refused) return fail(refused)
      this.#dials.delete(giveUp)
      return opened(connection)
    }, fail)
  }

  /** Takes a new connection in, unless it is over already or comes too late; then it is closed, and the error returned. */
  #adopt(connection: Connection, transport: Transport): Error | undefined {
    if (connection.closed) {
      transport.destroy()
      return new ConnectError(
        `${this.#options.address} closed the connection as soon as it was open`,
      )
    }
    this.#transports++
    connection.attach(transport)
    if (this.#destroyed) {
      connection.destroy(this.#closedError())
      return this.#closedError()
    }
    this.#connections.add(connection)
    this.#idle.opened(connection)
    return undefined
  }

  #giveUpDialing(reason: Error): void {
    for (const giveUp of this.#dials) giveUp.abort(reason)
  }

  #expireQueue(): void {
    const at = now()
    for (const exchange of [...this.#queue, ...this.#collecting, ...this.#replaying]) {
      exchange.expire(at)
      if (!exchange.finished) this.#queueAlarm.set(exchange.deadline)
    }
  }

  #checkDrained(): void {
    if (!this.#closing || this.#queue.size + this.#collecting.size + this.#replaying.size > 0)
      return
    if (this.#connections.size > this.#idle.size) return
    this.#giveUpDialing(this.#closedError())
    this.#queueAlarm.clear()
    this.#idle.close(this.#closedError())
    if (this.#transports === 0 && this.#dialing === 0) this.#drained(this.#closing)
  }

  #drained(closing: PromiseWithResolvers): void {
    closing.resolve()
    if (this.#announcedClose) return
    this.#announcedClose = true
    if (channels.poolClose.hasSubscribers) channels.poolClose.publish({ pool: this })
  }

  #queueFull(): QueueFullError {
    return new QueueFullError(
      `${this.#options.maxQueue} requests to ${this.#options.address} are waiting already (maxQueue): all ${this.#options.connections} connections are busy`,
    )
  }

  #closedError(): ClosedError {
    return new ClosedError(
      `the client of ${this.#options.address} was ${this.#destroyed ? 'destroyed' : 'closed'}`,
    )
  }
}

const NOT_FOR_THIS = new ClosedError(
  'gives way to a new one, for a request that must not run twice',
)

/**
 * An application may be about to close a connection that has served: php-fpm replaces a worker after pm.max_requests, and on a reload. What
 * was sent into that can only be repeated when running it twice does no harm; anything else gets a connection of its own.
 */
function mayTake(connection: Connection, exchange: Exchange | undefined): boolean {
  return !exchange || connection.served === 0 || exchange.idempotent
}

/** Holds a request that no connection has: there is nothing yet to pause. */
class Waiting implements Holder {
  readonly drop: () => void

  constructor(drop: () => void) {
    this.drop = drop
  }

  pause(): void {}

  resume(): void {}
}

interface PromiseWithResolvers {
  readonly promise: Promise<void>
  resolve(): void
}

function withResolvers(): PromiseWithResolvers {
  let resolve!: () => void
  const promise = new Promise<void>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}
