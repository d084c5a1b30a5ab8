// Patterns for paths, such as `/config/**` and `*.sql`. Matched by walking the path once with the set of places in the pattern that can be
// reached, never by a regular expression: the time is the path's length times the pattern's, whatever somebody asks for.
//
//   /config       from the root: that file or folder, and everything below a folder
//   /config/**    the same
//   *.sql         without a slash in front: from any folder on
//   *             any bytes but a slash, or none
//   **            any bytes, slashes too; `/a/**/b` is also `/a/b`
//
// Everything else stands for itself.

import { byteStringOf, foldAscii } from './bytes.ts'

/** A step of a pattern: a byte, or one of these. */
const STAR = -1
const GLOBSTAR = -2
/** `**` and a slash: nothing at all, or ... */
const FOLDERS = -3
/** ... whole folders, with the slash after the last one. */
const IN_FOLDERS = -4
const SLASH = 0x2f

interface Pattern {
  readonly steps: readonly number[]
  readonly anchored: boolean
  /** Its longest run of plain bytes: a path without it needs no walk. */
  readonly needle: string
}

export interface PathPatternOptions {
  /** Whether `A` to `Z` are the same as `a` to `z`. @default false */
  readonly fold?: boolean
}

/** A list of patterns; a path matches when one of them does. */
export class PathPatterns {
  readonly #patterns: readonly Pattern[]
  readonly #fold: boolean

  constructor(patterns: readonly string[], { fold = false }: PathPatternOptions = {}) {
    this.#fold = fold
    this.#patterns = patterns.map((text) => {
      const bytes = byteStringOf(text)
      return compile(fold ? foldAscii(bytes) : bytes)
    })
  }

  /** @param path A decoded path, from `/` on, as a byte string. */
  matches(path: string): boolean {
    if (this.#patterns.length === 0) return false
    const bytes = this.#fold ? foldAscii(path) : path
    return this.#patterns.some((pattern) => bytes.includes(pattern.needle) && walk(pattern, bytes))
  }
}

function compile(text: string): Pattern {
  const anchored = text.startsWith('/')
  // What a pattern matches it matches with everything below, so that the end says nothing more.
  const body = text.slice(anchored ? 1 : 0).replace(/(?:^|\/)(?:\*\*)?\/?$/, '')
  const steps: number[] = []
  for (let at = 0; at < body.length; at++) {
    if (body[at] !== '*') {
      steps.push(body.charCodeAt(at))
    } else if (body[at + 1] !== '*') {
      steps.push(STAR)
    } else if (body[at + 2] === '/' && (at === 0 || body[at - 1] === '/')) {
      steps.push(FOLDERS, IN_FOLDERS)
      at += 2
    } else {
      steps.push(GLOBSTAR)
      at++
    }
  }
  const runs = body.split(/\*+\/?/)
  return { steps, anchored, needle: runs.reduce((a, b) => (b.length > a.length ? b : a)) }
}

/** Whether the pattern ends where a segment of the path does. */
function walk({ steps, anchored }: Pattern, path: string): boolean {
  const end = steps.length
  if (end === 0) return true
  let here = new Uint8Array(end + 1)
  let next = new Uint8Array(end + 1)
  here[0] = 1
  // The slash in front is part of every path, and of no pattern's steps.
  for (let at = 1; ; at++) {
    skip(steps, here)
    const byte = at < path.length ? path.charCodeAt(at) : SLASH
    if (byte === SLASH && here[end] === 1) return true
    if (at >= path.length) return false
    for (let step = 0; step < end; step++) {
      if (here[step] === 1) advance(steps, step, byte, next)
    }
    if (byte === SLASH && !anchored) next[0] = 1
    const spent = here
    here = next
    next = spent.fill(0)
  }
}

/** Goes on over the steps that stand for nothing as well. */
function skip(steps: readonly number[], here: Uint8Array): void {
  for (let step = 0; step < steps.length; step++) {
    if (here[step] !== 1) continue
    const kind = steps[step]
    if (kind === STAR || kind === GLOBSTAR) here[step + 1] = 1
    else if (kind === FOLDERS) here[step + 1] = here[step + 2] = 1
  }
}

function advance(steps: readonly number[], step: number, byte: number, next: Uint8Array): void {
  const kind = steps[step]
  if (kind === byte) next[step + 1] = 1
  else if (kind === GLOBSTAR || (kind === STAR && byte !== SLASH)) next[step] = 1
  else if (kind === IN_FOLDERS) {
    next[step] = 1
    if (byte === SLASH) next[step + 1] = 1
  }
}
