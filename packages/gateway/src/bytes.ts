// Byte strings of paths: each character is one byte, as `decodePath` of the client gives them. Only ASCII ever folds; what is beyond it is
// part of some character in some encoding that nobody told, and `toLowerCase` would turn it into another byte.

/** The UTF-8 bytes of a text, as a byte string. */
export function byteStringOf(text: string): string {
  return isAscii(text) ? text : Buffer.from(text, 'utf8').toString('latin1')
}

/** `A` to `Z` in lower case, and everything else as it is. */
export function foldAscii(bytes: string): string {
  return bytes.replace(/[A-Z]+/g, (capitals) => capitals.toLowerCase())
}

export function isAscii(text: string): boolean {
  // eslint-disable-next-line no-control-regex -- the range is that of ASCII
  return /^[\x00-\x7f]*$/.test(text)
}
