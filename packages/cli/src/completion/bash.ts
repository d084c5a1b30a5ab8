// The completion script for bash 3.2 and newer. Pure.

import type { CompletedCommand } from './commands.ts'

export function bashCompletion(commands: readonly CompletedCommand[]): string {
  const names = commands.map(({ name }) => name)
  return `# bash completion for fcgi
_fcgi() {
  local cur prev command options files values choices
  cur=\${COMP_WORDS[COMP_CWORD]}
  prev=\${COMP_WORDS[COMP_CWORD-1]}
  command=\${COMP_WORDS[1]}
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${names.join(' ')} --help --version" -- "$cur"))
    return
  fi
  case $command in
${commands.map(caseOf).join('\n')}
  esac
  case " $files " in
    *" $prev "*) COMPREPLY=($(compgen -f -- "$cur")); return ;;
  esac
  case " $values " in
    *" $prev "*) COMPREPLY=(); return ;;
  esac
  case $cur in
    -*) COMPREPLY=($(compgen -W "$options" -- "$cur")) ;;
    *)
      if [ -n "$choices" ]; then
        COMPREPLY=($(compgen -W "$choices" -- "$cur"))
      else
        COMPREPLY=($(compgen -f -- "$cur"))
      fi
      ;;
  esac
}
complete -o filenames -o bashdefault -F _fcgi fcgi
`
}

function caseOf({ name, options, choices }: CompletedCommand): string {
  const flags = (wanted: typeof options): string =>
    wanted.flatMap(({ short, long }) => (short === undefined ? [long] : [short, long])).join(' ')
  const files = options.filter(({ takesFile }) => takesFile)
  const values = options.filter(({ takesValue, takesFile }) => takesValue && !takesFile)
  return `    ${name})
      options="${flags(options)}"
      files="${flags(files)}"
      values="${flags(values)}"
      choices="${choices.join(' ')}"
      ;;`
}
