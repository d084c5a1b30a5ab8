// The completion script for fish. Pure.

import type { CompletedCommand, CompletedOption } from './commands.ts'

export function fishCompletion(commands: readonly CompletedCommand[]): string {
  const lines = commands.flatMap(({ name, summary, options, choices }) => {
    const seen = `'__fish_seen_subcommand_from ${name}'`
    const values =
      choices.length > 0 ? [`complete -c fcgi -f -n ${seen} -a ${quoted(choices.join(' '))}`] : []
    return [
      `complete -c fcgi -f -n __fish_use_subcommand -a ${name} -d ${quoted(summary)}`,
      ...values,
      ...options.map((option) => `complete -c fcgi -n ${seen} ${optionOf(option)}`),
    ]
  })
  return `# fish completion for fcgi\n${lines.join('\n')}\n`
}

function optionOf({ short, long, description, takesValue, takesFile }: CompletedOption): string {
  return [
    short === undefined ? '' : `-s ${short.slice(1)} `,
    `-l ${long.slice(2)} `,
    takesFile ? '-r -F ' : takesValue ? '-x ' : '',
    `-d ${quoted(description)}`,
  ].join('')
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
