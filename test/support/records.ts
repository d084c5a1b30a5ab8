// Records read by the letter of the specification (§3.3), so that the encoder is not judged by the decoder of the same hand.

/** A record as it lies on the wire. */
export interface WireRecord {
  readonly type: number
  readonly requestId: number
  readonly content: Uint8Array
  readonly padding: number
}

/** All records; throws when the last one is cut off. */
export function readRecords(wire: Uint8Array): WireRecord[] {
  const view = new DataView(wire.buffer, wire.byteOffset, wire.byteLength)
  const records: WireRecord[] = []
  for (let at = 0; at < wire.length;) {
    if (view.getUint8(at) !== 1) throw new RangeError(`version ${view.getUint8(at)} at ${at}`)
    const length = view.getUint16(at + 4)
    const padding = view.getUint8(at + 6)
    const content = wire.subarray(at + 8, at + 8 + length)
    at += 8 + length + padding
    if (at > wire.length)
      throw new RangeError(`a record ends at ${at}, the bytes at ${wire.length}`)
    const type = view.getUint8(at - length - padding - 7)
    records.push({ type, requestId: view.getUint16(at - length - padding - 6), content, padding })
  }
  return records
}

/** One record, written by the letter of the specification. */
export function record(
  type: number,
  requestId: number,
  content: Uint8Array = new Uint8Array(0),
  padding = 0,
): Uint8Array {
  const bytes = new Uint8Array(8 + content.length + padding)
  const view = new DataView(bytes.buffer)
  view.setUint8(0, 1)
  view.setUint8(1, type)
  view.setUint16(2, requestId)
  view.setUint16(4, content.length)
  view.setUint8(6, padding)
  bytes.set(content, 8)
  return bytes
}
