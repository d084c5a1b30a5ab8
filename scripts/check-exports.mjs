// What each package offers is what it says, and what it shall: doors, public names, packed files.
//
//   node scripts/check-exports.mjs              check (after a build)
//   node scripts/check-exports.mjs --update     write the public names to scripts/exports
//   node scripts/check-exports.mjs --no-pack    without npm pack, publint and attw
//   node scripts/check-exports.mjs <root>       another root: to try it on a broken copy

import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { declaredNames } from './lib/declared-names.mjs'
import { pack } from './lib/pack.mjs'
import { filesBelow, packagesOf, readJson, ROOT } from './lib/paths.mjs'
import { capture, tool } from './lib/run.mjs'

/**
 * @typedef {ReturnType<typeof packagesOf>[number]} Package
 * @typedef {{ name: string, types?: string, file?: string }} Door
 * @typedef {Record<string, { values: string[], types: string[] }>} PublicNames
 */

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  allowNegative: true,
  options: {
    update: { type: 'boolean', default: false },
    pack: { type: 'boolean', default: true },
  },
})
const root = resolve(positionals[0] ?? ROOT)

/** The doors that are code; `./package.json` is offered as it is. */
/** @param {Package} pkg @returns {Door[]} */
function doorsOf({ manifest }) {
  return Object.entries(manifest.exports ?? {}).flatMap(([name, target]) =>
    typeof target === 'object' ? [{ name, types: target.types, file: target.default }] : [],
  )
}

