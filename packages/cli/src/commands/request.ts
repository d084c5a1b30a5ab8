// `fcgi get`, `post` and their like: a request in curl's spelling.

import { Command } from 'commander'
import { addTargetOptions, positive, time } from '../flags.ts'
import type { Io } from '../io.ts'
import { addAskOptions } from '../request/options.ts'
import { runRequest, type RequestFlags } from '../request/run.ts'
import { targetOf } from '../target.ts'
import { addExamples } from '../terminal/examples.ts'

/** Method and what the command list says about it. */
const METHODS = [
  ['get', 'GET: print what a script answers'],
  ['post', 'POST form data, files, JSON or any body'],
  ['put', 'PUT a body'],
  ['patch', 'PATCH with a body'],
  ['delete', 'DELETE'],
  ['head', 'HEAD: status and headers only'],
  ['options', 'OPTIONS'],
] as const

const EXAMPLES: Readonly<Record<string, string>> = {
  get: `
Examples:
  fcgi get unix:/run/php/php-fpm.sock '/index.php?page=2'
  fcgi get 127.0.0.1:9000 /articles/5 --root /var/www/html -i
  fcgi get :9000 https://example.org/ -v -H 'Accept-Language: de'
  fcgi get :9000 /report.php -o report.pdf --time
  fcgi get :9000 /index.php --repeat 1000 --parallel 4`,
  post: `
Examples:
  fcgi post :9000 /login.php -d user=ada -d password=@secret.txt -i
  fcgi post :9000 /api.php --json '{"name": "ada"}'
  fcgi post :9000 /upload.php -F title=Holiday -F 'photo=@beach.jpg;type=image/jpeg'
  mysqldump shop | fcgi post :9000 /import.php --data-binary @- --stderr`,
}

/** The commands, one for each method. */
export function requestCommands(io: Io): Command[] {
  return METHODS.map(([name, summary]) => requestCommand(name, summary, io))
}

function requestCommand(name: string, summary: string, io: Io): Command {
  const method = name.toUpperCase()
  const command = new Command(name)
    .summary(summary)
    .description(
      `Sends a ${method} request to a FastCGI backend and prints the body of its answer.`,
    )
    .argument('<address>', 'unix:/run/php/php-fpm.sock, 127.0.0.1:9000, :9000, …')
    .argument('<url>', '/script.php?query, or the whole with a host')
  const bodyFlags = addAskOptions(command)
  addOutputOptions(command)
  addTargetOptions(command)
    .option('--first-byte-timeout <s>', 'seconds until the answer begins (default: 60)', time)
    .option('--stall-timeout <s>', 'seconds between two pieces of it (default: 60)', time)
  if (EXAMPLES[name] !== undefined) addExamples(command, EXAMPLES[name], io)
  return command.action(async (address: string, url: string, given: RequestFlags) => {
    // What HEAD answers with is its head.
    const flags = name === 'head' ? { ...given, include: true } : given
    await runRequest({ method, address: targetOf(address, flags), url, flags, bodyFlags, io })
  })
}

function addOutputOptions(command: Command): void {
  command
    .optionsGroup('Output:')
    .option('-i, --include', 'print status and headers ahead of the body')
    .option('-o, --output <file>', 'write the body to a file; - is stdout, a terminal or not')
    .option('-v, --verbose', 'show params, headers and how it ended; secrets are hidden')
    .option('--show-secrets', 'show them as well')
    .option('--stderr', "print PHP's stderr even with -s")
    .option('--no-stderr', "drop PHP's stderr")
    .option('-s, --silent', 'no progress, no warnings, no stderr of PHP')
    .option('-f, --fail', 'no body, exit code 22 when the status is 400 or above')
    .option('--fail-with-body', 'the same, but with the body')
    .option('-L, --location', 'follow redirects on the same host')
    .option('--max-redirs <number>', 'how many', positive, 10)
    .optionsGroup('Measuring:')
    .option('--time', 'tell when it connected, answered and ended, on stderr')
    .option('--time-json', 'the same as JSON')
    .option('--repeat <number>', 'send it so many times and print the distribution', positive)
    .option('--parallel <number>', 'how many of them at a time', positive, 1)
}
