// The file of a unix socket: is it there, is it a socket, may we use it, does anybody listen?

import { accessSync, constants, lstatSync, statSync, type Stats } from 'node:fs'
import { dirname } from 'node:path'
import { systemCode } from '../failure.ts'
import { failed, ok, skipped, type Finding, type Patient } from './finding.ts'
import { accountName, permissionsOf, phpSockets, runningFpm, whoAmI } from './system.ts'

export function checkSocket({ address }: Patient): Finding {
  if (!('path' in address)) return skipped('socket', 'not needed: the address is a TCP port')
  const { path } = address
  if (path.startsWith('\0')) return skipped('socket', 'an abstract socket has no file')
  let stats: Stats
  try {
    stats = statSync(path)
  } catch (error) {
    return unseen(path, systemCode(error))
  }
  if (!stats.isSocket()) {
    return failed(
      'socket',
      `${path} is ${stats.isDirectory() ? 'a folder' : 'no socket'}`,
      ...others(),
    )
  }
  if (!mayWrite(path)) return forbidden(path, stats)
  return ok('socket', permissionsOf(stats))
}

function unseen(path: string, code: string | undefined): Finding {
  if (code === 'EACCES') {
    const folder = closedFolder(path)
    return failed(
      'socket',
      `${whoAmI().text} may not look into ${folder.path}, which is ${folder.permissions}`,
      `sudo chmod o+x ${folder.path}, or join its group`,
    )
  }
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return failed('socket', `${path} does not exist`, ...others(), ...start())
  }
  return failed('socket', `${path} cannot be looked at (${code ?? 'unknown error'})`)
}

/** Sockets that could have been meant. */
function others(): string[] {
  const paths = phpSockets()
  return paths.length === 0
    ? []
    : [`PHP listens at ${paths.join(', ')}: use that address, or set listen in the pool`]
}

function start(): string[] {
  const running = runningFpm()
  if (running === undefined) return []
  return running.length === 0
    ? ['no php-fpm is running here: sudo systemctl start php-fpm (Debian: php8.4-fpm and the like)']
    : [`${running.join(', ')} is running: look for listen in its pool (php-fpm -tt prints it)`]
}

function forbidden(path: string, stats: Stats): Finding {
  const { name, text } = whoAmI()
  const group = accountName('group', stats.gid)
  const remedies = [
    ...(stats.mode & 0o020 ? [`sudo usermod -aG ${group} ${name}, then log in again`] : []),
    `in the pool: listen.owner, listen.group = ${group} and listen.mode = 0660, then reload php-fpm`,
  ]
  return failed(
    'socket',
    `${text} may not write to ${path}, which is ${permissionsOf(stats)}`,
    ...remedies,
  )
}

function mayWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}

/** The outermost folder on the way to a file that we may not enter. */
function closedFolder(path: string): { path: string; permissions: string } {
  let folder = dirname(path)
  for (;;) {
    try {
      return { path: folder, permissions: permissionsOf(lstatSync(folder)) }
    } catch {
      folder = dirname(folder)
    }
  }
}
