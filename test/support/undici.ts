// A dispatcher over a real php-fpm, and a handler that notes what it is told.

import type { PoolOptions } from '@fastcgi/client'
import { scriptedPeer, type PeerScript } from '@fastcgi/client/testing'
import { FastCGIDispatcher, type FastCGIDispatcherOptions } from '@fastcgi/client/undici'
import type { Dispatcher } from 'undici'
import { startFpm, type Fpm, type FpmOptions } from './fpm.ts'
import { PHP_ROOT } from './paths.ts'
import type { Scope } from './process.ts'

export interface Php {
  readonly fpm: Fpm
  readonly php: FastCGIDispatcher
}

/** A dispatcher and its php-fpm, which do not outlive the test. */
export async function startPhp(
  scope: Scope,
  options: Partial<FastCGIDispatcherOptions> = {},
  fpmOptions: FpmOptions = {},
): Promise<Php> {
  const fpm = await startFpm(scope, fpmOptions)
  return { fpm, php: dispatcherOf(scope, fpm.address, options) }
}

export function dispatcherOf(
  scope: Scope,
  address: string,
  options: Partial<FastCGIDispatcherOptions> = {},
): FastCGIDispatcher {
  const php = new FastCGIDispatcher(address, {
    root: PHP_ROOT,
    frontController: '/hello.php',
    ...options,
  })
  scope.after(() => php.destroy())
  return php
}

/** A dispatcher whose backend follows a script, right or wrong. */
export function scripted(
  scope: Scope,
  script: PeerScript,
  pool: PoolOptions = {},
): FastCGIDispatcher {
  return dispatcherOf(scope, 'unix:/scripted', { pool: { ...pool, connect: scriptedPeer(script) } })
}

/** The fetch of this runtime with a dispatcher, whose types are those of another version of undici. */
export function fetchBy(
  dispatcher: Dispatcher,
  url: string,
  init: RequestInit = {},
): Promise<Response> {
  return globalThis.fetch(url, Object.assign({}, init, { dispatcher }))
}

/** What a dispatch came to. */
export interface Outcome {
  /** The calls, in order; those with data in a row are one. */
  readonly calls: string[]
  statusCode: number
  statusText: string | undefined
  headers: Record<string, string | string[] | undefined>
  raw: string[]
  body: string
  error: Error | undefined
}

/** A handler of either generation, and its outcome once it was told one. */
export interface Recorded {
  readonly handler: Dispatcher.DispatchHandler
  readonly outcome: Promise<Outcome>
}

/** @param hooks Are called first. */
export function recordNew(hooks: Dispatcher.DispatchHandler = {}): Recorded {
  const recording = new Recording()
  const { outcome: seen } = recording
  return {
    outcome: recording.promise,
    handler: {
      onRequestStart(controller, context) {
        recording.note('start')
        hooks.onRequestStart?.(controller, context)
      },
      onResponseStart(controller, statusCode, headers, statusText) {
        recording.note(`head ${statusCode}`)
        const raw = Array.isArray(controller.rawHeaders) ? controller.rawHeaders : []
        Object.assign(seen, { statusCode, headers, statusText, raw: raw.map(String) })
        hooks.onResponseStart?.(controller, statusCode, headers, statusText)
      },
      onResponseData(controller, chunk) {
        recording.data(chunk)
        hooks.onResponseData?.(controller, chunk)
      },
      onResponseEnd(controller, trailers) {
        hooks.onResponseEnd?.(controller, trailers)
        recording.settle('end')
      },
      onResponseError(_controller, error) {
        seen.error = error
        recording.settle('error')
      },
    },
  }
}

/** @param hooks Are called first. */
export function recordOld(hooks: Dispatcher.DispatchHandler = {}): Recorded {
  const recording = new Recording()
  const { outcome: seen } = recording
  return {
    outcome: recording.promise,
    handler: {
      onConnect(abort) {
        recording.note('start')
        hooks.onConnect?.(abort)
      },
      onHeaders(statusCode, raw, resume, statusText) {
        recording.note(`head ${statusCode}`)
        Object.assign(seen, { statusCode, statusText, raw: raw.map(String) })
        return hooks.onHeaders?.(statusCode, raw, resume, statusText) ?? true
      },
      onData(chunk) {
        recording.data(chunk)
        return hooks.onData?.(chunk) ?? true
      },
      onComplete() {
        recording.settle('end')
      },
      onError(error) {
        seen.error = error
        recording.settle('error')
      },
    },
  }
}

class Recording {
  readonly outcome: Outcome = {
    calls: [],
    statusCode: 0,
    statusText: undefined,
    headers: {},
    raw: [],
    body: '',
    error: undefined,
  }
  readonly promise: Promise<Outcome>
  #resolve!: (outcome: Outcome) => void

  constructor() {
    this.promise = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  note(call: string): void {
    this.outcome.calls.push(call)
  }

  data(chunk: Buffer): void {
    if (this.outcome.calls.at(-1) !== 'data') this.note('data')
    this.outcome.body += chunk.toString('latin1')
  }

  settle(call: string): void {
    this.note(call)
    this.#resolve(this.outcome)
  }
}
