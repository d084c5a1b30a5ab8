// Opening a connection, without a pool that would wait and try again.

import { connectNode, type Transport, type TransportHandler } from '@fastcgi/client'
import { messageOf, systemCode } from '../failure.ts'
import { failed, nameOf, ok, type Finding, type Patient } from './finding.ts'
import { phpSockets } from './system.ts'
import { milliseconds } from '../terminal/units.ts'

export async function checkConnection(patient: Patient): Promise<Finding> {
  const startedAt = performance.now()
  try {
    const transport = await connect(patient)
    transport.destroy()
    return ok('connection', `opened in ${milliseconds(performance.now() - startedAt)}`)
  } catch (error) {
    patient.io.signal.throwIfAborted()
    return unreachable(patient, error)
  }
}

async function connect(
  { address, patience, io }: Patient,
  handler: TransportHandler = new Ear(),
): Promise<Transport> {
  const signal = AbortSignal.any([io.signal, AbortSignal.timeout(patience)])
  return connectNode(address)(handler, signal)
}

const FULL = [
  'all workers are busy and nobody takes the waiting connections: fcgi status, or the slowlog, tells with what',
  'raise pm.max_children if memory allows; listen.backlog only lets more of them wait',
]

function unreachable(patient: Patient, error: unknown): Finding {
  const name = nameOf(patient)
  const isTcp = !('path' in patient.address)
  const code = systemCode(error)
  switch (code) {
    case 'EAGAIN':
      return failed('connection', `the backlog of ${name} is full`, ...FULL)
    case 'ECONNREFUSED':
      return isTcp ? portClosed(name) : stale(name)
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return failed(
        'connection',
        `the host of ${name} is not known`,
        'check its spelling; names of containers are known inside their network only',
      )
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return failed('connection', `no way leads to ${name}`, 'check the network and its firewall')
    case undefined:
      if (!(error instanceof Error) || error.name !== 'TimeoutError') break
      return failed(
        'connection',
        `no connection within ${milliseconds(patient.patience)}`,
        ...FULL,
        'or a firewall drops the packets',
      )
  }
  return failed('connection', `cannot connect: ${messageOf(error)}`)
}

function portClosed(name: string): Finding {
  const sockets = phpSockets()
  return failed(
    'connection',
    `nothing listens on ${name}`,
    ...(sockets.length > 0 ? [`PHP listens at ${sockets.join(', ')}: use that address`] : []),
    'start php-fpm, or set listen in its pool to this port',
    'if it runs in a container: publish the port (-p 127.0.0.1:9000:9000), and let it listen on 0.0.0.0 in there',
  )
}

function stale(name: string): Finding {
  return failed(
    'connection',
    `nobody listens on ${name}: a process that has ended left the file behind`,
    'sudo systemctl restart php-fpm (Debian: php8.4-fpm and the like), which replaces it',
    'if it does not start: its log, and php-fpm -t, tell why',
  )
}

/** Sends some text and listens for the first bytes of an answer, for `patience` ms. */
export async function probe(patient: Patient, text: string, patience: number): Promise<Buffer> {
  const ear = new Ear()
  const transport = await connect(patient, ear)
  const timer = setTimeout(() => ear.close(), patience)
  try {
    transport.write(Buffer.from(text))
    return await ear.heard
  } finally {
    clearTimeout(timer)
    transport.destroy()
  }
}

class Ear implements TransportHandler {
  readonly heard: Promise<Buffer>
  #done!: (bytes: Buffer) => void

  constructor() {
    this.heard = new Promise((resolve) => {
      this.#done = resolve
    })
  }

  data(chunk: Uint8Array): void {
    this.#done(Buffer.from(chunk))
  }

  drain(): void {}

  close(): void {
    this.#done(Buffer.alloc(0))
  }
}
