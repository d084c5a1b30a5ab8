// Text for people: safe, measured, cut and wrapped. Pure.

/** What a terminal would obey rather than show. */
// eslint-disable-next-line no-control-regex -- control characters are what it looks for
const CONTROL = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g
// eslint-disable-next-line no-control-regex -- ESC begins a colour
const COLOURS = /\x1b\[\d+m/g

/** A foreign text with its control characters written out: a log line or URL must not steer the terminal. */
export function printable(text: string): string {
  return text.replace(CONTROL, (char) => {
    const code = char.charCodeAt(0)
    return code > 0xff
      ? `\\u${code.toString(16).padStart(4, '0')}`
      : `\\x${code.toString(16).padStart(2, '0')}`
  })
}

/** The same on one line. */
export function oneLine(text: string): string {
  return printable(text.replace(/[\t\n]+/g, ' '))
}

/** How many characters of the line a text takes, its colours left out. */
export function displayWidth(text: string): number {
  return Array.from(text.replace(COLOURS, '')).length
}

export function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - displayWidth(text)))
}

export function padStart(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - displayWidth(text))) + text
}

/** A text without colours, cut to a width. */
export function truncate(text: string, width: number): string {
  const chars = Array.from(text)
  return chars.length <= width ? text : `${chars.slice(0, Math.max(0, width - 1)).join('')}…`
}

/** A text without colours as lines of a width at the most; words longer than that stay whole. */
export function wrap(text: string, width: number): string[] {
  return text.split('\n').flatMap((paragraph) => {
    const lines = ['']
    for (const word of paragraph.split(' ')) {
      const line = lines.at(-1)!
      if (line === '') lines[lines.length - 1] = word
      else if (displayWidth(line) + 1 + displayWidth(word) <= width) {
        lines[lines.length - 1] = `${line} ${word}`
      } else lines.push(word)
    }
    return lines
  })
}
