// A php-fpm of our own, on a private socket, gone when the work is done.

import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'

const START_TIMEOUT = 10_000
const STOP_TIMEOUT = 5_000

/** @param {string} folder @param {string} socket @param {boolean} asRoot */
function config(folder, socket, asRoot) {
  // Master and children may run as the same user: the folder is private and so is what they serve.
  const user = asRoot ? 'user = root\ngroup = root\n' : ''
  return `[global]
daemonize = no
error_log = ${join(folder, 'fpm.log')}
log_level = warning
[www]
${user}listen = ${socket}
pm = static
pm.max_children = 2
`
}

/** @param {string} socket @returns {Promise<boolean>} whether somebody accepts */
function accepts(socket) {
  return new Promise((resolve) => {
    const probe = connect(socket, () => {
      probe.destroy()
      resolve(true)
    }).on('error', () => resolve(false))
  })
}

/**
 * @param {string} socket
 * @param {import('node:child_process').ChildProcess} child
 * @param {() => string} log what it has said so far
 */
async function untilListening(socket, child, log) {
  const deadline = Date.now() + START_TIMEOUT
  while (!(await accepts(socket))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      throw new Error(`php-fpm does not listen on ${socket}:\n${log()}`)
    }
    await sleep(20)
  }
}

/**
 * @param {string} program
 * @returns {Promise<{ address: string, stop: () => Promise<void> }>}
 */
export async function startPhpFpm(program) {
  const folder = mkdtempSync(join(tmpdir(), 'fastcgi-fpm-'))
  const socket = join(folder, 'fpm.sock')
  const asRoot = process.getuid?.() === 0
  writeFileSync(join(folder, 'fpm.conf'), config(folder, socket, asRoot))
  const args = ['--nodaemonize', '--fpm-config', join(folder, 'fpm.conf')]
  const child = spawn(program, [...args, ...(asRoot ? ['--allow-to-run-as-root'] : [])], {
    stdio: 'ignore',
  })
  let failure = ''
  child.on('error', (error) => (failure = error.message))
  const logFile = join(folder, 'fpm.log')
  const log = () => failure || (existsSync(logFile) ? readFileSync(logFile, 'utf8') : 'no log')
  const stop = () => end(child, folder)
  try {
    await untilListening(socket, child, log)
  } catch (error) {
    await stop()
    throw error
  }
  return { address: `unix:${socket}`, stop }
}

/**
 * @param {import('node:child_process').ChildProcess} child
 * @param {string} folder
 */
async function end(child, folder) {
  const closed = new Promise((resolve) => child.once('close', resolve))
  if (child.exitCode === null && child.pid !== undefined && child.kill('SIGTERM')) {
    const giveUp = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT)
    await closed
    clearTimeout(giveUp)
  }
  rmSync(folder, { recursive: true, force: true })
}
