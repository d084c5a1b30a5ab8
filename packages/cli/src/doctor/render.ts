// Findings for people. Pure.

import type { Paint } from '../terminal/colour.ts'
import { wrap } from '../terminal/text.ts'
import { CHECKS, type Finding } from './finding.ts'

const MARKS = {
  ok: ['✔', 'green'],
  warning: ['!', 'yellow'],
  failed: ['✖', 'red'],
  skipped: ['-', 'dim'],
} as const

const NAME = Math.max(...CHECKS.map((check) => check.length))
// Mark, name and the blanks around them.
const INDENT = NAME + 6

/** @param width In characters. */
export function findingLines(finding: Finding, width: number, paint: Paint): string[] {
  const { check, outcome, detail, remedies } = finding
  const [mark, colour] = MARKS[outcome]
  const name = check.padEnd(NAME)
  const room = Math.max(30, Math.min(width, 100) - INDENT)
  const [first = '', ...rest] = wrap(detail, room)
  const muted = (text: string): string => (outcome === 'skipped' ? paint('dim', text) : text)
  const title = outcome === 'failed' ? paint('bold', name) : muted(name)
  return [
    `  ${paint(colour, mark)} ${title}  ${muted(first)}`,
    ...rest.map((line) => ' '.repeat(INDENT) + muted(line)),
    ...remedies.flatMap((remedy) => remedyLines(remedy, room, paint)),
  ]
}

function remedyLines(remedy: string, room: number, paint: Paint): string[] {
  const [first = '', ...rest] = wrap(remedy, room - 2)
  return [
    `${' '.repeat(INDENT)}${paint('cyan', '→')} ${first}`,
    ...rest.map((line) => ' '.repeat(INDENT + 2) + line),
  ]
}

export function verdict(findings: readonly Finding[], paint: Paint): string {
  const broken = findings.find(({ outcome }) => outcome === 'failed')
  if (broken) return paint('red', `Broken: ${broken.check}. The arrows say what to change.`)
  const warnings = findings.filter(({ outcome }) => outcome === 'warning').length
  if (warnings > 0) return paint('yellow', 'It works, but see the warnings.')
  return paint('green', 'All is well.')
}
