// php-fpm's status for people. Pure.

import type { FpmProcess, FpmStatus } from '@fastcgi/php/fpm'
import type { Paint } from '../terminal/colour.ts'
import { pairs, table, type Column } from '../terminal/table.ts'
import { displayWidth, oneLine, truncate } from '../terminal/text.ts'
import { bytes, count, duration, milliseconds } from '../terminal/units.ts'

/** How to show it. */
export interface View {
  readonly address: string
  /** In characters. */
  readonly width: number
  readonly paint: Paint
  /** Whether to show every worker. @default false */
  readonly full?: boolean
  /** What was seen before, the oldest first; for --watch. @default none */
  readonly history?: readonly Sample[]
}

/** One look at the pool. */
export interface Sample {
  /** In ms, of a clock that never goes back. */
  readonly at: number
  readonly active: number
  readonly total: number
  readonly accepted: number
}

/** The pool in a few lines, its workers below when they are known. */
export function statusLines(status: FpmStatus, view: View): string[] {
  const { paint } = view
  const history = view.history ?? []
  const rows: [string, string][] = [
    ['workers', workersLine(status, view)],
    ['queue', queueLine(status, paint)],
    ['accepted', acceptedLine(status, history)],
    ['limit', limitLine(status, paint)],
    ['slow', slowLine(status, paint)],
  ]
  if (status.memoryPeak !== undefined) rows.push(['memory', `peak ${bytes(status.memoryPeak)}`])
  for (const [name, value] of status.others) rows.push([oneLine(name), oneLine(value)])
  if (history.length > 1) rows.push(['', ''], ['busy', sparkline(history, view)])
  return [
    titleLine(status, view),
    '',
    ...pairs(rows, (name) => paint('dim', name)).map((line) => `  ${line}`),
    ...(view.full && status.processes ? ['', ...processLines(status.processes, view)] : []),
  ]
}

function titleLine(status: FpmStatus, { address, width, paint }: View): string {
  const left = `${paint('bold', oneLine(status.pool))} ${paint('dim', `· ${oneLine(status.processManager)} · up ${duration(status.startSince)}`)}`
  const gap = Math.min(width, 100) - displayWidth(left) - displayWidth(address)
  return left + (gap >= 2 ? ' '.repeat(gap) : '  ') + paint('cyan', address)
}

const METER = 24

function workersLine({ active, total, maxActive }: FpmStatus, { paint }: View): string {
  const share = total > 0 ? active / total : 0
  const full = Math.round(share * METER)
  const colour = share >= 1 ? 'red' : share >= 0.75 ? 'yellow' : 'green'
  const meter = paint(colour, '█'.repeat(full)) + paint('dim', '░'.repeat(METER - full))
  // php-fpm miscounts under load; what is more than there are workers says nothing.
  const most = maxActive <= total ? `, ${maxActive} at the most so far` : ''
  return `${meter}  ${paint('bold', `${active} of ${total}`)} busy${most}`
}

function queueLine(status: FpmStatus, paint: Paint): string {
  const { listenQueue, listenQueueLength, maxListenQueue } = status
  const waiting = `${count(listenQueue)} waiting`
  const room = listenQueueLength > 0 ? `, room for ${count(listenQueueLength)}` : ''
  const most = `${room}, ${count(maxListenQueue)} at the most so far`
  return (listenQueue > 0 ? paint('red', waiting) : waiting) + most
}

function acceptedLine({ acceptedConnections }: FpmStatus, history: readonly Sample[]): string {
  const [before, now] = history.slice(-2)
  const all = `${count(acceptedConnections)} connections`
  if (!before || !now) return all
  const rate = ((now.accepted - before.accepted) / (now.at - before.at)) * 1000
  return `${all}, ${Math.max(0, rate).toFixed(1)} per second`
}

function limitLine({ maxChildrenReached }: FpmStatus, paint: Paint): string {
  if (maxChildrenReached === 0) return 'pm.max_children never reached'
  const times = maxChildrenReached === 1 ? 'once' : `${count(maxChildrenReached)} times`
  return paint('yellow', `pm.max_children reached ${times}: requests had to wait for a worker`)
}

function slowLine({ slowRequests }: FpmStatus, paint: Paint): string {
  if (slowRequests === 0) return 'no slow requests'
  return paint('yellow', `${count(slowRequests)} slow requests, see the slowlog of the pool`)
}

const STEPS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█']

/** Busy workers over time, as much as fits. */
function sparkline(history: readonly Sample[], { width, paint }: View): string {
  const shown = history.slice(-Math.max(10, Math.min(width, 100) - 14))
  const marks = shown.map(({ active, total }) => {
    const share = total > 0 ? active / total : 0
    return STEPS[Math.min(STEPS.length - 1, Math.round(share * (STEPS.length - 1)))]
  })
  return paint('cyan', marks.join(''))
}

const COLUMNS: readonly Column[] = [
  { title: 'PID', align: 'right' },
  { title: 'STATE' },
  { title: 'UP', align: 'right' },
  { title: 'REQUESTS', align: 'right' },
  { title: 'TIME', align: 'right' },
  { title: 'CPU', align: 'right' },
  { title: 'MEMORY', align: 'right' },
  { title: 'BODY', align: 'right' },
  { title: 'USER' },
  { title: 'REQUEST' },
]

function processLines(processes: readonly FpmProcess[], { width, paint }: View): string[] {
  const rows = processes.toSorted(byActivity).map((process) => processCells(process, paint))
  // What no worker has, bodies and users most of all, leaves its place to the requests.
  const used = COLUMNS.map((_, at) => rows.some((row) => row[at] !== ''))
  const columns = COLUMNS.filter((_, at) => used[at])
  const cells = rows.map((row) => row.filter((_, at) => used[at]))
  const lines = table(columns, cells, (text) => paint('dim', text))
  return lines.map((line) => `  ${cut(line, width - 2)}`)
}

function processCells(process: FpmProcess, paint: Paint): string[] {
  const idle = process.state === 'Idle'
  return [
    String(process.pid),
    paint(idle ? 'dim' : 'green', oneLine(process.state)),
    duration(process.startSince),
    count(process.requests),
    milliseconds(process.duration / 1000),
    idle ? `${process.cpu.toFixed(0)} %` : '',
    idle ? bytes(process.memory) : '',
    process.contentLength > 0 ? bytes(process.contentLength) : '',
    dash(process.user),
    requestOf(process, paint),
  ]
}

function requestOf({ method, uri, script }: FpmProcess, paint: Paint): string {
  const request = `${dash(method)} ${dash(uri)}`.trim()
  const file = dash(script)
  return file === '' || uri.split('?')[0] === file ? request : `${request} ${paint('dim', file)}`
}

/** php-fpm writes `-` where there is nothing. */
function dash(text: string): string {
  return text === '-' ? '' : oneLine(text)
}

/** Those that work first, the longest first. */
function byActivity(a: FpmProcess, b: FpmProcess): number {
  const idle = Number(a.state === 'Idle') - Number(b.state === 'Idle')
  if (idle !== 0) return idle
  return a.state === 'Idle' ? a.pid - b.pid : b.duration - a.duration
}

/** A line with colours, cut to a width. */
function cut(line: string, width: number): string {
  // eslint-disable-next-line no-control-regex -- ESC begins a colour
  const parts = line.split(/(\x1b\[\d+m)/)
  let room = width
  return parts
    .map((part, at) => {
      if (at % 2 === 1) return part
      const shown = truncate(part, room)
      room -= displayWidth(shown)
      return shown
    })
    .join('')
}
