// Enforces the law of ARCHITECTURE.md over packages/*/src.
//
//   node scripts/check-layers.mjs [root]      another root: to try it on a broken copy

import { existsSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join, posix, relative, resolve, sep } from 'node:path'
import process from 'node:process'
import { findCircles } from './lib/cycles.mjs'
import { importsOf } from './lib/imports.mjs'
import * as law from './lib/law.mjs'
import { filesBelow, packagesOf, ROOT } from './lib/paths.mjs'
import { tokenize } from './lib/tokens.mjs'

/**
 * @typedef {object} Source
 * @property {string} path from the root, such as `packages/client/src/http/fetch.ts`
 * @property {string} package the folder of its package
 * @property {string} floor the part of the package it is in
 * @property {import('./lib/tokens.mjs').Token[]} tokens
 * @property {import('./lib/imports.mjs').Import[]} imports
 *
 * @typedef {ReturnType<typeof packagesOf>[number]} Package
 *
 * @typedef {object} Violation
 * @property {string} path
 * @property {number} line
 * @property {string} what
 * @property {string} rule the sentence of the law that it breaks
 */

const RULES = {
  down: 'imports point down only',
  circle: 'no circles, type imports included',
  door: 'a floor with a door is entered by its index.ts only',
  packages: 'client ← php ← gateway ← cli, by package name only',
  pure: 'protocol/ knows no I/O, no time, no async and no runtime',
  socket: `only ${law.SOCKET_FILE} imports node:net`,
  web: 'nothing behind a door for the web imports a module of Node',
  print: 'only packages/cli prints',
  record: 'the CLI never touches a record',
  dependencies: '@fastcgi/client has no dependencies',
  peer: 'an optional peer of @fastcgi/client is imported by its own floor only',
  declared: 'what is imported is a declared dependency',
  checkable: 'every import can be read by this check',
}

/** @param {string} root @param {Package} pkg @returns {Source[]} */
function sourcesOf(root, pkg) {
  const src = join(pkg.path, 'src')
  return filesBelow(src)
    .filter((file) => /\.[cm]?[jt]sx?$/.test(file))
    .map((file) => {
      const tokens = tokenize(readFileSync(join(src, file), 'utf8'))
      const path = relative(root, join(src, file)).split(sep).join('/')
      return { path, package: pkg.folder, floor: floorOf(file), tokens, imports: importsOf(tokens) }
    })
}

/** @param {string} file from the src folder */
function floorOf(file) {
  return (file.split('/')[0] ?? '').replace(/\.ts$/, '')
}

/** @param {string} path @param {number} line @param {keyof typeof RULES} rule @param {string} what */
function violation(path, line, rule, what) {
  return { path, line, what, rule: RULES[rule] }
}

/**
 * The file that a relative import names.
 * @param {Pick<Source, 'path'>} source
 * @param {string} from
 */
function target(source, from) {
  return posix.join(posix.dirname(source.path), from).replace(/\.js$/, '.ts')
}

/** Relative imports: floors, doors and the walls of the package. */
/** @param {Source} source @param {string} from @param {number} line @returns {Violation[]} */
function checkRelative(source, from, line) {
  const path = target(source, from)
  const src = `packages/${source.package}/src/`
  if (!path.startsWith(src)) {
    return [violation(source.path, line, 'packages', `imports ${path}, outside of its package`)]
  }
  if (source.package !== 'client') return []
  const floor = floorOf(path.slice(src.length))
  if (floor === source.floor) return []
  const found = []
  if (!law.FLOORS[source.floor]?.includes(floor)) {
    found.push(violation(source.path, line, 'down', `${source.floor} imports ${floor}: ${path}`))
  }
  if (law.DOORS.has(floor) && path !== `${src}${floor}/index.ts`) {
    const what = `imports ${path} past the door ${floor}/index.ts`
    found.push(violation(source.path, line, 'door', what))
  }
  return found
}

