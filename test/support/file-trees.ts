// Trees of files: in memory, as a lookup, and on the disk.

import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { FileEntry, Lookup } from '@fastcgi/gateway/parts'

/** A lookup over the paths of files; the folders on the way are there as well. */
export function lookupOf(paths: readonly string[]): Lookup {
  const entries = new Map<string, FileEntry>([['/', entry('directory')]])
  for (const path of paths) {
    entries.set(path, entry('file'))
    for (let folder = dirname(path); folder !== '/'; folder = dirname(folder)) {
      entries.set(folder, entry('directory'))
    }
  }
  return (path) => {
    const found = entries.get(path)
    if (found || !path.endsWith('/')) return found
    const folder = entries.get(path.slice(0, -1))
    return folder?.kind === 'directory' ? folder : undefined
  }
}

function entry(kind: 'file' | 'directory'): FileEntry {
  return { kind, size: 5, modified: 0 }
}

/** A content as text or bytes, or where a symlink goes. */
export type Content = string | Uint8Array | { readonly link: string }

/** An hour ago: files that nobody has just written. */
export const LONG_AGO: Date = new Date(Math.floor(Date.now() / 1000) * 1000 - 3_600_000)

/** Writes files, with the folders on the way. Paths are from the root of the tree, without a slash in front. */
export function writeTree(root: string, files: Readonly<Record<string, Content>>): void {
  for (const [path, content] of Object.entries(files)) {
    const full = join(root, path)
    mkdirSync(dirname(full), { recursive: true })
    if (typeof content === 'object' && 'link' in content) {
      symlinkSync(content.link, full)
    } else {
      writeFileSync(full, content)
      utimesSync(full, LONG_AGO, LONG_AGO)
    }
  }
}
