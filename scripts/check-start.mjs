// npm start as a newcomer sees it: the tour ends, HTTP answers, Ctrl-C leaves nothing, and bad input gets one clear sentence.
//
//   node scripts/check-start.mjs

import { spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { join } from 'node:path'
import process from 'node:process'
import { ROOT } from './lib/paths.mjs'
import { capture } from './lib/run.mjs'

const START = join(ROOT, 'scripts', 'start.mjs')
const LIMIT = 120_000

/** @param {string} what @param {boolean} holds @param {string} output */
function require(what, holds, output) {
  if (!holds) throw new Error(`${what} does not hold:\n${output}`)
  console.log(`✔ ${what}`)
}

/** The whole of it, stopped by Ctrl-C. */
async function fromStartToEnd() {
  const child = spawn(process.execPath, [START, '--port', '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  const pid = child.pid
  if (pid === undefined) throw new Error('npm start could not be started')
  const timer = setTimeout(() => process.kill(-pid, 'SIGKILL'), LIMIT)
  let output = ''
  let interrupted = false
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output += text
    const port = /http:\/\/127\.0\.0\.1:(\d+)/.exec(output)?.[1]
    if (port === undefined || interrupted) return
    interrupted = true
    void askAndInterrupt(port, pid).then((answer) => (output += answer))
  })
  const code = await new Promise((resolve) => child.once('close', resolve))
  clearTimeout(timer)
  require('npm start shows each way to talk to php-fpm', /one-shot[^]*keep-alive[^]*stream[^]*upload[^]*fetch/.test(
    output,
  ), output)
  require('then PHP answers over HTTP', output.includes('HTTP said: hello'), output)
  require('and Ctrl-C stops it in good order', code === 0 &&
    output.includes('php-fpm is stopped'), output)
}

/** @param {string} port @param {number} pid */
async function askAndInterrupt(port, pid) {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/hello.php`, {
      headers: { connection: 'close' },
    })
    return `\nHTTP said: ${await response.text()}`
  } catch (error) {
    return `\nHTTP failed: ${String(error)}`
  } finally {
    process.kill(pid, 'SIGINT')
  }
}

/** @param {string} what @param {string[]} args @param {RegExp} sentence @param {NodeJS.ProcessEnv} [env] */
async function refused(what, args, sentence, env = {}) {
  const { code, stdout, stderr } = await capture(process.execPath, [START, ...args], {
    env,
    timeout: LIMIT,
  })
  const lines = stderr.trim().split('\n')
  const clear = code === 1 && lines.length === 1 && sentence.test(stderr)
  require(`${what} gets one clear sentence`, clear, `exit code ${code}\n${stdout}${stderr}`)
}

async function badInput() {
  await refused('a port that is none', ['--port', 'http'], /--port takes a number from 0 to 65535/)
  await refused('an unknown option', ['--prot', '5'], /--prot/)
  const taken = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => taken.once('listening', resolve))
  const address = taken.address()
  const port = typeof address === 'object' && address ? String(address.port) : ''
  await refused('a port that is taken', ['--port', port], /EADDRINUSE.*Choose another port/)
  taken.close()
  await refused('a PHP_FPM that is not there', ['--port', '0'], /PHP_FPM is .*not an executable/, {
    PHP_FPM: '/nowhere/php-fpm',
  })
}

try {
  await fromStartToEnd()
  await badInput()
} catch (error) {
  console.error(`✖ ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}
