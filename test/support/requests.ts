// Requests and handlers that many tests need.

import type { DispatchHandler, EndResult } from '@fastcgi/client'

/** A GET that any backend understands. */
export const GET = { params: { REQUEST_METHOD: 'GET', SCRIPT_NAME: '/index.php' } }

/** A POST: not idempotent. */
export const POST = { params: { REQUEST_METHOD: 'POST', SCRIPT_NAME: '/index.php' } }

/** A handler that keeps everything it is told, and counts its outcomes. */
export class Recorder implements DispatchHandler {
  readonly stdout: Uint8Array[] = []
  readonly stderr: Uint8Array[] = []
  readonly outcomes: (EndResult | { error: unknown })[] = []
  readonly over: Promise<void>
  #settle!: () => void

  constructor() {
    this.over = new Promise((resolve) => {
      this.#settle = resolve
    })
  }

  onStdout(data: Uint8Array): void {
    this.stdout.push(data.slice())
  }

  onStderr(data: Uint8Array): void {
    this.stderr.push(data.slice())
  }

  onEnd(result: EndResult): void {
    this.outcomes.push(result)
    this.#settle()
  }

  onError(error: unknown): void {
    this.outcomes.push({ error })
    this.#settle()
  }
}

/** Resolves in the next turn of the event loop, after everything that is due now. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

/** Resolves when the condition holds, looked at once in each turn of the event loop. Fails after 10 s rather than hang. */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`never came true: ${condition.toString()}`)
    await nextTurn()
  }
}
