// Runs the load generator, and reads what it says.

import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { nativeProgram } from './native.mjs'
import { cpuTime } from './usage.mjs'

const run = promisify(execFile)

/**
 * @typedef {object} Load
 * @property {string} request the file with the head
 * @property {number} length of the body that each answer has to have
 * @property {number} [connections]
 * @property {number} [seconds]
 * @property {number} [rate] requests a second, at fixed moments. Default 0: as fast as answers come
 * @property {number} [body] bytes of each upload
 * @property {number} [readRate] bytes a second that each connection takes
 *
 * @typedef {object} LoadResult
 * @property {number} requests
 * @property {number} seconds
 * @property {number} bytes
 * @property {number} p50 µs, as all latencies
 * @property {number} p99
 * @property {number} p999
 * @property {number} max
 */

/** As few requests as a p99 can be made of. */
const SAMPLES = 200

const HEADERS = {
  'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  'Accept-Language': 'en-US,en;q=0.5',
  Cookie: 'session=0123456789abcdef0123456789abcdef',
}

/**
 * Writes the head of a request that browsers could send.
 *
 * @param {string} folder @param {string} name of the file
 * @param {{ method?: string, target?: string, headers?: Record<string, string> }} [request]
 */
export function writeRequest(folder, name, request = {}) {
  const { method = 'GET', target = '/index.php?page=2', headers = {} } = request
  const fields = Object.entries({ Host: 'www.example.org', ...HEADERS, ...headers })
  const lines = [
    `${method} ${target} HTTP/1.1`,
    ...fields.map(([key, value]) => `${key}: ${value}`),
  ]
  const path = join(folder, name)
  writeFileSync(path, [...lines, '', ''].join('\r\n'))
  return path
}

/** @param {number} port @param {Load} load @returns {string[]} */
export function loadArguments(port, { request, length, readRate = 0, ...options }) {
  const pairs = Object.entries({ ...options, 'read-rate': readRate })
  return [`${port}`, request, `${length}`, ...pairs.map(([name, value]) => `${name}=${value}`)]
}

/**
 * @param {number} port @param {Load} load @returns {Promise<LoadResult>}
 * @throws when an answer was not the right one
 */
export async function applyLoad(port, load) {
  const { stdout } = await run(nativeProgram('load'), loadArguments(port, load)).catch((error) => {
    throw new Error(error.stderr?.trim() || error.message, { cause: error })
  })
  return JSON.parse(stdout)
}

/**
 * Requests a second, and the CPU time of the server for each.
 *
 * @param {{ pid: number, port: number }} server @param {Load} load
 */
export async function throughput({ pid, port }, load) {
  const before = cpuTime(pid)
  const { requests, seconds } = await applyLoad(port, load)
  const cpu = cpuTime(pid) - before
  return { rate: requests / seconds, cpu: cpu / requests, busy: cpu / 1e6 / seconds }
}

/**
 * Latencies at a fixed rate.
 *
 * @param {{ port: number }} server @param {Load & { rate: number }} load
 */
export async function latency({ port }, load) {
  const seconds = Math.max(load.seconds ?? 1, SAMPLES / load.rate)
  const { p50, p99, p999 } = await applyLoad(port, { ...load, seconds })
  return { p50, p99, p999 }
}
