// The program: its commands, its help, and how its failures are told.

import { Command, CommanderError, Option, type Help } from 'commander'
import { COMMANDS } from './commands/table.ts'
import { causesOf, Exit, EXIT_CODES, exitCodeOf, messageOf, Stop } from './failure.ts'
import { say, type Io } from './io.ts'
import { hasColours, paintFor, widthOf, type Paint } from './terminal/colour.ts'
import { oneLine } from './terminal/text.ts'
import { VERSION } from './version.ts'

/**
 * Runs the command `fcgi`.
 * @param argv Without the names of the program itself.
 * @returns the exit code; a failure was told on stderr.
 */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  let verbose = false
  const program = createProgram(io)
  program.hook('preAction', (_, command) => {
    verbose = command.opts<{ verbose?: boolean }>().verbose === true
  })
  try {
    await program.parseAsync(argv, { from: 'user' })
    return Exit.Ok
  } catch (error) {
    return report(error, verbose, io)
  }
}

/** All commands below `fcgi`. */
export function createProgram(io: Io): Command {
  const program = new Command('fcgi')
    .description(
      'FastCGI on the command line: serves PHP over HTTP, and is to php-fpm what curl is to a web server.',
    )
    .version(VERSION, '-V, --version', 'print the version')
    .addHelpText('after', (context) => overview(paintFor(outputOf(context.error, io), io.env)))
  for (const group of COMMANDS) {
    program.commandsGroup(group.title)
    for (const command of group.create(io, () => program)) program.addCommand(command)
  }
  program.helpCommand('help [command]', 'print the help of a command')
  for (const command of [program, ...program.commands]) configure(command, io)
  return program
}

function outputOf(error: boolean, io: Io): Io['stdout'] {
  return error ? io.stderr : io.stdout
}

function configure(command: Command, io: Io): void {
  command
    .addHelpOption(new Option('-h, --help', 'print help').helpGroup('Options:'))
    .exitOverride()
    .showSuggestionAfterError()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      outputError: (text, print) =>
        print(`${text.replace(/^error: /, 'fcgi: ')}${usageHint(command)}`),
      getOutHelpWidth: () => Math.min(widthOf(io.stdout, io.env), 110),
      getErrHelpWidth: () => Math.min(widthOf(io.stderr, io.env), 110),
      getOutHasColors: () => hasColours(io.stdout, io.env),
      getErrHasColors: () => hasColours(io.stderr, io.env),
    })
    .configureHelp(helpStyle(paintFor(io.stdout, io.env)))
}

function usageHint(command: Command): string {
  const path = command.parent ? `${command.parent.name()} ${command.name()}` : command.name()
  return `Try '${path} --help'.\n`
}

function helpStyle(paint: Paint): Partial<Help> {
  return {
    styleTitle: (text) => paint('bold', text),
    styleCommandText: (text) => paint('cyan', text),
    styleSubcommandText: (text) => paint('cyan', text),
    styleOptionText: (text) => paint('green', text),
    styleArgumentText: (text) => paint('yellow', text),
    subcommandTerm: (command) => command.name(),
    // Long names line up, whether a short one stands before them or not.
    optionTerm: ({ flags, short }) => (short === undefined ? `    ${flags}` : flags),
  }
}

const EXAMPLES: readonly (readonly [command: string, purpose: string])[] = [
  ['fcgi serve ./public', 'HTTP in front of a folder of PHP'],
  ['fcgi get unix:/run/php/php-fpm.sock /index.php', 'what PHP answers'],
  ['fcgi post :9000 /login.php -d user=ada -i', 'with a body, and the head of the answer'],
  ['fcgi status unix:/run/php/php-fpm.sock --watch', 'what the workers do, live'],
  ['fcgi doctor unix:/run/php/php-fpm.sock --root .', 'what is wrong, and what to change'],
]

function overview(paint: Paint): string {
  const width = Math.max(...EXAMPLES.map(([command]) => command.length))
  return [
    '',
    paint('bold', 'Examples:'),
    ...EXAMPLES.map(([command, purpose]) => `  ${command.padEnd(width)}  ${paint('dim', purpose)}`),
    '',
    paint('bold', 'Exit codes:'),
    ...EXIT_CODES.map(
      ([code, meaning]) => `  ${paint('yellow', String(code).padStart(3))}  ${meaning}`,
    ),
    '',
    paint(
      'dim',
      'Colours follow NO_COLOR and FORCE_COLOR. Times are in seconds, unless it says ms.',
    ),
  ].join('\n')
}

/** @returns the exit code. */
function report(error: unknown, verbose: boolean, io: Io): number {
  // It has printed what there is to say itself.
  if (error instanceof CommanderError) return error.exitCode === 0 ? Exit.Ok : Exit.Usage
  if (io.signal.aborted && io.signal.reason instanceof Stop) return io.signal.reason.exitCode
  if (error instanceof Stop) return error.exitCode
  const paint = paintFor(io.stderr, io.env)
  say(io, `${paint('red', 'fcgi:')} ${oneLine(messageOf(error))}`)
  if (verbose) {
    for (const cause of causesOf(error)) say(io, paint('dim', `  because: ${oneLine(cause)}`))
  }
  return exitCodeOf(error)
}
