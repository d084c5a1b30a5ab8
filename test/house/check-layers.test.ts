// Each law is broken on a copy of the client, and scripts/check-layers.mjs has to say where.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Copy } from './copy.ts'

const SRC = 'packages/client/src'

interface Break {
  what: string
  /** The file that the check must name. */
  file: string
  /** Added at its end. */
  code: string
  /** A part of the law that the check must quote. */
  law: string
}

const BREAKS: Break[] = [
  {
    what: 'the protocol imports a connection',
    file: `${SRC}/protocol/record.ts`,
    code: "import { Connection } from '../connection/connection.ts'",
    law: 'imports point down only',
  },
  {
    what: 'the client floor imports http, through its door',
    file: `${SRC}/client/queue.ts`,
    code: "export { createFetch } from '../http/index.ts'",
    law: 'imports point down only',
  },
  {
    what: 'a type in a signature is imported upwards',
    file: `${SRC}/transport/address.ts`,
    code: "export type Up = import('../client/pool.ts').Pool",
    law: 'imports point down only',
  },
  {
    what: 'http reaches for a transport',
    file: `${SRC}/http/script.ts`,
    code: "import { connectNode } from '../transport/node.ts'",
    law: 'imports point down only',
  },
  {
    what: 'a pool without sockets needs a module of Node after all',
    file: `${SRC}/client/queue.ts`,
    code: "import { inspect } from 'node:util'",
    law: 'nothing behind a door for the web imports a module of Node',
  },
  {
    what: 'the http floor imports the optional peer of another',
    file: `${SRC}/http/script.ts`,
    code: "import { Dispatcher } from 'undici'",
    law: 'is imported by its own floor only',
  },
  {
    what: 'the face offers testing',
    file: `${SRC}/index.ts`,
    code: "export * from './testing/index.ts'",
    law: 'imports point down only',
  },
  {
    what: 'a connection enters the protocol past its door',
    file: `${SRC}/connection/stdin.ts`,
    code: "import { VERSION } from '../protocol/constants.ts'",
    law: 'a floor with a door is entered by its index.ts only',
  },
  {
    what: 'the package imports itself by its name',
    file: `${SRC}/client/queue.ts`,
    code: "import { Pool } from '@fastcgi/client'",
    law: 'by package name only',
  },
  {
    what: 'an import leaves the package',
    file: `${SRC}/client/queue.ts`,
    code: "import { gateway } from '../../../gateway/src/index.ts'",
    law: 'by package name only',
  },
  {
    what: "another's package is imported",
    file: `${SRC}/client/queue.ts`,
    code: "import Denque from 'denque'",
    law: 'what is imported is a declared dependency',
  },
  {
    what: 'an optional peer is imported by a floor that has to do without',
    file: `${SRC}/client/queue.ts`,
    code: "import { trace } from '@opentelemetry/api'",
    law: 'is imported by its own floor only',
  },
  {
    what: 'an import is computed',
    file: `${SRC}/client/queue.ts`,
    code: 'export const load = (name: string) => import(name)',
    law: 'every import can be read by this check',
  },
  {
    what: 'a connection imports node:net',
    file: `${SRC}/connection/dial.ts`,
    code: "import { connect } from 'node:net'",
    law: 'imports node:net',
  },
  {
    what: 'net is imported without its prefix, by a call',
    file: `${SRC}/connection/dial.ts`,
    code: "export const net = process.getBuiltinModule?.('net')",
    law: 'imports node:net',
  },
  {
    what: 'the client prints',
    file: `${SRC}/client/pool.ts`,
    code: "console.log('connected')",
    law: 'only packages/cli prints',
  },
  {
    what: 'the protocol imports a module of Node',
    file: `${SRC}/protocol/params.ts`,
    code: "import { Buffer as B } from 'node:buffer'",
    law: 'protocol/ knows no I/O',
  },
]

/** One a line; each line has to be told. */
const IMPURE = [
  'Buffer.alloc(8)',
  'Promise.resolve()',
  'setTimeout(() => {}, 1)',
  'setInterval(() => {}, 1)',
  'setImmediate(() => {})',
  'process.pid',
  'performance.now()',
  'Date.now()',
  'globalThis.Date',
  'console.log()',
  "`${Buffer.from('')}`",
  'async () => 1',
  'await 1',
]

