// One line about a long transfer, redrawn in place, on a terminal only.

import type { Io } from '../io.ts'
import { paintFor, widthOf } from './colour.ts'
import { truncate } from './text.ts'
import { bytes, duration } from './units.ts'

// Whoever gets an answer within this time, in ms, needs no progress.
const DELAY = 500
const INTERVAL = 100

/** What a transfer has come to. */
export class Progress {
  #sent = 0
  #received = 0
  /** How many bytes are to be sent; undefined when that is not known. */
  sendTotal: number | undefined
  /** How many bytes are to come; undefined when that is not known. */
  receiveTotal: number | undefined
  readonly #io: Io
  readonly #startedAt = performance.now()
  readonly #timer: NodeJS.Timeout
  #drawn = false

  constructor(io: Io) {
    this.#io = io
    this.#timer = setInterval(() => this.#draw(), INTERVAL).unref()
  }

  sent(length: number): void {
    this.#sent += length
  }

  received(length: number): void {
    this.#received += length
  }

  /** Takes the line away again. */
  stop(): void {
    clearInterval(this.#timer)
    this.clear()
  }

  /** Makes room for something else to be written; the line comes back. */
  clear(): void {
    if (!this.#drawn) return
    this.#drawn = false
    this.#io.stderr.write('\r\x1b[K')
  }

  #draw(): void {
    const elapsed = performance.now() - this.#startedAt
    if (elapsed < DELAY) return
    this.#drawn = true
    const { stderr, env } = this.#io
    const line = progressLine(
      {
        sent: this.#sent,
        sendTotal: this.sendTotal,
        received: this.#received,
        receiveTotal: this.receiveTotal,
      },
      elapsed,
      widthOf(stderr, env) - 1,
    )
    stderr.write(`\r${paintFor(stderr, env)('dim', line)}\x1b[K`)
  }
}

/** Sizes in bytes. */
export interface Transferred {
  readonly sent: number
  readonly sendTotal: number | undefined
  readonly received: number
  readonly receiveTotal: number | undefined
}

/** The line as text. @param elapsed In ms. */
export function progressLine(transferred: Transferred, elapsed: number, width: number): string {
  const { sent, sendTotal, received, receiveTotal } = transferred
  const upload = received === 0 && sent > 0
  const done = upload ? sent : received
  const total = upload ? sendTotal : receiveTotal
  const rate = (done / elapsed) * 1000
  const parts = [upload ? '↑' : '↓', bytes(done)]
  if (total !== undefined && total > 0) {
    parts.push(`of ${bytes(total)}`, bar(done / total), `${Math.floor((done / total) * 100)} %`)
  }
  parts.push(`${bytes(Math.round(rate))}/s`)
  parts.push(
    total !== undefined && rate > 0 && done < total
      ? `${duration(Math.ceil((total - done) / rate))} left`
      : duration(elapsed / 1000),
  )
  return truncate(parts.join(' '), width)
}

const BAR = 20

function bar(part: number): string {
  const full = Math.min(BAR, Math.round(part * BAR))
  return '━'.repeat(full) + '─'.repeat(BAR - full)
}
