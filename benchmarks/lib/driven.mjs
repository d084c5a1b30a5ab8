// A program that measures itself when it is told to: a line on its stdin, and a line of JSON as the answer.

import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

/**
 * @typedef {object} Driven
 * @property {number} pid
 * @property {(line: string) => Promise<any>} ask
 */

/**
 * @param {import('./scope.mjs').Scope} scope @param {import('./programs.mjs').Command} command
 * @returns {Driven}
 */
export function drive(scope, { file, args = [], env = {}, cwd }) {
  const child = spawn(file, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let complaints = ''
  child.stderr.on('data', (chunk) => (complaints = (complaints + chunk).slice(-2048)))
  // A program that is gone is noticed by its lines, which end.
  child.stdin.on('error', () => {})
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const ended = new Promise((resolve) => {
    child.once('error', (error) => resolve((complaints += error.message)))
    child.once('close', resolve)
  })
  scope.defer(async () => {
    child.stdin.end()
    child.kill()
    await ended
  })
  return {
    pid: child.pid ?? 0,
    async ask(line) {
      child.stdin.write(`${line}\n`)
      const { done, value } = await lines.next()
      if (!done) return JSON.parse(value)
      await ended
      throw new Error(complaints.trim() || `${file} ended without an answer`)
    },
  }
}
