// What -v and -i tell about a request: params sent, the head received, PHP's stderr, how it ended.

import type { ParamPair } from '@fastcgi/client'
import type { CgiHead } from '@fastcgi/client/http'
import { say, type Io } from '../io.ts'
import { paintFor, type Paint } from '../terminal/colour.ts'
import { pairs } from '../terminal/table.ts'
import { oneLine, printable } from '../terminal/text.ts'
import { bytes, milliseconds } from '../terminal/units.ts'
import type { Outcome } from './exchange.ts'
import { isSecret, textOf } from './params.ts'

const HIDDEN = '[hidden; --show-secrets shows it]'

/** The params as lines. */
export function paramLines(
  params: readonly ParamPair[],
  showSecrets: boolean,
  paint: Paint = (_, text) => text,
): string[] {
  const rows = params.map(([name, value]): [string, string] => {
    const key = textOf(name)
    return [key, !showSecrets && isSecret(key) ? HIDDEN : oneLine(textOf(value))]
  })
  return pairs(rows, (name) => paint('cyan', printable(name)))
}

/** Status and headers as they are printed ahead of a body. */
export function headLines(head: CgiHead, showSecrets = true): string[] {
  const lines = head.headers.map(([name, value]) => {
    const hidden = !showSecrets && name.toLowerCase() === 'set-cookie'
    return `${name}: ${hidden ? value.replace(/=.*$/s, `=${HIDDEN}`) : value}`
  })
  return [`Status: ${head.status} ${head.statusText}`.trimEnd(), ...lines]
}

/** Tells -v's lines on stderr. */
export class Trace {
  readonly #io: Io
  readonly #paint: Paint
  readonly #showSecrets: boolean

  constructor(io: Io, showSecrets: boolean) {
    this.#io = io
    this.#paint = paintFor(io.stderr, io.env)
    this.#showSecrets = showSecrets
  }

  sending(address: string, params: readonly ParamPair[], body: number | undefined): void {
    this.#say('*', `to ${address}`)
    for (const line of paramLines(params, this.#showSecrets, this.#paint)) this.#say('>', line)
    if (body !== undefined) this.#say('*', `${bytes(body)} of stdin`)
  }

  head(head: CgiHead): void {
    for (const line of headLines(head, this.#showSecrets)) this.#say('<', printable(line))
  }

  ended({ end, connect, total, body, stderr }: Outcome): void {
    const how =
      connect === undefined ? 'a kept connection' : `connected in ${milliseconds(connect)}`
    this.#say(
      '*',
      `complete in ${milliseconds(total)}, ${how}: appStatus ${end.appStatus}, body ${bytes(body)}, stderr ${bytes(stderr)}`,
    )
  }

  #say(mark: string, line: string): void {
    this.#io.stderr.write(`${this.#paint('dim', mark)} ${line}\n`)
  }
}

/** Hands PHP's stderr on: marked and made harmless where a person reads it, exactly where a program does. */
export class StderrPrinter {
  readonly #io: Io
  readonly #marked: boolean
  readonly #prefix: string
  readonly #beforeLine: () => void
  readonly #script: string
  readonly #decoder = new TextDecoder()
  #line = ''

  /**
   * @param beforeLine Called before each marked line.
   * @param script SCRIPT_FILENAME, to be named when php-fpm does not know it.
   */
  constructor(io: Io, verbose: boolean, beforeLine: () => void, script: string) {
    this.#script = script
    this.#io = io
    this.#beforeLine = beforeLine
    this.#marked = verbose || io.stderr.isTTY === true
    this.#prefix = paintFor(io.stderr, io.env)('yellow', '! ')
  }

  write(data: Uint8Array): void {
    if (!this.#marked) {
      this.#io.stderr.write(Uint8Array.from(data))
      return
    }
    const lines = (this.#line + this.#decoder.decode(data, { stream: true })).split('\n')
    this.#line = lines.pop() ?? ''
    for (const line of lines) this.#print(line)
  }

  /** Prints what no line end has followed. */
  end(): void {
    if (this.#line !== '') this.#print(this.#line)
    this.#line = ''
  }

  #print(line: string): void {
    this.#beforeLine()
    this.#io.stderr.write(`${this.#prefix}${oneLine(line.replace(/\r$/, ''))}\n`)
    if (line.trim() !== 'Primary script unknown') return
    const script = oneLine(this.#script)
    say(
      this.#io,
      `fcgi: for PHP there is no ${script}, or it may not read it: --root says where its files are, fcgi doctor finds out more`,
    )
  }
}
