// Bytes as people read and write them.

const utf8 = new TextEncoder()
const text = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true })

/**
 * Hexadecimal digits to bytes. Spaces mean nothing; `61*128` is the byte 61 a hundred and twenty-eight times, so that a long value
 * can be written down by hand and counted.
 */
export function hex(digits: string): Uint8Array {
  const bytes: number[] = []
  for (const token of digits.split(/[\s|]+/).filter((part) => part !== '')) {
    const [pairs = '', times = '1'] = token.split('*')
    if (!/^(?:[0-9a-f]{2})+$/i.test(pairs)) throw new TypeError(`not hexadecimal: ${token}`)
    const run = pairs.match(/../g)!.map((pair) => Number.parseInt(pair, 16))
    for (let time = 0; time < Number(times); time++) bytes.push(...run)
  }
  return Uint8Array.from(bytes)
}

/** The pieces between the bars of `'01 06|00 01'`: chunk borders, written where they are. */
export function chunks(digits: string): Uint8Array[] {
  return digits.split('|').map(hex)
}

/** Bytes as hexadecimal digits in pairs: what a failed comparison shows. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    .toString('hex')
    .replaceAll(/(..)(?=.)/g, '$1 ')
}

/** A string as UTF-8. */
export function bytesOf(value: string): Uint8Array {
  return utf8.encode(value)
}

/** UTF-8 as a string; throws on what is not UTF-8, so that no two byte strings look the same. */
export function textOf(bytes: Uint8Array): string {
  return text.decode(bytes)
}

/** Joins byte strings: by other means than the code under test. */
export function join(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}
