// The examination, from the address to the script; the first thing that is broken makes the rest moot.

import { isLocal } from '../target.ts'
import { checkConnection } from './connection.ts'
import {
  CHECKS,
  nameOf,
  ok,
  skipped,
  warning,
  type Check,
  type Finding,
  type Patient,
} from './finding.ts'
import { checkProtocol } from './protocol.ts'
import { checkScript } from './script.ts'
import { checkSocket } from './socket.ts'
import { checkWorkers } from './workers.ts'

const BY_NAME: Readonly<Record<Check, (patient: Patient) => Finding | Promise<Finding>>> = {
  address: checkAddress,
  socket: checkSocket,
  connection: checkConnection,
  protocol: checkProtocol,
  workers: checkWorkers,
  script: checkScript,
}

/** Yields what each check has found, as soon as it has. */
export async function* diagnose(patient: Patient): AsyncGenerator<Finding, undefined> {
  let broken = false
  for (const check of CHECKS) {
    const finding: Finding = broken
      ? skipped(check, 'not looked at')
      : await BY_NAME[check](patient)
    broken ||= finding.outcome === 'failed'
    yield finding
  }
}

function checkAddress(patient: Patient): Finding {
  const name = nameOf(patient)
  if (isLocal(patient.address)) return ok('address', name)
  return warning(
    'address',
    `${name} is another machine`,
    'FastCGI is neither encrypted nor does it ask who calls: see to it that nobody else reaches the port, and set listen.allowed_clients',
  )
}
