// How long requests took: one by its phases, many by their distribution. Pure.

import type { Paint } from '../terminal/colour.ts'
import { table } from '../terminal/table.ts'
import { bytes, count, milliseconds } from '../terminal/units.ts'
import type { Outcome } from './exchange.ts'

/** One request, in ms and bytes, for programs. */
export interface Timing {
  readonly status: number
  readonly connect: number | null
  readonly firstByte: number
  readonly total: number
  readonly body: number
}

export function timingOf({ head, connect, firstByte, total, body }: Outcome): Timing {
  return { status: head.status, connect: connect ?? null, firstByte, total, body }
}

/** One request, for people. */
export function timingLine({ connect, firstByte, total, body }: Timing): string {
  const parts = [
    `connect ${connect === null ? 'kept' : milliseconds(connect)}`,
    `first byte ${milliseconds(firstByte)}`,
    `total ${milliseconds(total)}`,
    bytes(body),
  ]
  return parts.join(' · ')
}

/** Many requests, for programs. Times in ms. */
export interface Distribution {
  readonly requests: number
  readonly failed: number
  /** Of all of them, from the first request to the last answer. */
  readonly elapsed: number
  readonly requestsPerSecond: number
  readonly bytes: number
  readonly statuses: Readonly<Record<string, number>>
  readonly connect: Quantiles | null
  readonly firstByte: Quantiles | null
  readonly total: Quantiles | null
}

/** Times in ms. */
export interface Quantiles {
  readonly min: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly max: number
  readonly mean: number
}

/** @param elapsed In ms. */
export function distribution(
  timings: readonly Timing[],
  failed: number,
  elapsed: number,
): Distribution {
  const statuses: Record<string, number> = {}
  for (const { status } of timings) statuses[status] = (statuses[status] ?? 0) + 1
  const requests = timings.length + failed
  return {
    requests,
    failed,
    elapsed,
    requestsPerSecond: elapsed > 0 ? (timings.length / elapsed) * 1000 : 0,
    bytes: timings.reduce((sum, timing) => sum + timing.body, 0),
    statuses,
    connect: quantiles(timings.flatMap(({ connect }) => (connect === null ? [] : [connect]))),
    firstByte: quantiles(timings.map(({ firstByte }) => firstByte)),
    total: quantiles(timings.map(({ total }) => total)),
  }
}

/** Nearest rank. @returns null when there are no values. */
export function quantiles(values: readonly number[]): Quantiles | null {
  if (values.length === 0) return null
  const sorted = values.toSorted((a, b) => a - b)
  const at = (part: number): number => sorted[Math.ceil(part * sorted.length) - 1]!
  const mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length
  return { min: sorted[0]!, p50: at(0.5), p90: at(0.9), p99: at(0.99), max: sorted.at(-1)!, mean }
}

const COLUMNS = ['min', 'p50', 'p90', 'p99', 'max', 'mean'] as const

/** Many requests, for people. */
export function distributionLines(
  result: Distribution,
  timings: readonly Timing[],
  width: number,
  paint: Paint,
): string[] {
  const statuses = Object.entries(result.statuses).map(([status, times]) => `${times} × ${status}`)
  if (result.failed > 0) statuses.push(`${result.failed} failed`)
  const summary = [
    `${count(result.requests)} requests in ${milliseconds(result.elapsed)}`,
    `${result.requestsPerSecond.toFixed(result.requestsPerSecond < 100 ? 1 : 0)} per second`,
    bytes(result.bytes),
    statuses.join(', '),
  ]
  const rows = (['connect', 'firstByte', 'total'] as const).flatMap((name) => {
    const values = result[name]
    const title = name === 'firstByte' ? 'first byte' : name
    return values ? [[title, ...COLUMNS.map((column) => milliseconds(values[column]))]] : []
  })
  const columns = COLUMNS.map((title) => ({ title, align: 'right' as const }))
  const lines = table([{ title: '' }, ...columns], rows, (text) => paint('dim', text))
  return [summary.join(' · '), '', ...lines, '', ...histogram(timings, width, paint)]
}

const BARS = 10

/** How many requests took how long, in equal steps up to the 99th percentile. */
function histogram(timings: readonly Timing[], width: number, paint: Paint): string[] {
  const all = quantiles(timings.map(({ total }) => total))
  if (!all || timings.length < BARS) return []
  const step = (all.p99 - all.min) / BARS || 1
  const counts = Array.from({ length: BARS }, () => 0)
  for (const { total } of timings) {
    counts[Math.min(BARS - 1, Math.floor((total - all.min) / step))]! += 1
  }
  const most = Math.max(...counts)
  const room = Math.max(10, Math.min(50, width - 30))
  return counts.map((times, at) => {
    const from = milliseconds(all.min + at * step).padStart(9)
    const bar = '█'.repeat(Math.round((times / most) * room))
    return `${from}  ${paint('cyan', bar)}${bar && ' '}${times}`
  })
}
