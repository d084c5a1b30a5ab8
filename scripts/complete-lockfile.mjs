// Writes the optional packages of the other platforms into package-lock.json.
//
// A registry mirror that carries the binaries of one platform only makes npm leave the others out
// of the lockfile without a word, and `npm ci` then refuses that lockfile on every platform. Their
// versions are pinned exactly by the package that wants them, so nothing has to be asked for.
// Run it after changing a dependency; it changes nothing when nothing is missing.
//
//   node scripts/complete-lockfile.mjs [folder]

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './lib/paths.mjs'

const SYSTEMS = [
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'win32',
]
const PROCESSORS = ['arm64', 'arm', 'ia32', 'loong64', 'ppc64', 'riscv64', 's390x', 'x64']

/**
 * What a platform package runs on, read from its name: npm skips it elsewhere instead of asking
 * the registry for it.
 * @param {string} name such as `@oxlint/binding-linux-x64-musl`
 */
function platformOf(name) {
  const words = name.split('/').at(-1)?.split('-') ?? []
  const os = SYSTEMS.filter((system) => words.includes(system))
  const cpu = PROCESSORS.filter((processor) => words.includes(processor))
  const libc = words.some((word) => word.startsWith('musl'))
    ? ['musl']
    : words.some((word) => word.startsWith('gnu')) && os[0] === 'linux'
      ? ['glibc']
      : undefined
  return { cpu, ...(libc && { libc }), optional: true, os }
}

/**
 * @param {Record<string, any>} packages the `packages` of a lockfile
 * @returns {Record<string, object>} what is missing in it
 */
function missingEntries(packages) {
  /** @type {Record<string, object>} */
  const missing = {}
  for (const entry of Object.values(packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      // A range cannot be pinned without the registry; only exact versions are written down.
      if (packages[`node_modules/${name}`] || !/^\d+\.\d+\.\d+$/.test(version)) continue
      const platform = platformOf(name)
      if (platform.os.length === 0) continue
      missing[`node_modules/${name}`] = { version, ...(entry.dev && { dev: true }), ...platform }
    }
  }
  return missing
}

const path = join(process.argv[2] ?? ROOT, 'package-lock.json')
const lock = JSON.parse(readFileSync(path, 'utf8'))
const missing = missingEntries(lock.packages)
const names = Object.keys(missing)
if (names.length > 0) {
  const all = Object.entries({ ...lock.packages, ...missing })
  lock.packages = Object.fromEntries(all.toSorted(([a], [b]) => a.localeCompare(b, 'en')))
  writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`)
}
console.log(`package-lock.json: ${names.length} packages of other platforms added`)