describe('check-layers', { concurrency: 4 }, () => {
  test('accepts the client as it is', async (t) => {
    const { code, output } = await Copy.ofClient(t).check('check-layers.mjs')
    assert.equal(output.match(/0 violations/)?.length, 1, output)
    assert.equal(code, 0)
  })

  // One house broken in every way at once: each fault has a line of its own to be told in.
  test('refuses that', async (t) => {
    const copy = Copy.ofClient(t)
    for (const { file, code } of BREAKS) copy.append(file, code)
    const outcome = await copy.check('check-layers.mjs')
    for (const { what, file, law, code } of BREAKS) {
      await t.test(what, () => assertTold(outcome, `${file}:${copy.lineOf(file, code)}`, law))
    }
  })

  test('refuses a circle that a type import closes', async (t) => {
    const copy = Copy.ofClient(t)
    const file = `${SRC}/protocol/constants.ts`
    copy.append(file, "import type { Encoder } from './encoder.ts'")
    assertTold(await copy.check('check-layers.mjs'), file, 'no circles, type imports included')
  })

  test('refuses time, input, output and promises in the protocol', async (t) => {
    const copy = Copy.ofClient(t)
    const file = `${SRC}/protocol/impure.ts`
    copy.write(file, IMPURE.map((code, at) => `export const broken${at} = ${code}`).join('\n'))
    const outcome = await copy.check('check-layers.mjs')
    for (const at of IMPURE.keys())
      assertTold(outcome, `${file}:${at + 1}`, 'protocol/ knows no I/O')
  })

  test('refuses a dependency of the client', async (t) => {
    const copy = Copy.ofClient(t)
    copy.change('packages/client/package.json', (manifest) => {
      manifest['dependencies'] = { denque: '^2.0.0' }
    })
    const outcome = await copy.check('check-layers.mjs')
    assertTold(outcome, 'packages/client/package.json', '@fastcgi/client has no dependencies')
  })

  test('refuses a peer of the client that is not optional', async (t) => {
    const copy = Copy.ofClient(t)
    copy.change('packages/client/package.json', (manifest) => {
      delete manifest['peerDependenciesMeta']
    })
    const outcome = await copy.check('check-layers.mjs')
    assertTold(outcome, 'packages/client/package.json', '@fastcgi/client has no dependencies')
  })

  test('refuses a floor that the law does not name', async (t) => {
    const copy = Copy.ofClient(t)
    copy.write(`${SRC}/utils/misc.ts`, 'export const misc = 1\n')
    assertTold(await copy.check('check-layers.mjs'), `${SRC}/utils/misc.ts`, 'is no floor')
  })

  test('refuses that an upper package is imported, or a lower one past its doors', async (t) => {
    const copy = Copy.ofClient(t)
    const file = 'packages/php/src/index.ts'
    copy.write('packages/php/package.json', '{ "name": "@fastcgi/php", "exports": {} }')
    copy.write(file, "import '@fastcgi/gateway'\nimport '@fastcgi/client/connection'\n")
    const outcome = await copy.check('check-layers.mjs')
    assertTold(outcome, `${file}:1`, 'php imports @fastcgi/gateway')
    assertTold(outcome, `${file}:2`, '@fastcgi/client/connection is no door of @fastcgi/client')
  })

  test('reads neither comments nor strings as code, and accepts what only looks forbidden', async (t) => {
    const copy = Copy.ofClient(t)
    copy.append(
      `${SRC}/protocol/record.ts`,
      [
        '// Buffer, Promise and process are for others',
        "/* import { connect } from 'node:net' */",
        "export const told = 'console.log(Date)' + \"async\" + `await ${'Buffer'} setTimeout`",
        'export const pattern = /["\'`] Buffer/.source.length',
        'export const year = (record: any) => record.Date',
      ].join('\n'),
    )
    const { output } = await copy.check('check-layers.mjs')
    assert.doesNotMatch(output, /protocol\/record\.ts:\d+: (uses|imports)/)
  })

  test('refuses to check nothing', async (t) => {
    const copy = new Copy(t)
    copy.write('packages/client/package.json', '{ "name": "@fastcgi/client" }')
    assert.equal((await copy.check('check-layers.mjs')).code, 1)
  })
})

/** One line names the file, with a line number, and the law. */
function assertTold(
  { code, output }: { code: number | null; output: string },
  file: string,
  law: string,
): void {
  const told = output.split('\n').some((line) => line.startsWith(`${file}:`) && line.includes(law))
  assert.ok(told, `${file} and "${law}" are not told in:\n${output}`)
  assert.equal(code, 1)
}
