// File name -> Content-Type.

import { lookup } from 'mrmime'
import { foldAscii } from './bytes.ts'

/** What is in wide use, and in no list of types that are registered as they are used. */
const MORE: ReadonlyMap<string, string> = new Map([
  ['.7z', 'application/x-7z-compressed'],
  ['.eot', 'application/vnd.ms-fontobject'],
  ['.flac', 'audio/flac'],
  ['.ico', 'image/x-icon'],
])

// HTML's rule for what has no name; with `nosniff` beside it a browser saves it and runs nothing.
const UNKNOWN = 'application/octet-stream'

/**
 * The type of a file by its extension. Text is said to be UTF-8, but for XML, which says it itself.
 * @param types Content types by extension that count more.
 */
export function contentType(path: string, types: ReadonlyMap<string, string>): string {
  const name = path.slice(path.lastIndexOf('/') + 1)
  const dot = name.lastIndexOf('.')
  if (dot < 0) return UNKNOWN
  const extension = foldAscii(name.slice(dot))
  const told = types.get(extension)
  if (told !== undefined) return told
  const type = lookup(extension) ?? MORE.get(extension) ?? UNKNOWN
  return type.startsWith('text/') && type !== 'text/xml' ? `${type}; charset=utf-8` : type
}

/** Whether compressing such a thing is worth anything; pictures, sound and archives are compressed already. */
export function isCompressible(type: string): boolean {
  return !/^(?:image\/(?!svg|bmp|x-icon)|video\/|audio\/|font\/woff|application\/(?:zip|gzip|x-7z))/.test(
    type,
  )
}
