// `fcgi env`: the params that a request would carry, without sending it.

import { Command } from 'commander'
import { addVerbose } from '../flags.ts'
import { print, type Io } from '../io.ts'
import { addAskOptions, askOf, type AskFlags } from '../request/options.ts'
import { textOf } from '../request/params.ts'
import { paramLines } from '../request/trace.ts'
import { parseUrl } from '../request/url.ts'
import { targetOf } from '../target.ts'
import { paintFor } from '../terminal/colour.ts'
import { addExamples } from '../terminal/examples.ts'

interface EnvFlags extends AskFlags {
  readonly json?: boolean
  readonly showSecrets?: boolean
}

const EXAMPLES = `
Examples:
  fcgi env /blog/post.php/5?draft=1 --root /var/www/html
  fcgi env https://example.org/articles --front-controller /index.php
  fcgi env /login.php -X POST -d user=ada --json | jq .CONTENT_LENGTH`

export function envCommand(io: Io): Command {
  const command = new Command('env')
    .summary('print the CGI params that a URL would produce')
    .description('Prints the params that a request would carry, and sends nothing.')
    .argument(
      '<url>',
      '/script.php?query, or the whole with a host; an address may stand before it',
    )
    .argument('[url-after-address]', 'the URL, if it does')
    .usage('[options] [address] <url>')
  const bodyFlags = addAskOptions(command, { json: false })
  addVerbose(command)
    .optionsGroup('Output:')
    .option('--json', 'print one JSON object')
    .option('--show-secrets', 'show credentials and cookies')
  addExamples(command, EXAMPLES, io)
  return command.action(async (first: string, second: string | undefined, flags: EnvFlags) => {
    if (second !== undefined) targetOf(first, { allowRemote: true })
    const url = parseUrl(second ?? first)
    const { params } = await askOf({ method: 'GET', url, flags, bodyFlags, io })
    if (flags.json) {
      const entries = params.map(([name, value]) => [textOf(name), textOf(value)])
      await print(io, JSON.stringify(Object.fromEntries(entries), null, 2))
      return
    }
    const paint = paintFor(io.stdout, io.env)
    for (const line of paramLines(params, flags.showSecrets ?? false, paint)) await print(io, line)
  })
}
