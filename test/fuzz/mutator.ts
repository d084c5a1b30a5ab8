// Bytes that were right once. Each mutation is one thing that broken peers, broken networks or attackers do.

import { join } from '../support/hex.ts'
import type { Chance } from '../support/seed.ts'

type Mutation = (bytes: Uint8Array, chance: Chance, corpus: readonly Uint8Array[]) => Uint8Array

/** Bytes that mean something somewhere: signs, ends of ranges, lengths, types. */
const INTERESTING = [0, 1, 2, 3, 4, 6, 9, 10, 11, 12, 0x7f, 0x80, 0x81, 0xfe, 0xff]

const MUTATIONS: readonly Mutation[] = [
  function flipBit(bytes, chance) {
    return changed(bytes, chance, (byte) => byte ^ (1 << chance.below(8)))
  },
  function setByte(bytes, chance) {
    return changed(bytes, chance, () => chance.of(INTERESTING))
  },
  function truncate(bytes, chance) {
    return bytes.slice(0, chance.below(bytes.length + 1))
  },
  function dropStart(bytes, chance) {
    return bytes.slice(chance.below(bytes.length + 1))
  },
  function removeMiddle(bytes, chance) {
    const at = chance.below(bytes.length + 1)
    return join([bytes.slice(0, at), bytes.slice(at + 1 + chance.below(16))])
  },
  function insert(bytes, chance) {
    const at = chance.below(bytes.length + 1)
    const noise = Uint8Array.from({ length: 1 + chance.below(16) }, () => chance.below(256))
    return join([bytes.slice(0, at), noise, bytes.slice(at)])
  },
  function splice(bytes, chance, corpus) {
    const other = chance.of(corpus)
    const head = bytes.slice(0, chance.below(bytes.length + 1))
    return join([head, other.slice(chance.below(other.length + 1))])
  },
  function follow(bytes, chance, corpus) {
    return join([bytes, chance.of(corpus)])
  },
  function lieAboutLength(bytes, chance) {
    return changedHeader(bytes, chance, 4 + chance.below(3))
  },
  function lieAboutTypeOrId(bytes, chance) {
    return changedHeader(bytes, chance, 1 + chance.below(3))
  },
]

/** A broken copy of one of the corpus: one to four mutations of it. */
export function mutated(corpus: readonly Uint8Array[], chance: Chance): Uint8Array {
  let bytes = chance.of(corpus)
  for (let left = 1 + chance.below(4); left > 0; left--) {
    bytes = chance.of(MUTATIONS)(bytes, chance, corpus)
  }
  return bytes
}

function changed(bytes: Uint8Array, chance: Chance, change: (byte: number) => number): Uint8Array {
  if (bytes.length === 0) return bytes
  const copy = bytes.slice()
  const at = chance.below(bytes.length)
  copy[at] = change(copy[at]!)
  return copy
}

/** Changes a field of the first record's header, or of one that follows it at its said distance. */
function changedHeader(bytes: Uint8Array, chance: Chance, field: number): Uint8Array {
  let at = 0
  for (let skip = chance.below(3); skip > 0; skip--) {
    const next = at + 8 + ((bytes[at + 4] ?? 0) << 8) + (bytes[at + 5] ?? 0) + (bytes[at + 6] ?? 0)
    if (next + 8 > bytes.length) break
    at = next
  }
  if (at + field >= bytes.length) return bytes
  const copy = bytes.slice()
  copy[at + field] = chance.of(INTERESTING)
  return copy
}
