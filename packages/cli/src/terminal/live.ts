// A screen that is drawn again and again, and given back as it was.

import type { Io } from '../io.ts'
import { widthOf } from './colour.ts'

// Another screen, no cursor; and back.
const ENTER = '\x1b[?1049h\x1b[?25l'
const LEAVE = '\x1b[?25h\x1b[?1049l'

export class LiveScreen {
  readonly #io: Io
  #open = false

  constructor(io: Io) {
    this.#io = io
  }

  /** In characters. */
  get width(): number {
    return widthOf(this.#io.stdout, this.#io.env)
  }

  /** Draws over what was there, line by line: nothing flickers. */
  draw(lines: readonly string[]): void {
    const start = this.#open ? '' : ENTER
    this.#open = true
    this.#io.stdout.write(`${start}\x1b[H${lines.map((line) => `${line}\x1b[K`).join('\n')}\x1b[J`)
  }

  close(): void {
    if (this.#open) this.#io.stdout.write(LEAVE)
    this.#open = false
  }
}
