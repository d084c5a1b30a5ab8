// Byte strings: each character is one byte, as in HTTP header values and decoded paths. Going through UTF-8 would change them.

const utf8 = new TextEncoder()
const PIECE = 4096

/** The bytes of a byte string; ASCII stays a string, which is the fastest to encode. */
export function bytesOf(text: string): string | Uint8Array {
  // eslint-disable-next-line no-control-regex -- the range is that of ASCII
  if (/^[\x00-\x7f]*$/.test(text)) return text
  return Uint8Array.from(text, (char) => char.charCodeAt(0))
}

/** Bytes as a byte string. Not TextDecoder's `latin1`, which is windows-1252 and changes the bytes from 0x80 to 0x9f. */
export function byteString(bytes: Uint8Array): string {
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
