// Golden bytes, read from test/vectors. Their format is described in test/vectors/README.md.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { hex } from './hex.ts'
import { VECTORS } from './paths.ts'

/** Text, or bytes where text would not do. */
export type Bytes = string | { readonly hex: string }

/** One record, or all adjacent ones of a stream, as a vector describes it. */
export type VectorRecord = {
  readonly type: string
  readonly requestId: number
  readonly data?: Bytes
  readonly pairs?: readonly (readonly [Bytes, Bytes])[]
  readonly end?: true
} & Readonly<Record<string, unknown>>

/** Bytes of a connection and what they say. */
export interface RecordVector {
  readonly name: string
  readonly wire: string
  readonly records: readonly VectorRecord[]
  /** What the decoder's error says after `records`. */
  readonly error?: string
  /** False when the bytes end within a record. */
  readonly atBorder?: false
  /** True when these are also the very bytes that our encoder writes. */
  readonly canonical?: true
}

/** Bytes of name-value pairs and what they say. */
export interface PairVector {
  readonly name: string
  readonly wire: string
  readonly pairs?: readonly (readonly [Bytes, Bytes])[]
  readonly error?: string
  readonly canonical?: true
}

/** Every vector of records, in the order of the files' names. */
export const recordVectors: readonly RecordVector[] = readdirSync(VECTORS)
  .filter((file) => file.endsWith('.json') && file !== 'pairs.json')
  .toSorted()
  .flatMap((file) => read<RecordVector>(file))

/** Every vector of name-value pairs. */
export const pairVectors: readonly PairVector[] = read<PairVector>('pairs.json')

/** The bytes that a vector means. */
export function vectorBytes(value: Bytes): Uint8Array {
  return typeof value === 'string' ? new TextEncoder().encode(value) : hex(value.hex)
}

function read<T>(file: string): T[] {
  return JSON.parse(readFileSync(join(VECTORS, file), 'utf8')) as T[]
}
