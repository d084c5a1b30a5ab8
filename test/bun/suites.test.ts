// The suites of the client, run by Bun: its own transport keeps the contract, and what is built on it behaves as on Node.

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { BUN, noBun } from '../support/bun.ts'
import { ROOT } from '../support/paths.ts'
import { Program } from '../support/process.ts'

const BUILT = join(ROOT, 'build', 'test')
const SUITES = ['client', 'contracts', 'e2e', 'responder', 'testing']
/** For each test, as long as `node --test` gives a file, in ms. */
const TIMEOUT = 120_000

for (const suite of SUITES) {
  for (const file of readdirSync(join(BUILT, suite)).filter((name) => name.endsWith('.test.js'))) {
    test(`${suite}/${file} passes on Bun`, { skip: noBun }, async (t) => {
      const program = new Program(BUN!, ['test', `--timeout=${TIMEOUT}`, join(BUILT, suite, file)])
      t.after(() => program.stop())
      await program.exited
      if (program.exit !== 'status 0') throw new Error(`${program.exit}\n${program.log}`)
    })
  }
}
