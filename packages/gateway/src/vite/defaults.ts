// What Vite is to do otherwise when PHP is behind it.

import { resolve } from 'node:path'
import type { UserConfig } from 'vite'
import { defaultRoot, type ViteOptions } from './options.ts'
import { isBelow } from './overlay.ts'

// Thousands of files that nobody edits, some of which PHP writes for every page.
const NOT_WATCHED = [
  '**/vendor/**',
  '**/storage/framework/**',
  '**/storage/logs/**',
  '**/var/cache/**',
]

/** @param watches Whether there is to be a server that watches files. */
export function defaultConfig(
  options: ViteOptions,
  config: UserConfig,
  watches: boolean,
): UserConfig {
  const folder = resolve(config.root ?? '.')
  const root = resolve(folder, options.root ?? defaultRoot(folder))
  // What lies in the document root is served from there, and `vite build` must not copy PHP out of it.
  const isShared = config.publicDir === undefined && isRelated(root, resolve(folder, 'public'))
  const ignores = watches && config.server?.watch !== null
  return {
    ...(isShared && { publicDir: false }),
    ...(ignores && { server: { watch: { ignored: NOT_WATCHED } } }),
  }
}

function isRelated(root: string, publicDir: string): boolean {
  return isBelow(root, publicDir) || isBelow(publicDir, root)
}