/** Imports of our own packages. */
/** @param {Source} source @param {string} from @param {number} line @param {Package[]} packages */
function checkPackage(source, from, line, packages) {
  const [name = '', ...rest] = from.slice(law.SCOPE.length).split('/')
  const door = ['.', ...rest].join('/')
  const found = []
  if (law.PACKAGES.indexOf(name) >= law.PACKAGES.indexOf(source.package)) {
    found.push(violation(source.path, line, 'packages', `${source.package} imports ${from}`))
  }
  const manifest = packages.find(({ folder }) => folder === name)?.manifest
  if (manifest && !(door in (manifest.exports ?? {}))) {
    found.push(violation(source.path, line, 'packages', `${from} is no door of ${manifest.name}`))
  }
  if (source.package === 'cli' && from === `${law.SCOPE}client/protocol`) {
    found.push(violation(source.path, line, 'record', `imports ${from}`))
  }
  return found
}

/** Imports of Node's own modules. */
/** @param {Source} source @param {string} from @param {number} line */
function checkBuiltin(source, from, line) {
  const found = []
  if (from.replace(/^node:/, '') === 'net' && source.path !== law.SOCKET_FILE) {
    found.push(violation(source.path, line, 'socket', `imports ${from}`))
  }
  if (isProtocol(source)) found.push(violation(source.path, line, 'pure', `imports ${from}`))
  return found
}

/** Imports of other people's packages. */
/** @param {Source} source @param {string} from @param {number} line @param {Package[]} packages */
function checkForeign(source, from, line, packages) {
  const name = from.split('/', from.startsWith('@') ? 2 : 1).join('/')
  const manifest = packages.find(({ folder }) => folder === source.package)?.manifest
  const declared = { ...manifest?.dependencies, ...manifest?.peerDependencies }
  if (!(name in declared)) return [violation(source.path, line, 'declared', `imports ${from}`)]
  if (source.package !== 'client' || law.CLIENT_PEERS[name] === source.floor) return []
  return [violation(source.path, line, 'peer', `${source.floor} imports ${from}`)]
}

/** @param {Source} source @param {Package[]} packages @returns {Violation[]} */
function checkImports(source, packages) {
  return source.imports.flatMap(({ from, line }) => {
    if (from === undefined) {
      return source.package === 'client'
        ? [violation(source.path, line, 'checkable', 'imports what only running it can tell')]
        : []
    }
    if (from.startsWith('.')) return checkRelative(source, from, line)
    if (from.startsWith(law.SCOPE)) return checkPackage(source, from, line, packages)
    if (isBuiltin(from)) return checkBuiltin(source, from, line)
    return checkForeign(source, from, line, packages)
  })
}

/** @param {Source} source */
function isProtocol(source) {
  return source.package === 'client' && source.floor === 'protocol'
}

/** Words that stand for themselves: `Date`, `globalThis.Date`, and not `record.Date`. */
/** @param {Source} source @returns {Violation[]} */
function checkWords(source) {
  return source.tokens.flatMap(({ kind, text, line }, at) => {
    if (kind !== 'word') return []
    const isProperty = source.tokens[at - 1]?.text === '.'
    if (isProperty && source.tokens[at - 2]?.text !== 'globalThis') return []
    if (isProtocol(source) && law.FORBIDDEN_IN_PROTOCOL.has(text)) {
      return [violation(source.path, line, 'pure', `uses ${text}`)]
    }
    if (text === 'console' && source.package !== law.PRINTING_PACKAGE) {
      return [violation(source.path, line, 'print', 'uses console')]
    }
    return []
  })
}

/** @param {Source} source @returns {Violation[]} */
function checkFloor(source) {
  if (source.package !== 'client' || source.floor in law.FLOORS) return []
  const what = `${source.floor} is no floor of the house; scripts/lib/law.mjs names them`
  return [violation(source.path, 1, 'down', what)]
}

