// npm start as a newcomer sees it: a page answers on the best PHP and on embedded PHP, Ctrl-C leaves nothing, and bad input gets one
// clear sentence.
//
//   node scripts/check-start.mjs

import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
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

/** Private folders of PHP that were started and not removed. */
function leftovers() {
  return readdirSync(tmpdir()).filter((name) => name.startsWith('fcgi-php-'))
}

/** The whole of it, stopped by Ctrl-C. */
/** @param {string} php which backend to start @param {string} interface_ what PHP calls it */
async function fromStartToEnd(php, interface_) {
  const before = new Set(leftovers())
  const child = spawn(process.execPath, [START, '--port', '0', '--php', php], {
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
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(output)?.[0]
    if (url === undefined || interrupted) return
    interrupted = true
    void askAndInterrupt(url, pid).then((answer) => (output += answer))
  })
  const code = await new Promise((resolve) => child.once('close', resolve))
  clearTimeout(timer)
  const page = output.includes('HTTP said 200') && output.includes(interface_)
  require(`npm start answers over HTTP, on ${php}`, page, output)
  require('Ctrl-C stops it in good order', code === 0 &&
    output.includes('every request was answered'), output)
  const left = leftovers().filter((name) => !before.has(name))
  require('and nothing of it is left', left.length === 0, left.join('\n'))
}

/** @param {string} url @param {number} pid */
async function askAndInterrupt(url, pid) {
  try {
    const response = await fetch(url, { headers: { connection: 'close' } })
    return `\nHTTP said ${response.status}: ${await response.text()}`
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
  const clear = code !== 0 && lines.length === 1 && sentence.test(stderr)
  require(`${what} gets one clear sentence`, clear, `exit code ${code}\n${stdout}${stderr}`)
}

async function badInput() {
  await refused('a port that is none', ['--port', 'http'], /--port takes a number from 0 to 65535/)
  await refused('an unknown option', ['--prot', '5'], /--prot/)
  const taken = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => taken.once('listening', resolve))
  const address = taken.address()
  const port = typeof address === 'object' && address ? String(address.port) : ''
  try {
    const sentence = /127\.0\.0\.1:\d+.*another program.*EADDRINUSE/
    await refused('a port that is taken', ['--port', port], sentence)
  } finally {
    taken.close()
  }
  await refused(
    'a PHP_FPM that is not there',
    ['--port', '0'],
    /php-fpm.*\/nowhere\/php-fpm.*not an executable/,
    {
      PHP_FPM: '/nowhere/php-fpm',
    },
  )
}

try {
  await fromStartToEnd('php-fpm', 'fpm-fcgi')
  await fromStartToEnd('embedded', 'embedded PHP')
  await badInput()
} catch (error) {
  console.error(`✖ ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}
