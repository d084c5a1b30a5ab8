// The completion script for zsh. Pure.

import type { CompletedCommand, CompletedOption } from './commands.ts'

export function zshCompletion(commands: readonly CompletedCommand[]): string {
  return `#compdef fcgi

_fcgi() {
  local line state
  _arguments -C '1:command:->command' '*::argument:->argument'
  case $state in
    command)
      local -a commands
      commands=(
${commands.map(({ name, summary }) => `        ${quoted(`${name}:${summary}`)}`).join('\n')}
      )
      _describe command commands
      ;;
    argument)
      case $line[1] in
${commands.map(caseOf).join('\n')}
      esac
      ;;
  esac
}

if [ "$funcstack[1]" = _fcgi ]; then
  _fcgi "$@"
else
  compdef _fcgi fcgi
fi
`
}

function caseOf({ name, options, choices, takesAddress }: CompletedCommand): string {
  const first = choices.length > 0 ? `(${choices.join(' ')})` : takesAddress ? '_files' : ''
  const rest = choices.length > 0 ? [] : [quoted('*::argument: ')]
  const specs = [...options.flatMap(specsOf), quoted(`1:argument:${first}`), ...rest]
  return `        ${name})
          _arguments \\
${specs.map((spec) => `            ${spec}`).join(' \\\n')}
          ;;`
}

function specsOf({ short, long, description, takesValue, takesFile }: CompletedOption): string[] {
  const text = description.replaceAll(/[[\]\\:]/g, '\\$&')
  const value = takesFile ? ':file:_files' : takesValue ? ':value: ' : ''
  const names = short === undefined ? [long] : [short, long]
  return names.map((name) => quoted(`*${name}[${text}]${value}`))
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