/** @param {string} target in dist @returns {string} the file it is compiled from */
function sourceOf(target) {
  return target.replace(/^\.\/dist\//, 'src/').replace(/(\.d\.ts|\.js)$/, '.ts')
}

/** Every export leads to a source, a program and its types. */
/** @param {Package} pkg @param {Door} door @returns {string[]} */
function checkDoor(pkg, { name, types, file }) {
  if (!types || !file) return [`exports "${name}" needs "types" and "default"`]
  if (!existsSync(join(pkg.path, sourceOf(file)))) {
    return [`exports "${name}", but there is no ${sourceOf(file)}`]
  }
  return [types, file]
    .filter((target) => !existsSync(join(pkg.path, target)))
    .map((target) => `exports "${name}": ${target} does not exist; run npm run build`)
}

/** Every folder of src with an index.ts is a door, and so is src/index.ts. */
/** @param {Package} pkg @param {Door[]} doors @returns {string[]} */
function checkSourceDoors(pkg, doors) {
  const exported = new Set(doors.map(({ file }) => sourceOf(file ?? '')))
  return filesBelow(join(pkg.path, 'src'))
    .filter((file) => /^([^/]+\/)?index\.ts$/.test(file))
    .map((file) => `src/${file}`)
    .filter((file) => !exported.has(file))
    .map((file) => `${file} is a door, but package.json does not export it`)
}

/** @param {Package} pkg @param {Door[]} doors @returns {PublicNames} */
function publicNames(pkg, doors) {
  return Object.fromEntries(
    doors
      .filter(({ types }) => types && existsSync(join(pkg.path, types)))
      .map(({ name, types }) => [name, declaredNames(join(pkg.path, types ?? ''))]),
  )
}

/** The types promise neither more nor less than the program has. */
/** @param {Package} pkg @param {Door} door @param {string[]} declared @returns {Promise<string[]>} */
async function checkRuntimeNames(pkg, { name, file }, declared) {
  let actual
  try {
    actual = Object.keys(await import(pathToFileURL(join(pkg.path, file ?? '')).href))
  } catch (error) {
    return [`"${name}" cannot be loaded: ${String(error)}`]
  }
  const missing = declared.filter((each) => !actual.includes(each))
  const silent = actual.filter((each) => !declared.includes(each))
  return [
    ...missing.map((each) => `"${name}" declares ${each}, but the program has no such export`),
    ...silent.map((each) => `"${name}" exports ${each}, but its types do not declare it`),
  ]
}

/** @param {PublicNames} names @returns {Set<string>} one line a name */
function rows(names) {
  return new Set(
    Object.entries(names).flatMap(([door, { values, types }]) =>
      values.concat(types.map((name) => `type ${name}`)).map((name) => `"${door}" ${name}`),
    ),
  )
}

/** Where the names of a package are committed. */
/** @param {Package} pkg */
function listOf(pkg) {
  return join(root, 'scripts', 'exports', `${pkg.folder}.json`)
}

/** @param {Package} pkg @param {PublicNames} names */
function writeList(pkg, names) {
  mkdirSync(join(root, 'scripts', 'exports'), { recursive: true })
  writeFileSync(listOf(pkg), `${JSON.stringify(names, null, 2)}\n`)
}

/** An export that comes or goes must be seen in the diff of the committed list. */
/** @param {Package} pkg @param {PublicNames} names @returns {string[]} */
function checkCommitted(pkg, names) {
  const path = listOf(pkg)
  const committed = rows(existsSync(path) ? readJson(path) : {})
  const actual = rows(names)
  const changes = [
    ...[...actual].filter((row) => !committed.has(row)).map((row) => `new export: ${row}`),
    ...[...committed].filter((row) => !actual.has(row)).map((row) => `export is gone: ${row}`),
  ]
  const hint = `if that is meant, run: node scripts/check-exports.mjs --update`
  return changes.length === 0 ? [] : [...changes, hint]
}

const EXPECTED_FILES = ['README.md', 'LICENSE', 'package.json']
/** What a package may say about the licences of others. */
const OPTIONAL_FILES = new Set(['NOTICE'])

/** @param {string[]} files as packed @returns {string[]} */
function checkPackedFiles(files) {
  const missing = EXPECTED_FILES.filter((file) => !files.includes(file))
  const stray = files.filter((file) => {
    if (EXPECTED_FILES.includes(file) || OPTIONAL_FILES.has(file)) return false
    return (
      /\.(test|spec)\.|tsbuildinfo/.test(file) || !/^(dist|src|bin)\/.*\.(ts|js|map)$/.test(file)
    )
  })
  return [
    ...missing.map((file) => `${file} is not in the package`),
    ...stray.map((file) => `${file} is in the package, and should not be`),
  ]
}

/** What the ecosystem's own checks say about the tarball. */
/** @param {string} tarball @returns {Promise<string[]>} */
async function checkTarball(tarball) {
  const checks = [
    { name: 'publint', program: tool('publint'), args: ['run', tarball, '--strict'] },
    {
      name: 'attw',
      program: tool('@arethetypeswrong/cli', 'attw'),
      args: [tarball, '--profile', 'esm-only'],
    },
  ]
  const found = checks.map(async ({ name, program, args }) => {
    const result = await capture(process.execPath, [program, ...args], { timeout: 60_000 })
    return result.code === 0 ? [] : [`${name}:\n${result.stdout}${result.stderr}`]
  })
  return (await Promise.all(found)).flat()
}

/** @param {Package} pkg @returns {Promise<string[]>} */
async function checkPacked(pkg) {
  const folder = mkdtempSync(join(tmpdir(), 'fastcgi-pack-'))
  try {
    const { files, tarball } = await pack(pkg.path, folder)
    return [...checkPackedFiles(files), ...(await checkTarball(tarball))]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** @param {Package} pkg @returns {Promise<string[]>} */
async function checkPackage(pkg) {
  const doors = doorsOf(pkg)
  const problems = [
    ...doors.flatMap((door) => checkDoor(pkg, door)),
    ...checkSourceDoors(pkg, doors),
  ]
  const names = publicNames(pkg, doors)
  for (const door of doors) {
    if (checkDoor(pkg, door).length > 0) continue
    problems.push(...(await checkRuntimeNames(pkg, door, names[door.name]?.values ?? [])))
  }
  // An incomplete build must not make an incomplete list.
  if (options.update && problems.length === 0) writeList(pkg, names)
  problems.push(...checkCommitted(pkg, names))
  if (options.pack) problems.push(...(await checkPacked(pkg)))
  const count = rows(names).size
  console.log(`${pkg.manifest.name}: ${doors.length} doors, ${count} public names`)
  return problems.map((problem) => `packages/${pkg.folder}: ${problem}`)
}

const packages = packagesOf(root).filter(({ manifest }) => !manifest.private)
const problems = []
for (const pkg of packages) problems.push(...(await checkPackage(pkg)))
for (const problem of problems) console.error(problem)
console.log(`check-exports: ${packages.length} packages, ${problems.length} problems`)
// A check that read nothing has shown nothing.
process.exitCode = problems.length > 0 || packages.length === 0 ? 1 : 0
