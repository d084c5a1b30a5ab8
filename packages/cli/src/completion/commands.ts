// The commands as data, for the completion scripts.

import type { Command } from 'commander'

export interface CompletedOption {
  /** `-H`; undefined when there is none. */
  readonly short: string | undefined
  /** `--header`. */
  readonly long: string
  readonly description: string
  /** Whether a value follows. */
  readonly takesValue: boolean
  /** Whether that value is a file or folder. */
  readonly takesFile: boolean
}

export interface CompletedCommand {
  readonly name: string
  readonly summary: string
  readonly options: readonly CompletedOption[]
  /** The fixed values of its first argument. */
  readonly choices: readonly string[]
  /** Whether its first argument is an address. */
  readonly takesAddress: boolean
}

/** What can be typed after `fcgi`. */
export function describeCommands(program: Command): CompletedCommand[] {
  return program.commands.map((command) => {
    const [first] = command.registeredArguments
    return {
      name: command.name(),
      summary: command.summary(),
      options: command.createHelp().visibleOptions(command).map(describeOption),
      choices: first?.argChoices ?? [],
      takesAddress: first?.name() === 'address',
    }
  })
}

function describeOption(option: Command['options'][number]): CompletedOption {
  return {
    short: option.short,
    long: option.long ?? '',
    description: option.description,
    takesValue: option.required || option.optional,
    takesFile: /<(?:file|folder)>/.test(option.flags),
  }
}
