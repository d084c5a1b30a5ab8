// All commands, in the order in which the help lists them. A new one is a file in this folder and a line here.

import type { Command } from 'commander'
import type { Io } from '../io.ts'
import { completionCommand } from './completion.ts'
import { doctorCommand } from './doctor.ts'
import { envCommand } from './env.ts'
import { opcacheCommand } from './opcache.ts'
import { pingCommand } from './ping.ts'
import { requestCommands } from './request.ts'
import { serveCommand } from './serve.ts'
import { statusCommand } from './status.ts'
import { valuesCommand } from './values.ts'

/** Commands under one heading. */
export interface CommandGroup {
  readonly title: string
  /** @param program For a command that is about all others. */
  create(io: Io, program: () => Command): Command[]
}

export const COMMANDS: readonly CommandGroup[] = [
  { title: 'Server:', create: (io) => [serveCommand(io)] },
  { title: 'Requests:', create: requestCommands },
  {
    title: 'Backends:',
    create: (io) => [
      doctorCommand(io),
      statusCommand(io),
      opcacheCommand(io),
      pingCommand(io),
      valuesCommand(io),
    ],
  },
  {
    title: 'Help with all this:',
    create: (io, program) => [envCommand(io), completionCommand(io, program)],
  },
]
