// The private folder of a backend: its socket, its configuration, its sessions and uploads. Gone with the backend.

import { chownSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { PhpStartError, messageOf } from './errors.ts'

/** Who PHP runs as, when not as this process. */
export interface Owner {
  readonly uid: number
  readonly gid: number
}

const PREFIX = 'fcgi-php-'
// sockaddr_un holds 108 bytes on Linux and 104 on macOS, with the NUL at the end.
const MAX_SOCKET_PATH = process.platform === 'linux' ? 107 : 103
// What mkdtemp adds, and the longest name of a socket in here.
const LONGEST_NAME = `${PREFIX}XXXXXX/worker-99999`

/** Where the parts of a private folder are. */
export interface PrivateFolder {
  readonly path: string
  readonly socket: string
  /** For PHP_INI_SCAN_DIR. */
  readonly ini: string
  readonly sessions: string
  readonly uploads: string
  /** Why it is not where the system wants temporary files; undefined when it is. */
  readonly moved: string | undefined
}

/**
 * PHP started by root runs as the owner of the site, so that it may do what they may and no more.
 * @returns undefined when that is who runs this process.
 */
export function ownerOf(root: string): Owner | undefined {
  if (process.getuid?.() !== 0) return undefined
  const { uid, gid } = statSync(root)
  return uid === 0 ? undefined : { uid, gid }
}

/** @throws PhpStartError when no place is good for a socket. */
export function createFolder(owner: Owner | undefined): PrivateFolder {
  const { parent, moved } = parentFolder()
  try {
    const path = mkdtempSync(join(parent, PREFIX))
    const folder = {
      path,
      socket: join(path, 'php.sock'),
      ini: join(path, 'ini'),
      sessions: join(path, 'sessions'),
      uploads: join(path, 'uploads'),
      moved,
    }
    for (const part of [folder.ini, folder.sessions, folder.uploads]) mkdirSync(part, 0o700)
    if (owner) for (const part of partsOf(folder)) chownSync(part, owner.uid, owner.gid)
    return folder
  } catch (error) {
    const message = `cannot make a private folder in ${parent}: ${messageOf(error)}; set TMPDIR to a folder that can be written`
    throw new PhpStartError('PHP_ERR_START', message, { cause: error })
  }
}

function partsOf(folder: PrivateFolder): string[] {
  return [folder.path, folder.ini, folder.sessions, folder.uploads]
}

/** Removes it, also while its last users are only just going. */
export function removeFolder(path: string): void {
  rmSync(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
}

function parentFolder(): { parent: string; moved: string | undefined } {
  const temporary = tmpdir()
  const length = Buffer.byteLength(join(temporary, LONGEST_NAME))
  if (process.platform === 'win32' || length <= MAX_SOCKET_PATH) {
    return { parent: temporary, moved: undefined }
  }
  const moved = `TMPDIR ${temporary} is too long for the path of a socket (${length} bytes, at most ${MAX_SOCKET_PATH}): using /tmp`
  return { parent: '/tmp', moved }
}
