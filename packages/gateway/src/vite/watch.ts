// A change of what PHP runs or reads reloads the pages; once for all files that are saved together.

import { relative, sep } from 'node:path'
import type { ViteDevServer } from 'vite'
import { byteStringOf } from '../bytes.ts'
import { PathPatterns } from '../path-patterns.ts'
import { isBelow } from './overlay.ts'

/** What is watched. */
export interface WatchSetting {
  /** Folders: Vite's root, and document roots. */
  readonly folders: readonly string[]
  readonly patterns: readonly string[]
  readonly ignored: readonly string[]
}

// Where PHP writes what it has compiled, and where nobody edits.
const NEVER: ReadonlySet<string> = new Set(['vendor', 'node_modules', 'storage', 'cache', '.git'])
// In ms. Editors save by several steps, and branches are switched file by file.
const QUIET = 40

/**
 * Calls back with the paths of files that have changed.
 * @returns what ends it.
 */
export function watchPhp(
  { watcher, config }: ViteDevServer,
  setting: WatchSetting,
  onChange: (files: readonly string[]) => void,
): () => void {
  const isWatched = matcher(setting)
  const outside = setting.folders.filter((folder) => !isBelow(folder, config.root))
  if (outside.length > 0) watcher.add(outside)
  const changed = new Set<string>()
  let timer: NodeJS.Timeout | undefined
  const tell = (): void => {
    const files = [...changed]
    changed.clear()
    onChange(files)
  }
  const notice = (event: string, path: string): void => {
    if (!['add', 'change', 'unlink'].includes(event) || !isWatched(path)) return
    changed.add(path)
    clearTimeout(timer)
    timer = setTimeout(tell, QUIET)
  }
  watcher.on('all', notice)
  return () => {
    clearTimeout(timer)
    watcher.off('all', notice)
  }
}

/** Paths are looked at from the innermost folder on, so that what is above it (`/srv/cache/app`) says nothing. */
function matcher({ folders, patterns, ignored }: WatchSetting): (path: string) => boolean {
  const inner = folders.toSorted((a, b) => b.length - a.length)
  const wanted = new PathPatterns(patterns, { fold: true })
  const unwanted = new PathPatterns(ignored)
  const matches = (folder: string, path: string): boolean => {
    const below = byteStringOf(`/${relative(folder, path).split(sep).join('/')}`)
    return wanted.matches(below) && !unwanted.matches(below)
  }
  return (path) => {
    const around = inner.filter((folder) => isBelow(path, folder))
    const [nearest] = around
    const outermost = around.at(-1)
    if (nearest === undefined || outermost === undefined) return false
    const isNever = relative(outermost, path)
      .split(sep)
      .some((name) => NEVER.has(name))
    return !isNever && around.some((folder) => matches(folder, path))
  }
}
