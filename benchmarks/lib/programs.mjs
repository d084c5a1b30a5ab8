// Programs that a measurement starts: found, waited for, and ended by their pid.

import { spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { connect, createServer } from 'node:net'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const START_TIMEOUT = 15_000
const STOP_TIMEOUT = 5000

/**
 * @typedef {object} Command
 * @property {string} file
 * @property {readonly string[]} [args]
 * @property {Readonly<Record<string, string>>} [env] besides this process's own
 * @property {string} [cwd]
 *
 * @typedef {object} Running
 * @property {number} pid
 * @property {() => string} output what it said so far
 * @property {() => string | undefined} ended how, once it has
 * @property {() => Promise<void>} stop
 */

/** @param {readonly string[]} names @returns {string | undefined} */
export function findProgram(names) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  for (const folder of folders) {
    const path = names.map((name) => join(folder, name)).find(isExecutable)
    if (path !== undefined) return path
  }
  return undefined
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/**
 * @param {import('./scope.mjs').Scope} scope @param {Command} command @returns {Running}
 */
export function start(scope, { file, args = [], env = {}, cwd }) {
  const child = spawn(file, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  /** @type {string | undefined} */
  let ended
  const keep = (/** @type {Buffer} */ chunk) => (output = (output + chunk.toString()).slice(-4096))
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  const end = new Promise((resolve) => {
    child.once('error', (error) => resolve((ended = error.message)))
    child.once('close', (code, signal) => resolve((ended ??= signal ?? `exit code ${code}`)))
  })
  const stop = async () => {
    if (ended !== undefined) return
    child.kill('SIGTERM')
    const kill = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT)
    await end
    clearTimeout(kill)
  }
  scope.defer(stop)
  return { pid: child.pid ?? 0, output: () => output, ended: () => ended, stop }
}

/**
 * Waits until something accepts connections.
 *
 * @param {Running} running @param {{ port: number } | { path: string }} address
 */
export async function untilAccepts(running, address) {
  const deadline = performance.now() + START_TIMEOUT
  while (!(await accepts(address))) {
    const ended = running.ended()
    const where = JSON.stringify(address)
    if (ended !== undefined) throw new Error(`${ended} before ${where}:\n${running.output()}`)
    if (performance.now() > deadline) {
      throw new Error(`nothing accepts at ${where} after 15 s:\n${running.output()}`)
    }
    await sleep(20)
  }
}

/** @param {{ port: number } | { path: string }} address @returns {Promise<boolean>} */
function accepts(address) {
  return new Promise((resolve) => {
    const socket = connect('port' in address ? { ...address, host: '127.0.0.1' } : address)
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

/** A port that nobody listens at. @returns {Promise<number>} */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
