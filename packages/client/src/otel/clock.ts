// Spans want the time of day, phases a clock that never goes back.

import type { HrTime } from '@opentelemetry/api'
import { now } from '../connection/alarm.ts'

/** The time of day when it was made, which goes on by the steady clock: no phase ends before it began. */
export class Clock {
  readonly start: number = now()
  readonly #day: number = Date.now()

  /** @param at On the clock of `now()`. */
  time(at: number): HrTime {
    const ms = this.#day + (at - this.start)
    const seconds = Math.floor(ms / 1000)
    return [seconds, Math.min(Math.round((ms - seconds * 1000) * 1e6), 999_999_999)]
  }
}