/** @param {Source[]} sources @returns {Violation[]} */
function checkCircles(sources) {
  const graph = new Map(
    sources.map((source) => {
      const names = source.imports.map(({ from }) => from).filter((from) => from?.startsWith('.'))
      return [source.path, names.map((from) => target(source, from ?? ''))]
    }),
  )
  return findCircles(graph).map((circle) => {
    const [first = '', second = first] = circle
    const source = sources.find(({ path }) => path === first)
    const entry = source?.imports.find(({ from }) => from && target(source, from) === second)
    return violation(first, entry?.line ?? 1, 'circle', [...circle, first].join(' → '))
  })
}

/** @param {Source[]} sources @returns {Violation[]} */
function checkWebDoors(sources) {
  const byPath = new Map(sources.map((source) => [source.path, source]))
  const reached = new Set(law.WEB_DOORS.filter((door) => byPath.has(door)))
  // A Set goes on with what is added to it meanwhile.
  for (const path of reached) {
    for (const { from } of byPath.get(path)?.imports ?? []) {
      if (from?.startsWith('.')) reached.add(target({ path }, from))
    }
  }
  return [...reached].flatMap((path) =>
    (byPath.get(path)?.imports ?? [])
      .filter(({ from, optional }) => from !== undefined && !optional && isBuiltin(from))
      .map(({ from, line }) => violation(path, line, 'web', `imports ${from}`)),
  )
}

const DEPENDENCY_FIELDS = /** @type {const} */ ([
  'dependencies',
  'optionalDependencies',
  'peerDependencies',
])

/** @param {Package['manifest']} manifest @param {string} field @param {string} name */
function isOptionalPeer({ peerDependenciesMeta }, field, name) {
  return (
    field === 'peerDependencies' &&
    name in law.CLIENT_PEERS &&
    peerDependenciesMeta?.[name]?.optional === true
  )
}

/** @param {string} root @param {Package} pkg @returns {Violation[]} */
function checkManifest(root, { folder, path, manifest }) {
  const file = relative(root, join(path, 'package.json')).split(sep).join('/')
  const text = readFileSync(join(path, 'package.json'), 'utf8').split('\n')
  return DEPENDENCY_FIELDS.flatMap((field) =>
    Object.keys(manifest[field] ?? {}).flatMap((name) => {
      const line = text.findIndex((row) => row.includes(`"${name}":`)) + 1
      if (folder === 'client') {
        if (isOptionalPeer(manifest, field, name)) return []
        return [violation(file, line, 'dependencies', `${field} holds ${name}`)]
      }
      const rank = law.PACKAGES.indexOf(name.slice(law.SCOPE.length))
      if (!name.startsWith(law.SCOPE) || rank < law.PACKAGES.indexOf(folder)) return []
      return [violation(file, line, 'packages', `${field} of ${folder} holds ${name}`)]
    }),
  )
}

/** @param {string} root */
function check(root) {
  const packages = packagesOf(root)
  const sources = packages.flatMap((pkg) => sourcesOf(root, pkg))
  const violations = [
    ...packages.flatMap((pkg) => checkManifest(root, pkg)),
    ...sources.flatMap((source) => checkFloor(source)),
    ...sources.flatMap((source) => checkImports(source, packages)),
    ...sources.flatMap((source) => checkWords(source)),
    ...checkCircles(sources),
    ...checkWebDoors(sources),
  ]
  return { files: sources.length, violations }
}

const root = resolve(process.argv[2] ?? ROOT)
if (!existsSync(join(root, 'packages'))) throw new Error(`${root} has no packages folder`)
const { files, violations } = check(root)
for (const { path, line, what, rule } of violations) {
  console.error(`${path}:${line}: ${what} (law: ${rule})`)
}
console.log(`check-layers: ${files} files, ${violations.length} violations of the law`)
// A check that read nothing has shown nothing.
process.exitCode = violations.length > 0 || files === 0 ? 1 : 0
