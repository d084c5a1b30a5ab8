// URL path -> script and PATH_INFO. Pure: no file system. Works on byte strings, in which each character is one byte of the decoded
// path, so that nothing here ever folds, normalises or re-encodes what the file system would read differently.

import { HttpRequestError } from '../errors.ts'
import { byteStringOfText } from './byte-string.ts'

// What is its own decoded form: nothing escaped, no empty segments, and none that begins with a dot.
const PLAIN_PATH =
  /^\/(?:[\w~!$&'()*+,;=:@-][\w.~!$&'()*+,;=:@-]*\/)*(?:[\w~!$&'()*+,;=:@-][\w.~!$&'()*+,;=:@-]*)?$/

/** Which script runs, and what of the path is left for it. Both begin with `/`, or `pathInfo` is empty. */
export interface ScriptPath {
  readonly scriptName: string
  readonly pathInfo: string
}

/**
 * Decodes the path of a URL, once, and resolves `.`, `..` and repeated slashes.
 * @returns a byte string that begins with `/`.
 * @throws HttpRequestError 400 on what file systems and PHP read in another way than HTTP: control characters (NUL cuts a path short for
 * PHP, CVE-2019-11043 came by a newline), backslashes, encoded slashes, malformed escapes, and paths that leave the root.
 */
export function decodePath(pathname: string): string {
  if (PLAIN_PATH.test(pathname)) return pathname
  if (!pathname.startsWith('/')) throw badPath(pathname, 'does not begin with a slash')
  const segments: string[] = []
  for (const part of pathname.slice(1).split('/')) {
    const segment = decodeSegment(pathname, part)
    if (segment === '..') {
      if (segments.pop() === undefined) throw badPath(pathname, 'leaves the document root')
    } else if (segment !== '.' && segment !== '') {
      segments.push(segment)
    }
  }
  // What a trailing slash, `.` or `..` names is a directory.
  const directory = segments.length > 0 && /(?:^|\/)(?:\.|%2e){0,2}$/i.test(pathname)
  return `/${segments.join('/')}${directory ? '/' : ''}`
}

/**
 * Splits a decoded path at the first segment that ends in the extension, compared byte by byte: `/a.php/b.php` runs `/a.php`.
 * @returns undefined when no segment does.
 */
export function splitScript(path: string, extension = '.php'): ScriptPath | undefined {
  for (let at = path.indexOf(extension); at >= 0; at = path.indexOf(extension, at + 1)) {
    const end = at + extension.length
    // A segment that is nothing but the extension is a hidden file, not a script.
    if (path[at - 1] === '/') continue
    if (end === path.length || path[end] === '/') {
      return { scriptName: path.slice(0, end), pathInfo: path.slice(end) }
    }
  }
  return undefined
}

/**
 * The file of a script, below the document root.
 * @throws HttpRequestError 400 when the name is not a plain absolute path below the root.
 */
export function scriptFilename(root: string, scriptName: string): string {
  const inside = scriptName.startsWith('/') && !/(?:^|[\\/])\.{1,2}(?:[\\/]|$)/.test(scriptName)
  if (!inside || /[\0\r\n]/.test(scriptName)) throw badPath(scriptName, 'is not below the root')
  return root + scriptName
}

/**
 * Checks a document root and takes its trailing slashes off. It is a path as the backend sees it.
 * @throws TypeError on a relative one, which php-fpm would look for in its own working directory.
 */
export function checkRoot(root: string): string {
  if (typeof root === 'string' && /^(?:\/|[A-Za-z]:[\\/]|\\\\)/.test(root)) {
    return root.replace(/[\\/]+$/, '')
  }
  throw new TypeError(
    `root must be an absolute path as the backend sees it, not ${JSON.stringify(root)}`,
  )
}

function decodeSegment(pathname: string, part: string): string {
  if (/%(?![0-9A-Fa-f]{2})/.test(part)) throw badPath(pathname, 'has a malformed escape')
  // A URL parser has escaped what is not ASCII; a caller that did not use one meant UTF-8.
  const escaped = part.replace(/[^\x20-\x7e]+/g, byteStringOfText)
  const decoded = escaped.replace(/%(..)/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
  // eslint-disable-next-line no-control-regex -- control characters are what it looks for
  if (/[\x00-\x1f\x7f]/.test(decoded)) throw badPath(pathname, 'has a control character')
  if (/[\\/]/.test(decoded)) throw badPath(pathname, 'has a backslash or an encoded slash')
  return decoded
}

function badPath(path: string, why: string): HttpRequestError {
  return new HttpRequestError(400, `the path ${JSON.stringify(path.slice(0, 200))} ${why}`)
}
