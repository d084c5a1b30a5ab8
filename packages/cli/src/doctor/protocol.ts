// Is it FastCGI that is spoken there, and by whom?

import {
  connectNode,
  Pool,
  RemoteProtocolError,
  SocketError,
  TimeoutError,
  type Connector,
} from '@fastcgi/client'
import { messageOf } from '../failure.ts'
import { oneLine } from '../terminal/text.ts'
import { milliseconds } from '../terminal/units.ts'
import { probe } from './connection.ts'
import { failed, ok, skipped, type Finding, type Patient } from './finding.ts'

export async function checkProtocol(patient: Patient): Promise<Finding> {
  const { address, patience, io } = patient
  const ear = new Ear(connectNode(address))
  const pool = new Pool(address, { connect: ear.connect, connectTimeout: patience })
  try {
    const values = await pool.getValues(undefined, { headersTimeout: patience, signal: io.signal })
    const told = [...values].map(([name, value]) => `${oneLine(name)}=${oneLine(value)}`)
    const names = told.length > 0 ? ` (${told.join(', ')})` : ''
    return ok('protocol', `speaks FastCGI${names}`)
  } catch (error) {
    io.signal.throwIfAborted()
    return await unclear(patient, error, ear.first)
  } finally {
    pool.destroy()
  }
}

async function unclear(patient: Patient, error: unknown, first: Buffer): Promise<Finding> {
  if (first.length > 0 && error instanceof RemoteProtocolError) return otherProtocol(first)
  // Some servers need a whole line before they say that they do not understand.
  const heard = await probe(patient, 'GET / HTTP/1.0\r\n\r\n', patient.patience / 4).catch(() =>
    Buffer.alloc(0),
  )
  if (isHttp(heard)) return otherProtocol(heard)
  if (error instanceof SocketError) return closes(patient)
  if (error instanceof TimeoutError) {
    const within = milliseconds(patient.patience)
    return skipped(
      'protocol',
      `no answer to FCGI_GET_VALUES within ${within}, which many never give`,
    )
  }
  return failed('protocol', oneLine(messageOf(error)))
}

function isHttp(first: Buffer): boolean {
  return first.toString('latin1').startsWith('HTTP/')
}

function otherProtocol(first: Buffer): Finding {
  if (isHttp(first)) {
    return failed(
      'protocol',
      'a web server answers there: it speaks HTTP, not FastCGI',
      'use the address that php-fpm listens on (listen in its pool), not that of the web server',
      'or ask it over HTTP, with curl',
    )
  }
  return failed(
    'protocol',
    `what answers does not speak FastCGI; it begins with ${JSON.stringify(first.subarray(0, 24).toString('latin1'))}`,
    'use the address that php-fpm listens on (listen in its pool)',
  )
}

function closes({ address }: Patient): Finding {
  const isTcp = !('path' in address)
  return failed(
    'protocol',
    'the connection is accepted, and closed before anything is answered',
    ...(isTcp
      ? [
          'add this address to listen.allowed_clients of the pool; php-fpm logs "Connection disallowed"',
        ]
      : []),
    'look for a crash in the log of php-fpm: a worker that dies while it reads closes like this',
  )
}

/** Listens in on a connection, to tell what a peer said that is no FastCGI. */
class Ear {
  first: Buffer = Buffer.alloc(0)
  readonly connect: Connector

  constructor(connect: Connector) {
    this.connect = (handler, signal) =>
      connect(
        {
          data: (chunk) => {
            this.first = Buffer.concat([this.first, chunk]).subarray(0, 64)
            handler.data(chunk)
          },
          drain: () => handler.drain(),
          close: (reason) => handler.close(reason),
        },
        signal,
      )
  }
}
