// The reference of the command line, from the same tables that print its help.

import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import process from 'node:process'
import { createProgram } from '../../packages/cli/dist/program.js'
import { processIo } from '../../packages/cli/dist/io.js'
import { ROOT } from './places.mjs'

const MAIN = join(ROOT, 'packages', 'cli', 'dist', 'main.js')
const INTRO = `---
description: Every command of fcgi, its options, examples and exit codes.
---

# Command line

\`\`\`sh
npm install --global @fastcgi/cli
fcgi --help
\`\`\`

\`npx @fastcgi/cli\` runs it without installing. Addresses are \`unix:/run/php/php-fpm.sock\`, \`/run/php/php-fpm.sock\`,
\`127.0.0.1:9000\`, \`:9000\`, \`[::1]:9000\` and \`unix:@abstract\`. Times are in seconds, unless it says ms.
`

/** Text for Markdown that is read by Vue as well. @param {string} text */
export function escapeMarkdown(text) {
  return text.replace(/[<>|]/g, (char) => ({ '<': '&lt;', '>': '&gt;', '|': '\\|' })[char] ?? char)
}

/** @param {readonly string[]} words @returns {string} what the program prints, too wide to be wrapped */
function help(words) {
  const env = { ...process.env, NO_COLOR: '1', COLUMNS: '200' }
  const { stdout } = spawnSync(process.execPath, [MAIN, ...words, '--help'], {
    env,
    encoding: 'utf8',
  })
  return stdout
}

/** @param {string} text @param {string} title @returns {string[]} its lines, up to an empty one */
function block(text, title) {
  const lines = text.split('\n')
  const start = lines.indexOf(title)
  if (start < 0) return []
  const end = lines.indexOf('', start)
  return lines.slice(start + 1, end < 0 ? undefined : end)
}

/** @param {readonly string[]} lines without what all of them are indented by */
function examples(lines) {
  if (lines.length === 0) return ''
  const code = lines.map((line) => line.slice(2).replace(/ {2,}(\S.*)$/, '   # $1'))
  return `\`\`\`sh\n${code.join('\n')}\n\`\`\`\n`
}

/** @param {import('commander').Option} option */
function optionRow({ flags, description, defaultValue, argChoices }) {
  const notes = [escapeMarkdown(description)]
  if (argChoices) notes.push(`One of ${argChoices.map((choice) => `\`${choice}\``).join(', ')}.`)
  if (defaultValue !== undefined && !description.includes('default')) {
    notes.push(`Default: \`${JSON.stringify(defaultValue)}\`.`)
  }
  return `| \`${flags}\` | ${notes.join(' ')} |`
}

/** @param {import('commander').Command} command */
function commandSection(command) {
  const usage = `fcgi ${command.name()} ${command.usage()}`
  const parts = [`## fcgi ${command.name()}`, escapeMarkdown(command.description()), `\`${usage}\``]
  const rows = command.registeredArguments.map(
    (argument) => `| \`${argument.name()}\` | ${escapeMarkdown(argument.description)} |`,
  )
  if (rows.length > 0) parts.push(['| argument | |', '| --- | --- |', ...rows].join('\n'))
  const groups = new Set(command.options.map(optionGroup))
  for (const group of groups) {
    const options = command.options.filter((option) => optionGroup(option) === group)
    parts.push([`| ${group} | |`, '| --- | --- |', ...options.map(optionRow)].join('\n'))
  }
  parts.push(examples(block(help([command.name()]), 'Examples:')))
  return parts.filter(Boolean).join('\n\n')
}

/** @param {import('commander').Option} option */
function optionGroup(option) {
  return (option.helpGroupHeading ?? 'Options:').replace(/:$/, '')
}

export function cliPage() {
  const program = createProgram(processIo(new AbortController().signal))
  const codes = block(help([]), 'Exit codes:').map((line) => {
    const [, code, meaning] = /^ *(\d+) {2}(.+)$/.exec(line) ?? []
    return `| ${code} | ${escapeMarkdown(meaning ?? '')} |`
  })
  return [
    INTRO,
    ...program.commands.map(commandSection),
    `## Exit codes\n\nCurl's where curl has them.\n\n| code | |\n| ---: | --- |\n${codes.join('\n')}`,
    '',
  ].join('\n\n')
}
