// One request on its way: what was asked, how far it is, when its time is up, and the one outcome that its handler is told.
// It outlives a connection that dies before the answer began, and knows none: whoever holds it is told to pause, resume or drop it.

import { channels } from '../diagnostics.ts'
import { FastCGIError, LocalProtocolError, TimeoutError, type TimeoutPhase } from '../errors.ts'
import { paramPairs, preparedList, Role, type EndRequest, type Params } from '../protocol/index.ts'
import { onAbort } from './abort-signals.ts'
import { now } from './alarm.ts'
import { checkCall, checkRole } from './check-call.ts'
import { declaredLength, paramValue } from './content-length.ts'
import type { Dispatched, DispatchHandler, FastCGIRequest, RequestOptions } from './request.ts'
import { collectStdin, stdinFrom, type Stdin } from './stdin.ts'

/** A queue or a connection: where an exchange is at the moment. */
export interface Holder {
  pause(): void
  resume(): void
  /** The exchange is over, by its caller's will or by its deadline: it needs no answer any more. */
  drop(exchange: Exchange, reason: unknown): void
}

/** {@link RequestTimeouts} with every value given. */
export type Timeouts = Readonly<
  Record<'queueTimeout' | 'headersTimeout' | 'bodyTimeout' | 'requestTimeout', number>
>

const IDEMPOTENT: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'OPTIONS',
  'TRACE',
  'PUT',
  'DELETE',
  '',
])

export class Exchange implements Dispatched {
  /** Where the request goes, for messages. */
  readonly address: string
  readonly request: FastCGIRequest
  params: Params
  readonly role: Role
  readonly data: Stdin
  stdin: Stdin
  /** The length that CONTENT_LENGTH promises; undefined when nothing is promised, and then nothing is checked. */
  contentLength: number | undefined
  /** True when CONTENT_LENGTH has to be added to the params. */
  addsContentLength = false
  holder: Holder | undefined
  phase: 'queue' | 'headers' | 'body' = 'queue'
  /** True once the peer has said anything about this request. */
  answered = false
  replayed = false
  paused = false
  finished = false
  readonly #handler: DispatchHandler
  readonly #signal: AbortSignal | undefined
  readonly #timeouts: Timeouts
  readonly #createdAt: number = now()
  readonly #endsAt: number
  #dueAt: number
  #unlisten: (() => void) | undefined
  #collecting: AbortController | undefined
  #method: string | undefined
  /** True when an application may have begun it on a connection that died. */
  #maybeSeen = false

