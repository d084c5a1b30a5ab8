// Suites that Bun runs: its own transport keeps the contract, what is built on it behaves as on Node, and so does the gateway behind the
// node:http of Bun. `bun-serve.ts` has what is there on Bun alone.

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { BUN, noBun } from '../support/bun.ts'
import { ROOT } from '../support/paths.ts'
import { Program } from '../support/process.ts'

const BUILT = join(ROOT, 'build', 'test')
const FOLDERS = ['client', 'contracts', 'e2e', 'responder', 'testing']
const OF_GATEWAY = [
  'access-log',
  'adapter-mounted',
  'chunk-pool',
  'differential',
  'failures',
  'few-workers',
  'presets',
  'request-body',
  'security',
]
/** What the node:http of Bun has to keep of a suite; it writes some heads differently. */
const PARTS: Readonly<Record<string, string>> = {
  'gateway/adapter-node.test.js': 'aborted|refused|goes away|slow client|unread body|expects',
  'gateway/script-answers.test.js': 'not whole|pieces|interim responses',
}
/** For each test, as long as `node --test` gives a file, in ms. */
const TIMEOUT = 120_000

const FILES = [
  ...FOLDERS.flatMap((folder) => testsOf(folder)),
  ...OF_GATEWAY.map((name) => `gateway/${name}.test.js`),
  ...Object.keys(PARTS),
  'bun/bun-serve.js',
]

// Several at a time: they wait more than they work, and all of them are one file to the runner, which has its time.
describe('on Bun', { concurrency: 3 }, () => {
  for (const file of FILES) {
    test(`${file} passes on Bun`, { skip: noBun }, async (t) => {
      const part = PARTS[file] === undefined ? [] : [`--test-name-pattern=${PARTS[file]}`]
      const flags = ['test', `--timeout=${TIMEOUT}`, ...part]
      const program = new Program(BUN!, [...flags, join(BUILT, file)])
      t.after(() => program.stop())
      await program.exited
      if (program.exit !== 'status 0') throw new Error(`${program.exit}\n${program.log}`)
    })
  }
})

function testsOf(folder: string): string[] {
  const names = readdirSync(join(BUILT, folder)).filter((name) => name.endsWith('.test.js'))
  return names.map((name) => `${folder}/${name}`)
}
