// `style.css.br` in place of `style.css`, to who takes it.

import Negotiator from 'negotiator'
import type { Lookup } from './files.ts'

/** A form that a file is there in. */
export interface Variant {
  readonly path: string
  /** Content-Encoding; undefined for the file itself. */
  readonly encoding: string | undefined
  /** Whether there are others, so that the answer depends on Accept-Encoding. */
  readonly varies: boolean
}

/** In the order of what is smaller, which counts where a client likes them the same. */
const FORMS = [
  ['br', '.br'],
  ['zstd', '.zst'],
  ['gzip', '.gz'],
] as const

const PREFERRED = FORMS.map(([encoding]) => encoding)
// Longer than any browser's by far; reading it costs more than what it could save.
const MAX_LENGTH = 1000

/** The part of Negotiator that is used, with an argument that its types do not know. */
interface Encodings {
  encodings(available: readonly string[], options: { preferred: readonly string[] }): string[]
}

/** Chooses by `Accept-Encoding` (RFC 9110 §12.5.3) among the file and its compressed neighbours. */
export function chooseVariant(path: string, accept: string | undefined, look: Lookup): Variant {
  const there = FORMS.filter(([, extension]) => look(path + extension)?.kind === 'file')
  if (there.length === 0) return { path, encoding: undefined, varies: false }
  const plain = { path, encoding: undefined, varies: true }
  if (accept === undefined || accept.length > MAX_LENGTH) return plain
  const negotiator: Encodings = new Negotiator({ headers: { 'accept-encoding': accept } })
  const available = [...there.map(([encoding]) => encoding), 'identity']
  const [best] = negotiator.encodings(available, { preferred: PREFERRED })
  const form = there.find(([encoding]) => encoding === best)
  return form ? { path: path + form[1], encoding: form[0], varies: true } : plain
}
