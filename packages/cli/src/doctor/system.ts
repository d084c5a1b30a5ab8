// What this machine says about users, files and sockets; nothing where it has no /proc.

import { readdirSync, readFileSync, type Stats } from 'node:fs'
import { userInfo } from 'node:os'
import { basename } from 'node:path'
import process from 'node:process'

/** The name of a user or group; its number when it has none. */
export function accountName(kind: 'passwd' | 'group', id: number): string {
  const line = linesOf(`/etc/${kind}`).find((text) => text.split(':')[2] === String(id))
  return line?.split(':')[0] ?? String(id)
}

/** Who runs this, for messages: `alice (groups alice, docker)`. */
export function whoAmI(): { name: string; text: string } {
  const uid = process.getuid?.()
  const name = uid === undefined ? userInfo().username : accountName('passwd', uid)
  const ids = new Set([process.getgid?.(), ...(process.getgroups?.() ?? [])])
  const groups = [...ids].flatMap((id) => (id === undefined ? [] : [accountName('group', id)]))
  return { name, text: groups.length > 0 ? `${name} (groups ${groups.join(', ')})` : name }
}

/** Mode, owner and group as `ls -l` shows them. */
export function permissionsOf({ mode, uid, gid }: Stats): string {
  const bits = Array.from('rwxrwxrwx', (bit, at) => ((mode >> (8 - at)) & 1 ? bit : '-')).join('')
  const kind = (mode & 0o170000) === 0o140000 ? 's' : (mode & 0o170000) === 0o040000 ? 'd' : '-'
  return `${kind}${bits} ${accountName('passwd', uid)} ${accountName('group', gid)}`
}

// In /proc/net/unix: accepts connections (SO_ACCEPTCON).
const LISTENING = 0x10000

/** The paths of unix sockets on which somebody listens; undefined where the system does not tell. */
export function listeningSockets(): ReadonlySet<string> | undefined {
  const lines = linesOf('/proc/net/unix')
  if (lines.length === 0) return undefined
  const paths = lines.slice(1).flatMap((line) => {
    const [, , , flags = '', , , , ...path] = line.split(/\s+/)
    return Number.parseInt(flags, 16) & LISTENING && path.length > 0 ? [path.join(' ')] : []
  })
  return new Set(paths)
}

/** Those among them that look like PHP's. */
export function phpSockets(): string[] {
  return [...(listeningSockets() ?? [])].filter((path) => /php|fpm|f(?:ast)?cgi/i.test(path))
}

/** The names of the running php-fpm programs, such as `php-fpm8.2`; undefined where the system does not tell. */
export function runningFpm(): string[] | undefined {
  const pids = foldersOf('/proc').filter((name) => /^\d+$/.test(name))
  if (pids.length === 0) return undefined
  const names = pids.map((pid) => linesOf(`/proc/${pid}/comm`)[0] ?? '')
  return [
    ...new Set(names.filter((name) => name.startsWith('php-fpm')).map((name) => basename(name))),
  ]
}

function linesOf(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n').filter(Boolean)
  } catch {
    // Another system, or a process that has just ended.
    return []
  }
}

function foldersOf(path: string): string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}
