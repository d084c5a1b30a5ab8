// An executor without a backend: what a test says is what a script answers.

import type { Executor } from '../client/executor.ts'
import { executeBy, FastCGIStream, type FastCGIResponse } from '../client/response.ts'
import type {
  Dispatched,
  DispatchHandler,
  FastCGIRequest,
  RequestOptions,
} from '../connection/request.ts'
import { collectStdin, stdinFrom } from '../connection/stdin.ts'
import { ClosedError } from '../errors.ts'
import {
  copyBytes,
  decodePairs,
  paramPairs,
  paramText,
  preparedList,
  type ParamPair,
} from '../protocol/index.ts'

/** What a script answers; strings as UTF-8. */
export interface MockAnswer {
  /** @default '' */
  readonly stdout?: string | Uint8Array | undefined
  /** @default '' */
  readonly stderr?: string | Uint8Array | undefined
  /** @default 0 */
  readonly appStatus?: number | undefined
}

/** A request that was made. */
export interface MockCall {
  /** The params as text, prepared ones as well; the last of two with one name. */
  readonly params: ReadonlyMap<string, string>
  readonly stdin: Uint8Array
}

/** An answer, or what makes one; a function that throws fails the request with what it throws. */
export type MockReply = MockAnswer | ((call: MockCall) => MockAnswer | Promise<MockAnswer>)

const utf8 = new TextEncoder()
const MAX_STDIN = 64 * 1024 * 1024

/**
 * An {@link Executor} that answers by SCRIPT_NAME, and keeps what it was asked.
 * @example
 * const php = new MockPool().on('/index.php', { stdout: 'Status: 204\r\n\r\n' })
 * const fetch = createFetch(php, { root: '/srv' })
 */
export class MockPool implements Executor {
  /** Every request, in order. */
  readonly calls: MockCall[] = []
  readonly #replies = new Map<string, MockReply>()
  #closed = false

  /** Answers requests with this SCRIPT_NAME; `*` answers those that nothing else does. */
  on(scriptName: string, reply: MockReply): this {
    this.#replies.set(scriptName, reply)
    return this
  }

  dispatch(
    request: FastCGIRequest,
    handler: DispatchHandler,
    options: RequestOptions = {},
  ): Dispatched {
    const run = new MockRun(handler, options.signal)
    run.follow(this.#answer(request))
    return run
  }

  execute(request: FastCGIRequest, options?: RequestOptions): Promise<FastCGIResponse> {
    return executeBy(this, request, options, 0)
  }

  stream(request: FastCGIRequest, options?: RequestOptions): FastCGIStream {
    return new FastCGIStream((handler) => this.dispatch(request, handler, options))
  }

  close(): Promise<void> {
    this.#closed = true
    return Promise.resolve()
  }

  destroy(): void {
    this.#closed = true
  }

  async #answer(request: FastCGIRequest): Promise<MockAnswer> {
    if (this.#closed) throw new ClosedError('the mock pool was closed')
    const params = new Map(
      allPairs(request).map(([name, value]) => [paramText(name), paramText(value)]),
    )
    const stdin = await collectStdin(
      stdinFrom(request.stdin),
      MAX_STDIN,
      new AbortController().signal,
    )
    const call = { params, stdin: stdin.bytes! }
    this.calls.push(call)
    const reply = this.#replies.get(params.get('SCRIPT_NAME') ?? '') ?? this.#replies.get('*')
    if (!reply) {
      throw new Error(`MockPool has no answer for SCRIPT_NAME ${params.get('SCRIPT_NAME')}`)
    }
    return typeof reply === 'function' ? reply(call) : reply
  }
}

/** As they go over the wire. */
function allPairs({ params, prepared }: FastCGIRequest): readonly ParamPair[] {
  const pieces = preparedList(prepared).flatMap((each) => each.pieces)
  return [...pieces.flatMap(decodePairs), ...paramPairs(params)]
}

class MockRun implements Dispatched {
  readonly #handler: DispatchHandler
  readonly #signal: AbortSignal | undefined
  readonly #onAbort = (): void => this.abort(this.#signal?.reason)
  #over = false
  #resume: (() => void) | undefined
  #paused: Promise<void> | undefined

  constructor(handler: DispatchHandler, signal: AbortSignal | undefined) {
    this.#handler = handler
    this.#signal = signal
    if (signal?.aborted) queueMicrotask(this.#onAbort)
    else signal?.addEventListener('abort', this.#onAbort, { once: true })
  }

  pause(): void {
    this.#paused ??= new Promise((resolve) => {
      this.#resume = resolve
    })
  }

  resume(): void {
    this.#paused = undefined
    this.#resume?.()
  }

  abort(reason: unknown = new DOMException('This operation was aborted', 'AbortError')): void {
    this.resume()
    this.#finish(() => this.#handler.onError(reason))
  }

  follow(answer: Promise<MockAnswer>): void {
    answer
      .then(async ({ stdout = '', stderr = '', appStatus = 0 }) => {
        await this.#write(stderr, (data) => this.#handler.onStderr?.(data))
        await this.#write(stdout, (data) => this.#handler.onStdout(data))
        await this.#paused
        this.#finish(() => this.#handler.onEnd({ appStatus, protocolStatus: 0 }))
      })
      .catch((error: unknown) => this.abort(error))
  }

  async #write(text: string | Uint8Array, tell: (data: Uint8Array) => void): Promise<void> {
    await this.#paused
    const data = typeof text === 'string' ? utf8.encode(text) : copyBytes(text)
    if (data.length > 0 && !this.#over) tell(data)
  }

  #finish(tell: () => void): void {
    if (this.#over) return
    this.#over = true
    this.#signal?.removeEventListener('abort', this.#onAbort)
    tell()
  }
}
