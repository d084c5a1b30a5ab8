// What processes used, as the operating system accounts for it: a process with all that descend from it, and all their threads.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'

/** µs for each clock tick of /proc/PID/stat: USER_HZ is 100 on every Linux that Node runs on. */
const TICK = 10_000

/**
 * CPU time in µs. The scheduler's own account (ns, for each thread) where the kernel keeps one, otherwise clock ticks.
 *
 * @param {number} pid
 */
export function cpuTime(pid) {
  return tree(pid).reduce((sum, each) => sum + (fineTime(each) ?? coarseTime(each)), 0)
}

/** Peak memory in bytes: the sum of VmHWM. Pages that processes share count once for each. @param {number} pid */
export function peakMemory(pid) {
  return tree(pid).reduce((sum, each) => sum + statusBytes(each, 'VmHWM'), 0)
}

/** Lets {@link peakMemory} begin again from what is in use now. @param {number} pid */
export function resetPeak(pid) {
  for (const each of tree(pid)) writeFileSync(`/proc/${each}/clear_refs`, '5')
}

/** Memory in bytes that is in use now: the sum of VmRSS. @param {number} pid */
export function memory(pid) {
  return tree(pid).reduce((sum, each) => sum + statusBytes(each, 'VmRSS'), 0)
}

/** @param {number} pid @returns {number[]} it and its descendants */
function tree(pid) {
  const children = list(`/proc/${pid}/task`).flatMap((thread) =>
    read(`/proc/${pid}/task/${thread}/children`).split(' ').filter(Boolean).map(Number),
  )
  return [pid, ...children.flatMap(tree)]
}

/** @param {number} pid @returns {number | undefined} µs */
function fineTime(pid) {
  let time = 0
  for (const thread of list(`/proc/${pid}/task`)) {
    const account = read(`/proc/${pid}/task/${thread}/schedstat`)
    if (account === '') return undefined
    time += Number(account.split(' ')[0]) / 1000
  }
  return time
}

/** @param {number} pid @returns {number} µs */
function coarseTime(pid) {
  const stat = read(`/proc/${pid}/stat`)
  // The name of the program, in parentheses, may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * TICK
}

/** @param {number} pid @param {string} field */
function statusBytes(pid, field) {
  const line = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(read(`/proc/${pid}/status`))
  return Number(line?.[1] ?? 0) * 1024
}

/** Processes and threads may end while they are looked at. @param {string} path */
function read(path) {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}

/** @param {string} folder */
function list(folder) {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