  /** @throws TypeError on params or a body that are none. */
  constructor(
    address: string,
    request: FastCGIRequest,
    handler: DispatchHandler,
    defaults: Timeouts,
    options: RequestOptions | undefined,
  ) {
    const { params } = request
    checkCall(request, handler)
    this.address = address
    this.request = request
    // Params may be read twice, to look into them and for a replay; an iterator can be read once.
    this.params = Symbol.iterator in params && !Array.isArray(params) ? [...params] : params
    this.role = checkRole(request.role ?? Role.Responder)
    this.#method = paramValue(this.params, 'REQUEST_METHOD') ?? preparedMethod(request)
    if (this.#method === undefined && this.role === Role.Responder) {
      // php-fpm does not run a script without it, and says nothing.
      this.#method = 'GET'
      this.params = [['REQUEST_METHOD', 'GET'], ...paramPairs(this.params)]
    }
    this.stdin = stdinFrom(request.stdin)
    this.data = stdinFrom(request.data)
    this.#handler = handler
    this.#timeouts = options ? withDefaults(options, defaults) : defaults
    this.#endsAt = after(this.#createdAt, this.#timeouts.requestTimeout)
    this.#dueAt = after(this.#createdAt, this.#timeouts.queueTimeout)
    this.#signal = options?.signal
    if (this.#signal) this.#listen(this.#signal)
  }

  /** When it has to be looked at next, on the clock of `now()`. */
  get deadline(): number {
    return Math.min(this.#dueAt, this.#endsAt)
  }

  /** True when it was given up before it began. */
  get aborted(): boolean {
    return this.#signal?.aborted ?? false
  }

  /** How long it has been waiting, in ms. */
  get age(): number {
    return now() - this.#createdAt
  }

  /** True when it may be sent a second time although the first time may have had an effect. */
  get idempotent(): boolean {
    const method = this.#method ?? ''
    return (
      this.request.idempotent ?? (IDEMPOTENT.has(method) || IDEMPOTENT.has(method.toUpperCase()))
    )
  }

  /**
   * Finds out the length of stdin, collecting it where nothing else tells; returns a promise only then.
   * @throws LocalProtocolError `FCGI_ERR_CONTENT_LENGTH`, `FCGI_ERR_STDIN`, `FCGI_ERR_STDIN_TOO_LARGE`.
   */
  measureStdin(limit: number): Promise<void> | undefined {
    const declared = declaredLength(this.params)
    const { length } = this.stdin
    if (declared === undefined) {
      // An Authorizer is not told the length of a body that it does not get (§6.3).
      if (this.role === Role.Authorizer) return undefined
      if (length === undefined) return this.#collect(limit)
      this.contentLength = length
      this.addsContentLength = this.request.stdin !== undefined && this.request.stdin !== null
      return undefined
    }
    if (length !== undefined && length !== declared) {
      throw new LocalProtocolError(
        `CONTENT_LENGTH is ${declared}, but stdin has ${length} bytes`,
        'FCGI_ERR_CONTENT_LENGTH',
      )
    }
    this.contentLength = declared
    return undefined
  }

  pause(): void {
    if (this.paused || this.finished) return
    this.paused = true
    // Nobody but the reader holds it up.
    if (this.phase !== 'queue') this.#dueAt = Infinity
    this.holder?.pause()
  }

  resume(): void {
    if (!this.paused || this.finished) return
    this.paused = false
    this.#restart()
    this.holder?.resume()
  }

  abort(reason: unknown = new DOMException('This operation was aborted', 'AbortError')): void {
    this.#drop(reason)
  }

  /** It has to wait: what its caller does to the object of its params meanwhile does not concern it. */
  keepParams(): void {
    this.params = [...paramPairs(this.params)]
  }

  /** A connection begins to send it. */
  started(holder: Holder): void {
    // One that nobody held before was made just now.
    const at = this.holder ? now() : this.#createdAt
    this.holder = holder
    this.phase = 'headers'
    this.#restart(at)
  }

  /** A piece of the request went out. */
  progressed(): void {
    this.#restart()
  }

  /** Its connection died before it was answered: it will be sent again. @param maybeSeen Unless certainly nothing had arrived. */
  rewound(maybeSeen: boolean): void {
    this.replayed = true
    this.#maybeSeen = maybeSeen
    this.phase = 'queue'
    this.#dueAt = Infinity
  }

  onStdout(data: Uint8Array): void {
    this.answered = true
    if (this.phase !== 'body') {
      this.phase = 'body'
      if (channels.requestHeaders.hasSubscribers) {
        channels.requestHeaders.publish({ request: this, address: this.address, data })
      }
    }
    this.#heard()
    this.#handler.onStdout(data)
  }

  onStderr(data: Uint8Array): void {
    this.answered = true
    this.#heard()
    if (channels.requestStderr.hasSubscribers) {
      channels.requestStderr.publish({ request: this, address: this.address, data })
    }
    this.#handler.onStderr?.(data)
  }

  /** The request is complete. */
  complete(end: EndRequest): void {
    if (!this.#finish()) return
    const { appStatus, protocolStatus } = end
    if (channels.requestEnd.hasSubscribers) {
      channels.requestEnd.publish({
        request: this,
        address: this.address,
        appStatus,
        protocolStatus,
      })
    }
    try {
      this.#handler.onEnd({ appStatus, protocolStatus })
    } catch (thrown) {
      throwLater(thrown)
    }
  }

  /** The request has failed. */
  fail(error: unknown): void {
    if (!this.#finish()) return
    // What went wrong the second time does not undo the first.
    if (this.#maybeSeen && error instanceof FastCGIError) Object.assign(error, { retryable: false })
    if (channels.requestError.hasSubscribers) {
      channels.requestError.publish({ request: this, address: this.address, error })
    }
    try {
      this.#handler.onError(error)
    } catch (thrown) {
      throwLater(thrown)
    }
  }

  /** Fails the request when its time is up at `at`. */
  expire(at: number): void {
    if (at >= this.#endsAt) this.#drop(this.#timeout('request', 'was not over', 'requestTimeout'))
    else if (at >= this.#dueAt) this.#drop(this.#phaseTimeout())
  }

  #heard(): void {
    if (this.phase === 'body') this.#restart()
  }

  /** The time of the phase counts from now. */
  #restart(at = now()): void {
    if (this.paused && this.phase !== 'queue') return
    this.#dueAt = after(at, this.#phaseLimit())
  }

  /** How long the phase may last, in ms. */
  #phaseLimit(): number {
    const { queueTimeout, headersTimeout, bodyTimeout } = this.#timeouts
    if (this.phase === 'queue') return queueTimeout
    return this.phase === 'headers' ? headersTimeout : bodyTimeout
  }

  #drop(reason: unknown): void {
    if (this.finished) return
    this.#collecting?.abort(reason)
    this.holder?.drop(this, reason)
    this.fail(reason)
  }

  #finish(): boolean {
    if (this.finished) return false
    this.finished = true
    this.holder = undefined
    this.#unlisten?.()
    return true
  }

  #listen(signal: AbortSignal): void {
    const drop = (): void => this.#drop(signal.reason)
    // Like every other outcome, that of a signal which was aborted before is told after dispatch has returned.
    if (signal.aborted) queueMicrotask(drop)
    else this.#unlisten = onAbort(signal, drop)
  }

  async #collect(limit: number): Promise<void> {
    const collecting = new AbortController()
    this.#collecting = collecting
    this.stdin = await collectStdin(this.stdin, limit, collecting.signal, () => this.#restart())
    this.#collecting = undefined
    this.#restart()
    this.contentLength = this.stdin.length
    this.addsContentLength = true
  }

  #phaseTimeout(): TimeoutError {
    switch (this.phase) {
      case 'queue':
        return this.#collecting
          ? this.#timeout('queue', 'got no more of its stdin', 'queueTimeout')
          : this.#timeout('queue', 'got no connection', 'queueTimeout')
      case 'headers':
        return this.#timeout('headers', 'got no stdout', 'headersTimeout')
      default:
        return this.#timeout('body', 'got no more data', 'bodyTimeout')
    }
  }

  #timeout(phase: TimeoutPhase, what: string, option: keyof Timeouts): TimeoutError {
    return new TimeoutError(
      phase,
      `request to ${this.address} ${what} within ${this.#timeouts[option]} ms (${option})`,
    )
  }
}

/** The last one counts, as it does to the application. */
function preparedMethod({ prepared }: FastCGIRequest): string | undefined {
  return preparedList(prepared).findLast((each) => each.requestMethod !== undefined)?.requestMethod
}

/** What a handler throws at the very end has nobody left to be told to: it is the caller's own uncaught exception. */
function throwLater(thrown: unknown): void {
  queueMicrotask(() => {
    throw thrown
  })
}

/** When what began at `start` has lasted for too long. */
function after(start: number, timeout: number): number {
  return timeout === 0 ? Infinity : start + timeout
}

function withDefaults(options: RequestOptions, defaults: Timeouts): Timeouts {
  return {
    queueTimeout: options.queueTimeout ?? defaults.queueTimeout,
    headersTimeout: options.headersTimeout ?? defaults.headersTimeout,
    bodyTimeout: options.bodyTimeout ?? defaults.bodyTimeout,
    requestTimeout: options.requestTimeout ?? defaults.requestTimeout,
  }
}
