// Child processes that cannot outlive or hang their parent.

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import process from 'node:process'
import { readJson, ROOT } from './paths.mjs'

/**
 * @typedef {object} RunOptions
 * @property {string} [cwd] the folder to run in; the root of the repository by default
 * @property {NodeJS.ProcessEnv} [env] added to the environment
 * @property {number} [timeout] milliseconds until the child and its children are killed
 */

const TIMEOUT = 10 * 60_000
const windows = process.platform === 'win32'

/**
 * Ends a child with everything it started, which holds no terminal of its own to be told by.
 * @param {import('node:child_process').ChildProcess} child
 * @param {NodeJS.Signals} signal
 */
function endGroup(child, signal) {
  if (child.pid === undefined || child.exitCode !== null) return
  try {
    process.kill(windows ? child.pid : -child.pid, signal)
  } catch {
    // It ended between the check and the signal.
  }
}

/**
 * Passes on Ctrl-C, and kills the child when its time is over.
 * @param {import('node:child_process').ChildProcess} child
 * @param {string} command
 * @param {number} timeout
 * @returns {() => void} to be called when the child has ended
 */
function watchOver(child, command, timeout) {
  const interrupt = () => endGroup(child, 'SIGINT')
  const terminate = () => endGroup(child, 'SIGTERM')
  process.on('SIGINT', interrupt)
  process.on('SIGTERM', terminate)
  const timer = setTimeout(() => {
    console.error(`${command} has not ended after ${timeout / 1000} s and is killed`)
    endGroup(child, 'SIGKILL')
  }, timeout)
  return () => {
    clearTimeout(timer)
    process.off('SIGINT', interrupt)
    process.off('SIGTERM', terminate)
  }
}

/**
 * @param {string} command
 * @param {string[]} args
 * @param {RunOptions & { stdio: import('node:child_process').StdioOptions }} options
 * @param {(child: import('node:child_process').ChildProcess) => void} [started]
 * @returns {Promise<number>} the exit code; 1 when a signal ended it or it could not start
 */
function start(command, args, { cwd = ROOT, env, timeout = TIMEOUT, stdio }, started) {
  // A group of its own, so that a timeout also ends what the child has started (php-fpm, tests).
  const child = spawn(command, args, {
    cwd,
    stdio,
    detached: !windows,
    env: { ...process.env, ...env },
  })
  const done = watchOver(child, command, timeout)
  started?.(child)
  return new Promise((resolve) => {
    child.on('error', (error) => {
      done()
      console.error(`cannot run ${command}: ${error.message}`)
      resolve(1)
    })
    child.on('close', (code) => {
      done()
      resolve(code ?? 1)
    })
  })
}

/**
 * Runs a child that talks to the terminal itself.
 * @param {string} command
 * @param {string[]} args
 * @param {RunOptions} [options]
 */
export function run(command, args, options = {}) {
  return start(command, args, { ...options, stdio: ['ignore', 'inherit', 'inherit'] })
}

/**
 * Runs a child and keeps what it says.
 * @param {string} command
 * @param {string[]} args
 * @param {RunOptions} [options]
 */
export async function capture(command, args, options = {}) {
  let stdout = ''
  let stderr = ''
  const stdio = /** @type {const} */ (['ignore', 'pipe', 'pipe'])
  const code = await start(command, args, { ...options, stdio: [...stdio] }, (child) => {
    child.stdout?.setEncoding('utf8').on('data', (text) => (stdout += text))
    child.stderr?.setEncoding('utf8').on('data', (text) => (stderr += text))
  })
  return { code, stdout, stderr }
}

/**
 * The JavaScript file of a development dependency's program: node runs it without a shell, and
 * so without the differences between shells.
 * @param {string} name the package, or `package/program`
 * @param {string} [program] where the package has several
 */
export function tool(name, program) {
  const folder = join(ROOT, 'node_modules', name)
  const { bin } = readJson(join(folder, 'package.json'))
  const file = typeof bin === 'string' ? bin : bin[program ?? name]
  return join(folder, file)
}

/**
 * Runs a development dependency on this Node.
 * @param {string[]} program for `tool`
 * @param {string[]} args
 * @param {RunOptions} [options]
 */
export function runTool([name = '', program], args, options) {
  return run(process.execPath, [tool(name, program), ...args], options)
}

/**
 * The npm that runs this script, or else the one in PATH, as a command and its first arguments.
 * @returns {[string, ...string[]]}
 */
export function npm() {
  const script = process.env['npm_execpath']
  if (script?.endsWith('.js')) return [process.execPath, script]
  return windows ? ['cmd.exe', '/c', 'npm'] : ['npm']
}

/**
 * @param {string[]} args
 * @param {RunOptions} [options]
 */
export function runNpm(args, options) {
  const [command, ...first] = npm()
  return run(command, [...first, ...args], options)
}

/**
 * @param {string[]} args
 * @param {RunOptions} [options]
 */
export function captureNpm(args, options) {
  const [command, ...first] = npm()
  return capture(command, [...first, ...args], options)
}
