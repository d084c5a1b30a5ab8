// `fcgi doctor`: what is wrong between here and a PHP script, and what to change.

import { formatAddress } from '@fastcgi/client'
import { Command } from 'commander'
import { diagnose } from '../doctor/diagnose.ts'
import type { Finding, Patient } from '../doctor/finding.ts'
import { findingLines, verdict } from '../doctor/render.ts'
import { Exit, Stop } from '../failure.ts'
import { addVerbose, time } from '../flags.ts'
import { print, type Io } from '../io.ts'
import { parseUrl } from '../request/url.ts'
import type { ParamFlags } from '../request/params.ts'
import { targetOf } from '../target.ts'
import { paintFor, widthOf } from '../terminal/colour.ts'
import { addExamples } from '../terminal/examples.ts'

interface DoctorFlags extends ParamFlags {
  readonly statusPath: string
  readonly patience: number
  readonly allowRemote?: boolean
  readonly json?: boolean
}

const EXAMPLES = `
Examples:
  fcgi doctor unix:/run/php/php-fpm.sock
  fcgi doctor 127.0.0.1:9000 --root /var/www/html /index.php
  fcgi doctor :9000 --json | jq '.checks[] | select(.outcome == "failed")'

It connects, asks for FCGI_GET_VALUES and the status page, and runs the script by GET if one is named;
when php-fpm does not know that script, it asks by HEAD for the same one at the paths that chroots and
containers usually have. Exits with 1 when something is broken.`

export function doctorCommand(io: Io): Command {
  const command = new Command('doctor')
    .summary('explain a broken setup and say what to change')
    .description('Looks at everything between here and a PHP script, and says what to change.')
    .argument('<address>', 'unix:/run/php/php-fpm.sock, 127.0.0.1:9000, :9000, …')
    .argument('[url]', '/script.php to run; with --root, /index.php unless it is given')
    .option('--root <folder>', 'document root as the backend sees it (default: this folder)')
    .option('--script-filename <file>', 'the file to run, whatever the URL says')
    .option('--status-path <path>', 'the pm.status_path of the pool', '/status')
    .option('--patience <s>', 'how long each check may take (default: 2)', time, 2000)
    .option('--allow-remote', 'examine another machine')
    .option('--json', 'print one JSON object')
  addExamples(addVerbose(command), EXAMPLES, io)
  return command.action((address: string, url: string | undefined, flags: DoctorFlags) =>
    doctor(address, url, flags, io),
  )
}

async function doctor(
  text: string,
  url: string | undefined,
  flags: DoctorFlags,
  io: Io,
): Promise<void> {
  const named =
    url ??
    (flags.root !== undefined || flags.scriptFilename !== undefined ? '/index.php' : undefined)
  const patient: Patient = {
    address: targetOf(text, flags),
    patience: flags.patience,
    statusPath: flags.statusPath,
    url: named === undefined ? undefined : parseUrl(named),
    flags,
    io,
  }
  const findings: Finding[] = []
  const paint = paintFor(io.stdout, io.env)
  const width = widthOf(io.stdout, io.env)
  for await (const finding of diagnose(patient)) {
    findings.push(finding)
    if (flags.json) continue
    for (const line of findingLines(finding, width, paint)) await print(io, line)
  }
  const healthy = findings.every(({ outcome }) => outcome !== 'failed')
  if (flags.json) {
    const address = formatAddress(patient.address)
    await print(io, JSON.stringify({ address, healthy, checks: findings }, null, 2))
  } else await print(io, `\n  ${verdict(findings, paint)}`)
  if (!healthy) throw new Stop(Exit.No)
}
