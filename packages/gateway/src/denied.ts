// Names that nobody gets, whatever the options say: what is hidden, what editors and PHP leave behind, and the source of scripts.

import { lookup } from 'mrmime'
import { foldAscii } from './bytes.ts'

// Copies and autosaves of vim, emacs, nano, patch, and of people. Next to `config.php` they are `config.php` as text.
const LEFTOVER = /(?:~|\.(?:bak|old|orig|rej|save|sw[a-p])|^#.*#)$/

/** What PHP is, or was, run from somewhere, beside the extensions that the options name. `.inc` is what scripts include. */
export const SOURCE: readonly string[] = [
  '.php',
  '.phtml',
  '.pht',
  '.phps',
  '.phpt',
  '.phar',
  '.inc',
]

/**
 * Whether one of the segments is hidden (`.git`, `.env`, `.htaccess`, `.user.ini`) or a leftover (`a.php~`, `a.bak`, `#a#`), in any case.
 * `/.well-known/` in the root is there to be asked for (RFC 8615).
 */
export function isAlwaysDenied(path: string): boolean {
  // By far the most paths have none of these bytes in such a place.
  if (!/\/\.|[~#]|\.[BORSbors]/.test(path)) return false
  const segments = foldAscii(path).split('/')
  return segments.some((segment, index) => {
    if (segment.startsWith('.')) return !(index === 1 && /^\/\.well-known(?:\/|$)/.test(path))
    return LEFTOVER.test(withoutAlias(segment))
  })
}

/** Whether the last segment ends in one of the extensions (in lower case) in another spelling: `a.PHP`, `a.php.`, `a.php::$DATA`. */
export function isDisguisedScript(path: string, extensions: readonly string[]): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1)
  const plain = withoutAlias(foldAscii(name))
  return plain !== name && endsInOne(plain, extensions)
}

/**
 * Whether a file is, or may be, the source of a script, so that it is never sent: every extension that PHP has had, in every spelling,
 * and copies under another name (`a.php.1`, `a.php-old`, `a.php.gz`). What is plainly a document about a script is sent: `a.php.html`.
 */
export function isScriptSource(path: string, extensions: readonly string[]): boolean {
  const name = withoutAlias(foldAscii(path.slice(path.lastIndexOf('/') + 1)))
  if (endsInOne(name, SOURCE) || endsInOne(name, extensions)) return true
  return (
    (name.includes('.php') || extensions.some((extension) => name.includes(extension))) &&
    !isDocument(name)
  )
}

function isDocument(name: string): boolean {
  const type = name.includes('.') ? lookup(name) : undefined
  return type !== undefined && /^(?:text\/|image\/|application\/json$)/.test(type)
}

/** The name that Windows takes it for: without an alternate stream, and without dots and spaces at its end. */
function withoutAlias(name: string): string {
  const stream = name.indexOf(':')
  let end = stream > 0 ? stream : name.length
  while (end > 0 && (name[end - 1] === '.' || name[end - 1] === ' ')) end--
  return name.slice(0, end)
}

function endsInOne(name: string, extensions: readonly string[]): boolean {
  return extensions.some((extension) => name.endsWith(extension))
}
