// The process behind Guard. Its arguments are the folder to remove and the process groups to end; its stdin adds and takes away groups
// (`+1234`, `-1234`), and the end of its stdin says that the parent is gone.

import process from 'node:process'
import { removeFolder } from './folder.ts'
import { killGroup } from './group.ts'

const [, , folder, ...watched] = process.argv
const groups = new Set(watched.map(Number))
let rest = ''

// Only the end of stdin counts: whoever signals everything that is ours must not get rid of the guard before the guarded.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})

process.stdin.setEncoding('latin1')
process.stdin.on('data', (text: string) => {
  const lines = (rest + text).split('\n')
  rest = lines.pop() ?? ''
  for (const line of lines) note(line)
})
// Whichever comes first ends this process. Deno ends its stdin and does not close it.
for (const event of ['end', 'close', 'error']) process.stdin.once(event, finish)

function note(line: string): void {
  const group = Number(line.slice(1))
  if (line.startsWith('+')) groups.add(group)
  else groups.delete(group)
}

function finish(): void {
  // Nobody is left to whom a running request could answer.
  for (const group of groups) killGroup(group)
  if (folder !== undefined) removeFolder(folder)
  process.exit(0)
}
