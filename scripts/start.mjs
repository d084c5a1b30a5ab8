// npm start: from a fresh clone to a PHP site that answers over HTTP, on the best PHP that there is.

import { join } from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { prepare } from './lib/build.mjs'
import { ROOT } from './lib/paths.mjs'
import { run } from './lib/run.mjs'

const USAGE = `npm start [-- --port 3000] [-- --php embedded]

Serves the example site, by php-fpm or php-cgi when there is one and by embedded PHP otherwise, until Ctrl-C.
  --port PORT   where to listen on 127.0.0.1; 0 takes any that is free (3000)
  --php KIND    php-fpm, php-cgi or embedded, instead of the best that is found
  --help        this text
`
const FCGI = join(ROOT, 'packages', 'cli', 'dist', 'main.js')
const CONFIG = join(ROOT, 'examples', 'site', 'fcgi.config.mjs')
const FOREVER = 0x7f_ff_ff_ff

/** @returns {{ port: number, php: string | undefined, help: boolean }} @throws {Error} with one sentence on what cannot be read */
function readArguments() {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '3000' },
      php: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  const port = /^\d{1,5}$/.test(values.port) ? Number(values.port) : NaN
  if (!(port <= 65_535)) {
    throw new Error(`--port takes a number from 0 to 65535, not ${JSON.stringify(values.port)}`)
  }
  return { port, php: values.php, help: values.help }
}

/** @param {number} port @param {string | undefined} php @returns {Promise<number>} exit code */
async function start(port, php) {
  const failed = await prepare()
  if (failed) return failed
  const args = ['serve', '--config', CONFIG, '--listen', `127.0.0.1:${port}`, '--log', 'pretty']
  if (php !== undefined) args.push('--php', php)
  return run(process.execPath, [FCGI, ...args], { timeout: FOREVER })
}

try {
  const { port, php, help } = readArguments()
  if (help) console.log(USAGE)
  else process.exitCode = await start(port, php)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
