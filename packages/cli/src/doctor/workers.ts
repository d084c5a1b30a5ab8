// Does a worker answer, and how are the others?

import { Pool, SocketError, TimeoutError } from '@fastcgi/client'
import { fpmPage, readFpmStatus, type FpmPage, type FpmStatus } from '@fastcgi/php/fpm'
import { messageOf } from '../failure.ts'
import { oneLine } from '../terminal/text.ts'
import { count, duration, milliseconds } from '../terminal/units.ts'
import { failed, ok, warning, type Finding, type Patient } from './finding.ts'

export async function checkWorkers(patient: Patient): Promise<Finding> {
  const { address, patience, statusPath, io } = patient
  const pool = new Pool(address, {
    keepAlive: false,
    connectTimeout: patience,
    headersTimeout: patience,
    requestTimeout: patience * 2,
  })
  try {
    const page = await fpmPage(pool, statusPath, 'json&full', { signal: io.signal })
    const status = readFpmStatus(page)
    return status ? judge(status) : noPage(page, statusPath)
  } catch (error) {
    io.signal.throwIfAborted()
    return silent(error, patience)
  } finally {
    pool.destroy()
  }
}

function judge(status: FpmStatus): Finding {
  const { pool, processManager, startSince, active, total, listenQueue, maxChildrenReached } =
    status
  const text = `php-fpm, pool ${oneLine(pool)} (${oneLine(processManager)}), up ${duration(startSince)}: ${active} of ${total} workers busy`
  if (listenQueue > 0) {
    return warning(
      'workers',
      `${text}, ${count(listenQueue)} connections waiting`,
      'raise pm.max_children if memory allows, or find out what keeps the workers: fcgi status --full',
    )
  }
  if (maxChildrenReached > 0) {
    return warning(
      'workers',
      `${text}; pm.max_children was reached ${count(maxChildrenReached)} times`,
      'raise pm.max_children if memory allows',
    )
  }
  return ok('workers', text)
}

function noPage({ head, text }: FpmPage, path: string): Finding {
  const who = text.includes('No input file specified') ? 'php-cgi' : 'php-fpm'
  if (head.status === 404 && /File not found|No input file/.test(text)) {
    return ok('workers', `${who} answers; no status page at ${path} (pm.status_path) tells more`)
  }
  return ok('workers', `it answers (${head.status}), but no status page of php-fpm at ${path}`)
}

function silent(error: unknown, patience: number): Finding {
  if (error instanceof TimeoutError) {
    return failed(
      'workers',
      `connected, but no worker answered within ${milliseconds(patience)}: all of them are busy`,
      'raise pm.max_children if memory allows; its log says "server reached pm.max_children"',
      'find out what keeps them: request_slowlog_timeout and slowlog; end it with request_terminate_timeout',
      'look for clients that keep idle connections open: each of them holds a worker',
    )
  }
  if (error instanceof SocketError) {
    return failed(
      'workers',
      'the connection was closed before anything was answered',
      'look for a crash in the log of php-fpm',
    )
  }
  return failed('workers', oneLine(messageOf(error)))
}
