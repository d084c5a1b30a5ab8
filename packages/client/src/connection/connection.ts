// One Transport x one Session. Reading and writing go on independently; a request is over when END_REQUEST says so and not before.
// Rule: a connection whose state is not provably clean (a border between records, everything sent, no surprise) is never used again.

import { ClosedError, RemoteProtocolError } from '../errors.ts'
import {
  Decoder,
  ProtocolStatus,
  RecordType,
  Role,
  Session,
  type Encoder,
  type EndRequest,
  type SessionHandler,
} from '../protocol/index.ts'
import type { Transport, TransportHandler } from '../transport/transport.ts'
import { Alarm, now } from './alarm.ts'
import { announceClose, announceSent, announceStart } from './announce.ts'
import { lostError, rejectedError } from './endings.ts'
import type { Exchange, Holder } from './exchange.ts'
import { Sender } from './sender.ts'

// Up to this size stdin goes out in the same write as the params.
const SMALL_STDIN = 16 * 1024

const OVER = new ClosedError('the request is over')

/** Whoever keeps connections. */
export interface ConnectionOwner {
  /** Shared by all its connections: an encoder is empty again whenever a call into a connection returns. */
  readonly encoder: Encoder
  /** The connection can take another exchange. */
  onIdle(connection: Connection): void
  /** The connection is over. */
  onClosed(connection: Connection): void
  /** Its transport has been closed, after `onClosed`. */
  onGone(connection: Connection): void
  /** The exchange, which this connection did not answer, may be sent again on a fresh one. Comes before `onClosed`, so that the
   * place of this connection goes to the exchange and not to the queue. */
  onReplay(exchange: Exchange): void
}

export interface ConnectionOptions {
  readonly address: string
  /** Whether the application is asked to leave the connection open. */
  readonly keepAlive: boolean
  /** How many requests it takes; 0 for no limit. */
  readonly maxRequests: number
  readonly spanParams: boolean
}

export class Connection implements TransportHandler, SessionHandler, Holder {
  readonly #owner: ConnectionOwner
  readonly #options: ConnectionOptions
  readonly #session: Session = new Session(this)
  readonly #decoder: Decoder = new Decoder(this.#session)
  readonly #alarm: Alarm = new Alarm(() => this.#onAlarm())
  #transport: Transport | undefined
  #exchange: Exchange | undefined
  #sender: Sender | undefined
  /** The beginning of a request that is written at the end of this turn. */
  #head: Uint8Array | undefined
  #requestId = 0
  #end: EndRequest | undefined
  #sentAll = true
  #keepConn = false
  #undelivered = false
  #closed = false
  #served = 0
  #startedAt = 0
  /** When it became idle, on the clock of `now()`; for its owner. */
  idleSince = 0

  constructor(owner: ConnectionOwner, options: ConnectionOptions) {
    this.#owner = owner
    this.#options = options
  }

  /** How many requests it has answered. */
  get served(): number {
    return this.#served
  }

  /** Since when its first request has been waiting for an answer, on the clock of `now()`; undefined when it is not. */
  get unansweredSince(): number | undefined {
    const exchange = this.#exchange
    return exchange && this.#served === 0 && !exchange.answered ? this.#startedAt : undefined
  }

  /** True once it cannot be used any more. */
  get closed(): boolean {
    return this.#closed
  }

  /** Gives it the transport that was opened with it as the handler. */
  attach(transport: Transport): void {
    this.#transport = transport
  }

