import type { Executor } from '@fastcgi/client'
import { FpmError } from './errors.ts'
import { fpmPage, type FpmPage, type FpmPageOptions } from './page.ts'

/** Options of {@link fpmPing}. */
export interface FpmPingOptions extends FpmPageOptions {
  /** The `ping.path` of the pool. @default /ping */
  readonly path?: string | undefined
  /** The `ping.response` of the pool. @default pong */
  readonly expect?: string | undefined
}

/**
 * Asks php-fpm whether it is there. A worker answers, as any other request: when all are busy, the answer waits for one.
 * @returns how long it took, in ms.
 * @throws FpmError `FPM_ERR_NO_PAGE` without a ping page, `FPM_ERR_PAGE` when something else was answered; FastCGIError when nothing was.
 * @example
 * await fpmPing(pool, { requestTimeout: 2000 })
 */
export async function fpmPing(executor: Executor, options: FpmPingOptions = {}): Promise<number> {
  const { path = '/ping', expect = 'pong' } = options
  const startedAt = performance.now()
  const page = await fpmPage(executor, path, '', options)
  checkPing(page, path, expect)
  return performance.now() - startedAt
}

/** @throws FpmError unless this is the answer to a ping. */
function checkPing({ head, text }: FpmPage, path: string, expect: string): void {
  const answer = text.trim()
  if (head.status === 200 && answer === expect) return
  if (head.status === 404) {
    throw new FpmError(
      'FPM_ERR_NO_PAGE',
      head.status,
      `php-fpm answers, but has no ping page at ${path}: set ping.path = ${path} in its pool`,
    )
  }
  throw new FpmError(
    'FPM_ERR_PAGE',
    head.status,
    `the answer at ${path} was ${head.status} and ${JSON.stringify(answer.slice(0, 60))} instead of ${JSON.stringify(expect)}`,
  )
}
