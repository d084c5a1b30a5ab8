// `fcgi serve`: from a folder of PHP to an HTTP server.

import { Command, InvalidArgumentError, Option } from 'commander'
import { serve, type ServeOptions } from '@fastcgi/gateway'
import { print, type Io } from '../io.ts'
import { banner } from '../serve/banner.ts'
import { serveConfig, type ServeFlags } from '../serve/flags.ts'
import { jsonLog, prettyLog, type ServeLog } from '../serve/log.ts'
import { printableConfig } from '../serve/print-config.ts'
import { paintFor } from '../terminal/colour.ts'

interface Flags extends ServeFlags {
  readonly printConfig?: boolean
  readonly log?: 'pretty' | 'json'
  readonly accessLog: boolean
}

const EXAMPLES = `
Examples:
  fcgi serve ./public                                  on the best PHP there is, at http://127.0.0.1:8080
  fcgi serve ./public --backend unix:/run/php/php-fpm.sock
  fcgi serve --preset wordpress --listen :80 --workers auto /srv/blog
  fcgi serve --dev                                     shows what PHP writes to stderr beside the page
  fcgi serve --config fcgi.config.mjs --print-config   what a configuration comes to

Signals: SIGTERM and SIGINT finish what runs, a second one does not; SIGHUP reads the configuration again.`

/** The command, to be added to the program. */
export function serveCommand(io: Io): Command {
  return new Command('serve')
    .summary('serve a folder of PHP over HTTP')
    .description(
      'Serves a folder over HTTP: static files, and PHP by php-fpm, php-cgi or embedded PHP, whichever is found first.',
    )
    .argument('[root]', 'the document root (default: public, web or this folder)')
    .optionsGroup('What answers:')
    .option(
      '-b, --backend <address>',
      'a FastCGI backend that runs already, such as unix:/run/php/php-fpm.sock',
    )
    .addOption(phpOption())
    .option('--php-workers <number>', 'how many requests PHP runs at a time', positive)
    .option(
      '--backend-root <folder>',
      'the root as the backend sees it, for instance in a container',
    )
    .addOption(presetOption())
    .option('--index <name>', 'what answers for a folder (repeatable)', collect)
    .option('--front-controller <script>', 'what answers for what is no file (default: /index.php)')
    .option('--no-front-controller', 'nothing does: what is no file is 404')
    .option('--deny <pattern>', 'paths that nobody gets, such as /config/** (repeatable)', collect)
    .option(
      '--deny-scripts <pattern>',
      'where no script runs, such as /uploads/** (repeatable)',
      collect,
    )
    .optionsGroup('Where and how it listens:')
    .option(
      '-l, --listen <address>',
      'a port, host:port or unix:/path (repeatable; default: 8080)',
      collect,
    )
    .option('--tls-cert <file>', 'certificate: makes it HTTPS, with HTTP/2')
    .option('--tls-key <file>', 'private key of the certificate')
    .option('--h2c <address>', 'HTTP/2 without TLS, on a listener of its own')
    .option('--admin <address>', 'health, metrics and status, on a listener of its own')
    .option('--workers <number>', 'processes; auto takes one for each core', workerCount)
    .option(
      '--trust-proxy <who>',
      'whose X-Forwarded-* is believed: loopback, 10.0.0.0/8, a number (repeatable)',
      collect,
    )
    .option('--drain-timeout <ms>', 'how long requests may take to end at the end', positive)
    .optionsGroup('Requests and answers:')
    .option('--max-body <size>', 'the largest request body, such as 64M (default: 128M)', byteCount)
    .option('--stream-bodies', 'pass uploads on as they come')
    .option('--no-compress', 'compress nothing')
    .option('--dev', 'development: show failures where they happen')
    .optionsGroup('Configuration and log:')
    .option('-c, --config <file>', 'configuration file (default: fcgi.config.* in this folder)')
    .option('--no-config', 'none, even if there is one')
    .option('--print-config', 'print what the configuration comes to, and end')
    .addOption(logOption())
    .option('--no-access-log', 'do not log requests')
    .addHelpText('after', EXAMPLES)
    .action((root: string | undefined, flags: Flags) => run(io, root, flags))
}

async function run(io: Io, root: string | undefined, flags: Flags): Promise<void> {
  const format = flags.log ?? (io.stdout.isTTY ? 'pretty' : 'json')
  const paint = paintFor(io.stdout, io.env)
  const writeLine = (line: string): void => void io.stdout.write(`${line}\n`)
  const log = format === 'json' ? jsonLog(writeLine) : prettyLog(writeLine, paint)
  const reload = async (): Promise<ServeOptions> => {
    const { options } = await serveConfig(root, flags, io.cwd)
    return withLog(options, log, flags.accessLog)
  }
  const { options, file } = await serveConfig(root, flags, io.cwd)
  if (flags.printConfig) {
    await print(io, printableConfig(options))
    return
  }
  const server = await serve({ ...withLog(options, log, flags.accessLog), signals: true, reload })
  if (server.role === 'worker') return
  const { addresses, admin, php } = server
  if (format === 'pretty') writeLine(banner(server, options, file, paint))
  else log.logger.info({ addresses, admin, php }, 'listening')
  await server.closed
}

function withLog(options: ServeOptions, log: ServeLog, access: boolean): ServeOptions {
  return {
    ...options,
    logger: options.logger ?? log.logger,
    accessLog: options.accessLog ?? (access && { write: log.access }),
  }
}

function phpOption(): Option {
  return new Option('--php <kind>', 'which PHP to start (default: the best that is found)').choices(
    ['auto', 'php-fpm', 'php-cgi', 'embedded'],
  )
}

function presetOption(): Option {
  return new Option('--preset <application>', 'options for a well-known application').choices([
    'wordpress',
    'laravel',
    'symfony',
    'drupal',
  ])
}

function logOption(): Option {
  return new Option(
    '--log <format>',
    'how to log (default: pretty on a terminal, json elsewhere)',
  ).choices(['pretty', 'json'])
}

function collect(value: string, before: string[] = []): string[] {
  return [...before, value]
}

function positive(value: string): number {
  const number = Number(value)
  if (/^\d+$/.test(value) && Number.isSafeInteger(number)) return number
  throw new InvalidArgumentError('It takes a whole number.')
}

/** As php.ini has it: bytes, or K, M and G of 1024. */
function byteCount(value: string): number {
  const [, digits, unit = ''] = /^(\d+)([kmg]?)$/i.exec(value) ?? []
  const number = Number(digits) * 1024 ** ['', 'k', 'm', 'g'].indexOf(unit.toLowerCase())
  if (Number.isSafeInteger(number)) return number
  throw new InvalidArgumentError(
    'It takes bytes, or a number with K, M or G behind it, such as 64M.',
  )
}

function workerCount(value: string): number | 'auto' {
  return value === 'auto' ? 'auto' : positive(value)
}