  /** Sends a request. Only on an idle connection. */
  start(exchange: Exchange): void {
    const { maxRequests, keepAlive } = this.#options
    this.#exchange = exchange
    this.#keepConn =
      (exchange.request.keepAlive ?? keepAlive) &&
      (maxRequests === 0 || this.#served + 1 < maxRequests)
    const requestId = this.#session.begin(exchange.role)
    this.#requestId = requestId
    try {
      this.#head = this.#encodeHead(exchange, requestId)
    } catch (error) {
      this.#refuse(exchange, requestId, error)
      return
    }
    exchange.started(this)
    if (this.#served === 0) this.#startedAt = now()
    announceStart(exchange, this, this.#served > 0)
    this.#alarm.hold(true)
    this.#alarm.set(exchange.deadline)
    const transport = this.#transport!
    if (transport.soon) transport.soon(this.#send)
    else this.#send()
  }

  readonly #send = (): void => {
    const head = this.#head
    const exchange = this.#exchange
    if (!head || !exchange) return
    const transport = this.#transport!
    this.#head = undefined
    transport.write(head)
    // Nobody was there to read even the first byte: nothing of this request has been seen.
    this.#undelivered = transport.failed
    if (this.#undelivered) return
    if (this.#sentAll) announceSent(exchange)
    else this.#sendRest(exchange)
    if (exchange.paused) this.pause()
  }

  /** Closes it at once; a request that it carries fails with the reason. */
  destroy(reason: unknown): void {
    this.#shut(reason)
  }

  // ── Holder: what the exchange asks for ──

  pause(): void {
    this.#transport?.pause()
  }

  resume(): void {
    this.#transport?.resume()
    // The deadline of the body counts again.
    if (this.#exchange) this.#alarm.set(this.#exchange.deadline)
  }

  drop(_exchange: Exchange, reason: unknown): void {
    this.#exchange = undefined
    this.#shut(reason, true)
  }

  // ── TransportHandler: what arrives ──

  data(chunk: Uint8Array): void {
    if (this.#head) {
      // Nobody has been asked yet, so that it answers nothing.
      this.#onLost(new Error(`${chunk.length} bytes came before the request was sent`))
      return
    }
    let failure: { readonly error: unknown } | undefined
    try {
      this.#decoder.push(chunk)
    } catch (error) {
      failure = { error }
    }
    if (this.#end) this.#finish(this.#end, failure)
    else if (failure) this.#shut(this.#located(failure.error))
    else if (!this.#exchange && !this.#closed) this.#shut(undefined)
  }

  drain(): void {
    this.#sender?.drain()
  }

  close(reason?: Error): void {
    if (!this.#transport) {
      // Over before its connector has resolved: it never was a connection to its owner.
      this.#closed = true
      return
    }
    if (!this.#closed) this.#onLost(reason)
    this.#owner.onGone(this)
  }

  #onLost(reason: Error | undefined): void {
    if (this.#head) this.#undelivered = true
    const exchange = this.#exchange
    if (exchange && this.#mayReplay(exchange)) {
      this.#exchange = undefined
      exchange.rewound(!this.#undelivered)
      this.#owner.onReplay(exchange)
      this.#shut(reason)
      return
    }
    this.#shut(exchange ? lostError(this.#options.address, exchange.answered, reason) : reason)
  }

  // ── SessionHandler: what it means ──

  onStdout(_requestId: number, data: Uint8Array): void {
    this.#exchange?.onStdout(data)
    if (this.#exchange) this.#alarm.set(this.#exchange.deadline)
  }

  onStderr(_requestId: number, data: Uint8Array): void {
    this.#exchange?.onStderr(data)
  }

  onEnd(end: EndRequest, sentAll: boolean): void {
    this.#end = end
    this.#sentAll = sentAll
  }

  /** BEGIN_REQUEST, PARAMS and a small stdin, as one piece. */
  #encodeHead(exchange: Exchange, requestId: number): Uint8Array {
    const { encoder } = this.#owner
    const { bytes } = exchange.stdin
    encoder.beginRequest(requestId, exchange.role, this.#keepConn)
    encoder.params(requestId, exchange.params, {
      prepared: exchange.request.prepared,
      contentLength: exchange.addsContentLength ? exchange.contentLength : undefined,
      span: this.#options.spanParams,
    })
    this.#session.send(requestId, 'paramsEnd')
    this.#sentAll =
      bytes !== undefined && bytes.length <= SMALL_STDIN && exchange.role !== Role.Filter
    if (this.#sentAll) {
      encoder.stream(RecordType.Stdin, requestId, bytes!)
      encoder.streamEnd(RecordType.Stdin, requestId)
      this.#session.send(requestId, 'stdinEnd')
    }
    return encoder.take()
  }

  /** Nothing was sent, so only the request fails; whoever called may still be inside of `dispatch`, and is told later. */
  #refuse(exchange: Exchange, requestId: number, error: unknown): void {
    this.#owner.encoder.discard()
    this.#session.cancel(requestId)
    this.#exchange = undefined
    // Later as well, lest a queue full of such requests become a stack full of calls.
    queueMicrotask(() => {
      exchange.fail(error)
      if (!this.#closed) this.#release()
    })
  }

  #sendRest(exchange: Exchange): void {
    const sender = new Sender(
      { transport: this.#transport!, encoder: this.#owner.encoder, session: this.#session },
      this.#requestId,
      exchange,
    )
    this.#sender = sender
    sender.run().then(
      () => {
        if (this.#sender !== sender) return
        this.#sender = undefined
        announceSent(exchange)
      },
      (error: unknown) => {
        if (this.#sender === sender) this.#shut(error)
      },
    )
  }

  /** END_REQUEST has come, and all that came with it has been read. */
  #finish(end: EndRequest, failure: { readonly error: unknown } | undefined): void {
    const exchange = this.#exchange
    this.#end = undefined
    this.#exchange = undefined
    this.#served++
    const complete = end.protocolStatus === ProtocolStatus.RequestComplete
    const clean = complete && !failure && this.#sentAll && this.#decoder.atBorder && !this.#closed
    if (clean && this.#keepConn && !this.#transport?.failed) this.#release(exchange?.paused)
    else this.#shut(failure ? failure.error : OVER)
    if (!exchange) return
    if (complete) exchange.complete(end)
    else exchange.fail(rejectedError(this.#options.address, exchange.answered, end))
  }

  #release(wasPaused = false): void {
    if (wasPaused) this.#transport?.resume()
    // It has sent everything, and may be waiting only to hear that the transport has passed it on.
    this.#sender = undefined
    this.#alarm.hold(false)
    this.#owner.onIdle(this)
  }

  /** @param unfinished True when the application works, or waits for input, for nobody. */
  #shut(reason: unknown, unfinished = this.#exchange !== undefined || !this.#sentAll): void {
    if (this.#closed) return
    this.#closed = true
    this.#head = undefined
    this.#decoder.stop()
    this.#alarm.clear()
    this.#sender?.stop(reason)
    this.#sender = undefined
    this.#transport?.destroy(unfinished)
    const exchange = this.#exchange
    this.#exchange = undefined
    announceClose(this.#options.address, this.#served, reason)
    this.#owner.onClosed(this)
    exchange?.fail(reason)
  }

  #onAlarm(): void {
    const exchange = this.#exchange
    if (!exchange) return
    exchange.expire(now())
    if (!exchange.finished) this.#alarm.set(exchange.deadline)
  }

  /**
   * Whether the request may be sent again. Only on a connection that was reused, because there the usual reason is that the application
   * closed it while it was idle. That it has not seen the request is certain only when the very first write failed.
   */
  #mayReplay(exchange: Exchange): boolean {
    if (this.#served === 0 || exchange.answered || exchange.replayed) return false
    if (!exchange.stdin.replayable || !exchange.data.replayable) return false
    return this.#undelivered || exchange.idempotent
  }

  /** Adds the address to what the protocol floor, which does not know it, has said. */
  #located(failure: unknown): unknown {
    if (!(failure instanceof RemoteProtocolError)) return failure
    failure.message = `${this.#options.address}: ${failure.message}`
    return failure
  }
}
