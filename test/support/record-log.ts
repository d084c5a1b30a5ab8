// What a decoder said, in a form that does not depend on how its input was cut.

import { Decoder, RecordType } from '@fastcgi/client/protocol'
import type { Message, RecordSink } from '@fastcgi/client/protocol'
import { join, toHex } from './hex.ts'

/** A piece of a stream, or its end. Pieces that follow each other are one piece. */
export interface StreamEntry {
  readonly type: string
  readonly requestId: number
  readonly hex?: string
  readonly end?: true
}

/** A record that is not part of a stream, its type by name and its map as pairs: JSON has neither. */
export type MessageEntry = { readonly type: string; readonly requestId: number } & Readonly<
  Record<string, unknown>
>

export type Entry = StreamEntry | MessageEntry

const names = new Map<number, string>(
  Object.entries(RecordType).map(([name, type]) => [type, name]),
)

/** A record type as the specification's word. */
export function typeName(type: number): string {
  return names.get(type) ?? `type ${type}`
}

interface Piece {
  readonly type: string
  readonly requestId: number
  readonly parts: Uint8Array[]
}

/** A sink that writes everything down; copies, because views are valid only during the call. */
export class RecordLog implements RecordSink {
  readonly #items: (Piece | Entry)[] = []
  #open: Piece | undefined
  /** How often the decoder called. */
  calls = 0

  /** All that was said, pieces joined. */
  get entries(): Entry[] {
    return this.#items.map((item) => {
      if (!isPiece(item)) return item
      const { type, requestId, parts } = item
      return { type, requestId, hex: toHex(join(parts)) }
    })
  }

  onStream(type: number, requestId: number, data: Uint8Array): void {
    this.calls++
    const name = typeName(type)
    if (this.#open?.type !== name || this.#open.requestId !== requestId) {
      this.#open = { type: name, requestId, parts: [] }
      this.#items.push(this.#open)
    }
    this.#open.parts.push(data.slice())
  }

  onStreamEnd(type: number, requestId: number): void {
    this.#add({ type: typeName(type), requestId, end: true })
  }

  onMessage(message: Message): void {
    const type = message.type === 'unknown' ? 'unknown' : typeName(message.type)
    const values = 'values' in message ? { values: [...message.values] } : {}
    this.#add({ ...message, type, ...values })
  }

  #add(entry: Entry): void {
    this.calls++
    this.#open = undefined
    this.#items.push(entry)
  }
}

function isPiece(item: Piece | Entry): item is Piece {
  return 'parts' in item
}

/** What came of decoding: what was said, and the error that ended it. */
export interface Decoded {
  readonly entries: readonly Entry[]
  readonly atBorder: boolean
  readonly calls: number
  readonly error: unknown
}

/** Decodes chunks. Nothing is thrown: the error, whatever it is, is part of the answer. */
export function decode(parts: Iterable<Uint8Array>): Decoded {
  const log = new RecordLog()
  const decoder = new Decoder(log)
  let error: unknown
  try {
    for (const part of parts) decoder.push(part)
  } catch (thrown) {
    error = thrown
  }
  return { entries: log.entries, atBorder: decoder.atBorder, calls: log.calls, error }
}

/** One byte per chunk. */
export function* byteByByte(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at++) yield bytes.slice(at, at + 1)
}

/** Every way to cut bytes once. */
export function* cutsOf(bytes: Uint8Array): Generator<[Uint8Array, Uint8Array]> {
  for (let at = 1; at < bytes.length; at++) yield [bytes.slice(0, at), bytes.slice(at)]
}
