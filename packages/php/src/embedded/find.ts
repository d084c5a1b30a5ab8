// Finds the packages of embedded PHP: they are optional, so they may be the project's, or nobody's.

import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import process from 'node:process'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { PhpFound } from '../found.ts'

/** The two modules that embedded PHP is made of, as `import()` takes them. */
export interface EmbeddedModules {
  readonly universal: string
  readonly build: string
}

/** The newest `@php-wasm/node-8-x` nearest to the project, else to the working directory, else to this package. */
export function findEmbedded(root: string): PhpFound[] {
  const starts = [root, process.cwd(), dirname(fileURLToPath(import.meta.url))]
  const folders = starts.flatMap((start) => scopeFolders(start))
  const nearest = folders.map((folder) => buildsIn(folder)).find((builds) => builds.length > 0)
  const [newest] = (nearest ?? []).toSorted((a, b) => b.localeCompare(a, 'en', { numeric: true }))
  if (newest === undefined) return []
  const problem = universalOf(newest)
    ? undefined
    : 'it needs @php-wasm/universal: npm install @php-wasm/universal'
  const version = versionOf(newest)
  return [{ kind: 'embedded', program: newest, version, origin: '@php-wasm', problem }]
}

/** The modules of a build that {@link findEmbedded} found. @throws Error when one is missing. */
export function embeddedModules(build: string): EmbeddedModules {
  const universal = universalOf(build)
  if (universal === undefined) throw new Error('@php-wasm/universal is not installed')
  return { universal: entryOf(universal), build: entryOf(build) }
}

/** `node_modules/@php-wasm` of a folder and of all above it, the nearest first. */
function scopeFolders(start: string): string[] {
  const found: string[] = []
  for (let folder = resolve(start); ; folder = dirname(folder)) {
    found.push(join(folder, 'node_modules', '@php-wasm'))
    if (dirname(folder) === folder) return found
  }
}

function buildsIn(folder: string): string[] {
  if (!existsSync(folder) || !statSync(folder).isDirectory()) return []
  const builds = readdirSync(folder).filter((name) => /^node-\d-\d+$/.test(name))
  return builds.map((name) => join(folder, name))
}

/** The version that fits a build is the one that it sees itself. */
function universalOf(build: string): string | undefined {
  const folders = scopeFolders(realpathSync(build)).map((scope) => join(scope, 'universal'))
  return folders.find((folder) => existsSync(join(folder, 'package.json')))
}

/** What `import` is to load; the resolution of require() would choose the CommonJS half. */
function entryOf(folder: string): string {
  const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    exports?: { '.'?: { import?: string } }
  }
  return pathToFileURL(join(folder, exports?.['.']?.import ?? 'index.js')).href
}

/** `8.4.25`, after the folder with the binary; else `8.4`, after the package. */
function versionOf(build: string): string | undefined {
  const binary = existsSync(join(build, 'asyncify')) ? readdirSync(join(build, 'asyncify')) : []
  const exact = binary.find((name) => /^\d+_\d+_\d+$/.test(name))?.replaceAll('_', '.')
  return exact ?? /node-(\d)-(\d+)$/.exec(build)?.slice(1).join('.')
}
