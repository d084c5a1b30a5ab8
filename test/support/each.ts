// One test, over a unix socket and over TCP, each with a php-fpm of its own.

import { test, type TestContext } from 'node:test'
import { startFpm, type Fpm, type FpmOptions } from './fpm.ts'
import { TRANSPORTS } from './process.ts'

// A request that is never settled is a failure like any other, and its php-fpm has to go as well.
const TIMEOUT = 60_000
const NAMES = { unix: 'unix socket', tcp: 'TCP' } as const

/** Registers the test once for each transport. It may fail on its own: nothing is shared. */
export function overEach(
  name: string,
  options: FpmOptions,
  body: (t: TestContext, fpm: Fpm) => Promise<void>,
): void {
  for (const listen of TRANSPORTS) {
    test(`${name} (${NAMES[listen]})`, { timeout: TIMEOUT }, async (t) => {
      await body(t, await startFpm(t, { ...options, listen }))
    })
  }
}
