// What Vite is to do otherwise when PHP is behind it.

import { resolve } from 'node:path'
import process from 'node:process'
import type { UserConfig } from 'vite'
import { SOURCE } from '../denied.ts'
import { defaultRoot, type ViteOptions } from './options.ts'
import { isBelow } from './overlay.ts'

// Thousands of files that nobody edits, some of which PHP writes for every page.
const NOT_WATCHED = [
  '**/vendor/**',
  '**/storage/framework/**',
  '**/storage/logs/**',
  '**/var/cache/**',
]

// What web servers and PHP read for themselves, and what editors and people leave behind.
const NOT_SENT = ['.ht*', '.user.ini', '*~', '#*#', '*.{bak,old,orig,rej,save,sw[a-p]}']

/** @param watches Whether there is to be a server that watches files. */
export async function defaultConfig(
  options: ViteOptions,
  config: UserConfig,
  watches: boolean,
): Promise<UserConfig> {
  const folder = resolve(config.root ?? '.')
  const root = resolve(folder, options.root ?? defaultRoot(folder))
  // What lies in the document root is served from there, and `vite build` must not copy PHP out of it.
  const isShared = config.publicDir === undefined && isRelated(root, resolve(folder, 'public'))
  const ignores = watches && config.server?.watch !== null
  return {
    ...(isShared && { publicDir: false }),
    server: {
      ...(ignores && { watch: { ignored: NOT_WATCHED } }),
      // By the file that a path comes to in the end: there are too many ways to write a path.
      ...(watches && !process.env['VITEST'] && { fs: { deny: await denied(options, config) } }),
    },
  }
}

/** The source of scripts, and copies of it. */
async function denied(
  { scriptExtensions = [] }: ViteOptions,
  { server }: UserConfig,
): Promise<string[]> {
  // A list that is given takes the place of Vite's own, which is another one in each version.
  const given = server?.fs?.deny ? [] : await deniedByVite()
  const extensions = [...new Set([...SOURCE, ...scriptExtensions])]
  const copies = extensions.flatMap((extension) => [
    `*${extension}`,
    `*${extension}{[-_]*,.[0-9]*,.{gz,zip}}`,
  ])
  return [...given, ...NOT_SENT, ...copies]
}

function isRelated(root: string, publicDir: string): boolean {
  return isBelow(root, publicDir) || isBelow(publicDir, root)
}

async function deniedByVite(): Promise<readonly string[]> {
  const { resolveConfig } = await import('vite')
  const { server } = await resolveConfig({ configFile: false, envDir: false }, 'serve')
  return server.fs.deny
}
