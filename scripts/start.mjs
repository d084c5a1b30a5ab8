// npm start: from a fresh clone to a php-fpm that answers, each way to talk to it shown with its time, and HTTP in front of it.

import { createServer } from 'node:net'
import { join } from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { prepare } from './lib/build.mjs'
import { startPhpFpm } from './lib/php-fpm.mjs'
import { ensurePhp } from './lib/php.mjs'
import { ROOT } from './lib/paths.mjs'
import { run } from './lib/run.mjs'

const USAGE = `npm start [-- --port 3000]

Shows each way to talk to php-fpm, then serves the PHP fixtures over HTTP until Ctrl-C.
  --port PORT   where to listen on 127.0.0.1; 0 takes any that is free (3000)
  --help        this text
`
const FIXTURES = join(ROOT, 'test', 'php')
const FOREVER = 0x7f_ff_ff_ff

/** @returns {{ port: number, help: boolean }} @throws {Error} with one sentence on what cannot be read */
function readArguments() {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '3000' },
      help: { type: 'boolean', default: false },
    },
  })
  const port = /^\d{1,5}$/.test(values.port) ? Number(values.port) : NaN
  if (!(port <= 65_535)) {
    throw new Error(`--port takes a number from 0 to 65535, not ${JSON.stringify(values.port)}`)
  }
  return { port, help: values.help }
}

/** @param {number} port @returns {Promise<string | undefined>} why it cannot be listened on */
function whyNotListening(port) {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', (error) => resolve('code' in error ? String(error.code) : error.message))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(undefined)))
  })
}

/** @param {number} port @returns {Promise<number>} exit code */
async function start(port) {
  const refused = await whyNotListening(port)
  if (refused !== undefined) {
    console.error(
      `Cannot listen on 127.0.0.1:${port} (${refused}). Choose another port: npm start -- --port 3001`,
    )
    return 1
  }
  const failed = await prepare()
  if (failed) return failed
  const { fpm } = await ensurePhp()
  if (!fpm) return 1
  console.log(`Using ${fpm}, on a private unix socket`)
  const php = await startPhpFpm(fpm)
  try {
    const { tour } = await import('./lib/tour.mjs')
    await tour(php.address, FIXTURES)
    console.log(`\nHTTP in front of ${FIXTURES}; Ctrl-C stops it`)
    const server = join(ROOT, 'build', 'examples', 'http-proxy.js')
    return await run(process.execPath, [server, php.address, FIXTURES, String(port)], {
      timeout: FOREVER,
    })
  } finally {
    await php.stop()
    console.log('php-fpm is stopped')
  }
}

try {
  const { port, help } = readArguments()
  if (help) console.log(USAGE)
  else process.exitCode = await start(port)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
