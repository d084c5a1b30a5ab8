// Byte strings: each character is one byte, as in HTTP header values and decoded paths. Going through UTF-8 would change them.

const utf8 = new TextEncoder()
const PIECE = 4096
const buffers: typeof Buffer | undefined = globalThis.Buffer

/** The bytes of a byte string; ASCII stays a string, which is the fastest to encode. */
export function bytesOf(text: string): string | Uint8Array {
  // eslint-disable-next-line no-control-regex -- the range is that of ASCII
  if (/^[\x00-\x7f]*$/.test(text)) return text
  return Uint8Array.from(toByteString(text), (char) => char.charCodeAt(0))
}

/**
 * A text as a byte string: one that is none yet becomes its UTF-8. Cut to its low byte, `\u012e` would be a dot and `\u010d` a CR, and
 * that after everything has been checked.
 */
export function toByteString(text: string): string {
  // eslint-disable-next-line no-control-regex -- the range is that of a byte
  return /[^\x00-\xff]/.test(text) ? byteStringOfText(text) : text
}

/** Bytes as a byte string. Not TextDecoder's `latin1`, which is windows-1252 and changes the bytes from 0x80 to 0x9f. */
export function byteString(bytes: Uint8Array): string {
  // Where there is Node's Buffer, it is several times as fast.
  if (buffers) return buffers.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
  if (bytes.length <= PIECE) return String.fromCharCode(...bytes)
  let text = ''
  for (let at = 0; at < bytes.length; at += PIECE) {
    text += String.fromCharCode(...bytes.subarray(at, at + PIECE))
  }
  return text
}

/** The UTF-8 bytes of a text, as a byte string. */
export function byteStringOfText(text: string): string {
  return byteString(utf8.encode(text))
}

/** A byte string as the path or query of a URL: what is not ASCII is escaped byte by byte, where a URL parser would escape its UTF-8. */
export function escapeBytes(text: string): string {
  return text.replace(/[\x80-\xff]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
}

/** Without spaces and tabs at both ends. By hand: a regular expression for the end takes quadratic time on a long run within. */
export function trimBlanks(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isBlank(text.charCodeAt(start))) start++
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

function isBlank(char: number): boolean {
  return char === 0x20 || char === 0x09
}
