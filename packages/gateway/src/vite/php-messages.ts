// What PHP says about errors, on stderr or on a page, as data.
//
//   PHP Fatal error:  Uncaught RuntimeException: no such user in /srv/app/User.php:12
//   Stack trace:
//   #0 /srv/app/index.php(4): User::find(7)
//   #1 {main}
//     thrown in /srv/app/User.php on line 12

/** How bad it is; what PHP calls deprecated is a notice here. */
export type PhpLevel = 'error' | 'warning' | 'notice'

/** A place in a file. */
export interface PhpPlace {
  readonly file: string
  readonly line: number
}

/** One call on the way to an error, the innermost first. */
export interface PhpCall {
  /** Such as `User::find(7)`. */
  readonly call: string
  /** Undefined for what PHP itself has called. */
  readonly place: PhpPlace | undefined
}

/** One error, warning or notice. */
export interface PhpMessage {
  readonly level: PhpLevel
  /** As PHP names it: `Fatal error`, `Parse error`, `Warning`, `Deprecated`. */
  readonly kind: string
  readonly text: string
  /** Undefined when it concerns no file, such as what is wrong with php.ini. */
  readonly place: PhpPlace | undefined
  readonly calls: readonly PhpCall[]
}

/** What was written to stderr. */
export interface PhpOutput {
  readonly messages: readonly PhpMessage[]
  /** Lines that are no message of PHP: what the application wrote by `error_log()`. */
  readonly notes: readonly string[]
}

const KIND =
  '(?:(?:Recoverable|Catchable) fatal |Fatal |Parse |Core |Compile )error|(?:Core |Compile )?Warning|Notice|Deprecated|Strict Standards'
// A text may have ` in … on line 3` in it as well; the last one of its line counts.
const FILE = '(?:/|[A-Za-z]:[\\\\/]|\\w+://|Unknown)[^\\n]*?'
const LOGGED = new RegExp(
  `^PHP (${KIND}): {1,2}((?:[^\\n]*\\n)*?[^\\n]*) in (${FILE}) on line (\\d+)(?=\\n|$)`,
  'gm',
)
const SHOWN = new RegExp(
  `<b>(${KIND})</b>: {1,2}([^]*?) in <b>([^<\\n]+)</b> on line <b>(\\d+)</b>`,
  'g',
)

/** Reads stderr, of php-fpm (`PHP message: …; PHP message: …`), php-cgi and embedded PHP. */
export function readStderr(text: string): PhpOutput {
  const lines = text.replaceAll('\r\n', '\n').replace(/(?:^|; |\n)PHP message: /g, '\n')
  const messages = found(lines, LOGGED, (part) => part)
  const rest = lines.replace(LOGGED, '').split('\n')
  return { messages, notes: rest.filter((line) => line.trim() !== '') }
}

/** Reads what `display_errors` has put on a page of HTML. */
export function readPage(html: string): readonly PhpMessage[] {
  return html.includes('</b> on line <b>') ? found(html, SHOWN, plainText) : []
}

function found(
  text: string,
  pattern: RegExp,
  plain: (part: string) => string,
): readonly PhpMessage[] {
  return [...text.matchAll(pattern)].map(([, kind = '', said = '', file = '', line = '']) =>
    message(kind, plain(said), placeOf(plain(file), line)),
  )
}

function message(kind: string, said: string, place: PhpPlace | undefined): PhpMessage {
  const level = kind.endsWith('error') ? 'error' : kind.endsWith('arning') ? 'warning' : 'notice'
  const [, thrown, trace] = /^([^]*?)\nStack trace:\n([^]*?)\n\s*thrown$/.exec(said) ?? []
  if (thrown === undefined || trace === undefined) {
    return { level, kind, text: said.trim(), place, calls: [] }
  }
  // Of exceptions that were caught and thrown on, the last one told is the one that nobody caught.
  const last = said.lastIndexOf('\n\nNext ')
  const [, text = thrown, calls = trace] =
    last < 0
      ? [undefined, thrown, trace]
      : (/^([^]*?)\nStack trace:\n([^]*?)\n\s*thrown$/.exec(said.slice(last + 7)) ?? [])
  const bare = text.replace(/ in \S[^\n]*:\d+$/, '').replace(/^Uncaught /, '')
  return { level, kind, text: `Uncaught ${bare}`, place, calls: callsOf(calls) }
}

function callsOf(trace: string): PhpCall[] {
  return [...trace.matchAll(/^#\d+ (?:(\S[^\n]*?)\((\d+)\): )?([^\n]+)$/gm)].map(
    ([, file, line = '', call = '']) => ({
      call: call.replace(/^\[internal function\]: /, ''),
      place: file === undefined ? undefined : placeOf(file, line),
    }),
  )
}

/** What `eval` has run is in the file that called it: `/srv/a.php(3) : eval()'d code`. */
function placeOf(file: string, line: string): PhpPlace | undefined {
  const [, outer, outerLine] = /^(.*?)\((\d+)\) : /.exec(file) ?? []
  if (outer !== undefined) return { file: outer, line: Number(outerLine) }
  return file === 'Unknown' ? undefined : { file, line: Number(line) }
}

const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  '#039': "'",
}

function plainText(html: string): string {
  return html
    .replaceAll(/<[^>]*>/g, '')
    .replaceAll(/&(amp|lt|gt|quot|#039);/g, (_, name: string) => ENTITIES[name] ?? '')
}
