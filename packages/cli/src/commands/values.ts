// `fcgi values`: what a backend says about itself by FCGI_GET_VALUES.

import { formatAddress, Pool } from '@fastcgi/client'
import { Command } from 'commander'
import { addTargetOptions, addVerbose, type TargetFlags } from '../flags.ts'
import { print, say, type Io } from '../io.ts'
import { poolOptions, targetOf } from '../target.ts'
import { paintFor } from '../terminal/colour.ts'
import { pairs } from '../terminal/table.ts'
import { oneLine } from '../terminal/text.ts'
import { addExamples } from '../terminal/examples.ts'

interface ValuesFlags extends TargetFlags {
  readonly json?: boolean
}

// Many backends never answer this question, and nobody should wait a minute to learn it. In ms.
const PATIENCE = 5000

const EXAMPLES = `
Examples:
  fcgi values unix:/run/php/php-fpm.sock
  fcgi values :9000 FCGI_MAX_CONNS --json

php-fpm only says FCGI_MPXS_CONNS=0; libfcgi and fcgiwrap never answer.`

export function valuesCommand(io: Io): Command {
  const command = new Command('values')
    .summary('ask a backend about itself (FCGI_GET_VALUES)')
    .description('Asks a backend for its variables by FCGI_GET_VALUES.')
    .argument('<address>', 'unix:/run/php/php-fpm.sock, 127.0.0.1:9000, :9000, …')
    .argument('[names...]', 'what to ask for (default: the three that FastCGI defines)')
    .option('--json', 'print one JSON object')
  addVerbose(command)
  addExamples(addTargetOptions(command), EXAMPLES, io)
  return command.action(async (address: string, names: string[], flags: ValuesFlags) => {
    const target = targetOf(address, flags)
    await using pool = new Pool(target, poolOptions(flags))
    const options = { signal: io.signal, headersTimeout: flags.maxTime ?? PATIENCE }
    const values = await pool.getValues(names.length > 0 ? names : undefined, options)
    if (flags.json) await print(io, JSON.stringify(Object.fromEntries(values)))
    else {
      const rows = [...values].map(([name, value]) => [oneLine(name), oneLine(value)] as const)
      const paint = paintFor(io.stdout, io.env)
      for (const line of pairs(rows, (name) => paint('cyan', name))) await print(io, line)
      if (rows.length === 0) say(io, `${formatAddress(target)} knows none of these`)
    }
  })
}
