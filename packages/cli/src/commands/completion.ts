// `fcgi completion`: what a shell needs to complete our commands and options.

import { Argument, Command } from 'commander'
import { bashCompletion } from '../completion/bash.ts'
import { fishCompletion } from '../completion/fish.ts'
import { describeCommands } from '../completion/commands.ts'
import { zshCompletion } from '../completion/zsh.ts'
import { write, type Io } from '../io.ts'
import { addExamples } from '../terminal/examples.ts'

const SHELLS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion }

const EXAMPLES = `
To have it in every shell:
  bash   echo 'source <(fcgi completion bash)' >> ~/.bashrc
  zsh    fcgi completion zsh > ~/.zfunc/_fcgi        (a folder of $fpath)
  fish   fcgi completion fish > ~/.config/fish/completions/fcgi.fish`

/** @param program The whole program, once it is complete. */
export function completionCommand(io: Io, program: () => Command): Command {
  const command = new Command('completion')
    .summary('print a completion script for bash, zsh or fish')
    .description('Prints a script that completes commands, options, sockets and files.')
    .addArgument(new Argument('<shell>', 'whose').choices(Object.keys(SHELLS)))
    .action(async (shell: keyof typeof SHELLS) => {
      await write(io, io.stdout, SHELLS[shell](describeCommands(program())))
    })
  return addExamples(command, EXAMPLES, io)
}
