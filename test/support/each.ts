// One test, over a unix socket and over TCP, each with a php-fpm of its own.

import { test, type TestContext } from 'node:test'
import { startFpm, type Fpm, type FpmOptions } from './fpm.ts'
import { TRANSPORTS } from './process.ts'

const NAMES = { unix: 'unix socket', tcp: 'TCP' } as const

/** Registers the test once for each transport. It may fail on its own: nothing is shared. */
export function overEach(
  name: string,
  options: FpmOptions,
  body: (t: TestContext, fpm: Fpm) => Promise<void>,
): void {
  for (const listen of TRANSPORTS) {
    test(`${name} (${NAMES[listen]})`, async (t) => {
      await body(t, await startFpm(t, { ...options, listen }))
    })
  }
}
