#!/usr/bin/env node
// The command `fcgi`.

import { Command } from 'commander'
import { serveCommand } from './commands/serve.ts'

await new Command('fcgi')
  .description(
    'FastCGI on the command line: serve PHP over HTTP, and talk to php-fpm as curl talks to HTTP',
  )
  .addCommand(serveCommand())
  .parseAsync()
