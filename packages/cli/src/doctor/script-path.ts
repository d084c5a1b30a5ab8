// "Primary script unknown": why, and which path would be the right one.

import { existsSync, readdirSync, statSync, type Dirent } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { failed, type Finding } from './finding.ts'
import { permissionsOf } from './system.ts'

/** Where a script was looked for, as absolute paths. */
export interface ScriptPlace {
  readonly root: string
  readonly filename: string
}

// Where images and frameworks put their document root.
const USUAL_ROOTS = [
  '/var/www/html',
  '/var/www/html/public',
  '/var/www/html/web',
  '/var/www',
  '/app',
  '/app/public',
  '/srv/app',
  '/srv/app/public',
  '/usr/share/nginx/html',
]

/** @param runsAt Asks php-fpm whether it knows a script by this path. */
export async function explainPath(
  place: ScriptPlace,
  runsAt: (filename: string) => Promise<boolean>,
): Promise<Finding> {
  const { filename, root } = place
  const unknown = `php-fpm knows no script ${filename} ("Primary script unknown")`
  for (const candidate of candidateRoots(root)) {
    const moved = candidate + filename.slice(root === '/' ? 0 : root.length)
    if (await runsAt(moved)) return elsewhere(unknown, root, candidate || '/')
  }
  if (!existsSync(filename)) {
    return failed(
      'script',
      `${unknown}, and there is none on this machine either`,
      ...missing(place),
    )
  }
  return failed('script', `${unknown}, although it is on this machine`, ...hidden(filename))
}

/** The same folder as it is called inside a chroot, then the usual places of containers. */
function candidateRoots(root: string): string[] {
  const parts = root.split('/').filter(Boolean)
  const inside = parts.map((_, at) => ['', ...parts.slice(at + 1)].join('/'))
  return [...new Set([...inside, ...USUAL_ROOTS])].filter((candidate) => candidate !== root)
}

function elsewhere(unknown: string, root: string, found: string): Finding {
  const inChroot = root.endsWith(found) || found === '/'
  const why = inChroot
    ? 'it runs in a chroot, or mounts the folder elsewhere'
    : 'it runs in a container'
  return failed(
    'script',
    `${unknown}, but the same script below ${found}: ${why}`,
    `give --root ${found}: the root must be a path as php-fpm sees it`,
    `nginx: fastcgi_param SCRIPT_FILENAME ${found === '/' ? '' : found}$fastcgi_script_name`,
  )
}

function missing({ root, filename }: ScriptPlace): string[] {
  const remedies: string[] = []
  const name = filename.slice(root.length)
  for (const folder of foldersIn(root).filter((each) => existsSync(join(each, name)))) {
    remedies.push(`it is in ${folder}: give --root ${folder}`)
  }
  if (!existsSync(root)) remedies.push(`there is no folder ${root}: check --root`)
  const near = scriptsIn(dirname(filename)).filter((script) => script !== basename(filename))
  if (near.length > 0)
    remedies.push(`in ${dirname(filename)} there are ${near.slice(0, 5).join(', ')}`)
  remedies.push('if php-fpm runs in a container: give --root as it is called in there')
  return remedies
}

/** A file that we see and php-fpm does not. */
function hidden(filename: string): string[] {
  const remedies: string[] = []
  const folder = closedFolder(filename)
  if (folder !== undefined) {
    const { path, permissions } = folder
    remedies.push(
      `${path} is ${permissions}: let the user of the pool enter it, sudo chmod o+x ${path}`,
    )
  }
  if (/^\/(?:var\/)?tmp\//.test(filename)) {
    remedies.push('systemd gives php-fpm a /tmp of its own (PrivateTmp): move the script elsewhere')
  }
  if (/^\/(?:home|root)\//.test(filename)) {
    remedies.push(
      'systemd may hide home folders from php-fpm (ProtectHome): move the script elsewhere',
    )
  }
  remedies.push('if php-fpm runs in a container or chroot: give --root as it is called in there')
  return remedies
}

/** The outermost folder above a file that not everybody may enter. */
function closedFolder(filename: string): { path: string; permissions: string } | undefined {
  const parts = dirname(filename).split('/')
  for (let at = 2; at <= parts.length; at++) {
    const path = parts.slice(0, at).join('/')
    const stats = statSync(path)
    if (!(stats.mode & 0o001)) return { path, permissions: permissionsOf(stats) }
  }
  return undefined
}

function scriptsIn(folder: string): string[] {
  return entriesOf(folder).flatMap(({ name }) => (name.endsWith('.php') ? [name] : []))
}

/** The folders right below a root: its document root is often one of them, public or web. */
function foldersIn(root: string): string[] {
  return entriesOf(root).flatMap((entry) => (entry.isDirectory() ? [join(root, entry.name)] : []))
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch {
    return []
  }
}
