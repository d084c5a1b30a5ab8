// What follows the options in the help of a command.

import type { Command } from 'commander'
import type { Io } from '../io.ts'
import { paintFor } from './colour.ts'

/** Adds a text whose first line is a title. */
export function addExamples(command: Command, text: string, io: Io): Command {
  return command.addHelpText('after', ({ error }) => {
    const paint = paintFor(error ? io.stderr : io.stdout, io.env)
    return text.replace(/^.+:$/m, (title) => paint('bold', title))
  })
}
