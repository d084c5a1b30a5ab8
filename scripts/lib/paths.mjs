// Where things are.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The root of the repository. */
export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
/** Compiled tests, as test/tsconfig.json writes them. */
export const BUILT_TESTS = join(ROOT, 'build', 'test')
/** The web site as it is built for its tests. */
export const TESTED_SITE = join(ROOT, 'build', 'website')
/** Other versions of Node, installed apart so that none of them shadows `node`. */
export const RUNTIMES = join(ROOT, 'test', 'runtimes')

/**
 * Every file below a folder, with `/` in its relative path on every system, sorted.
 * @param {string} folder
 * @returns {string[]}
 */
export function filesBelow(folder) {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((path) => !path.split('/').includes('node_modules'))
    .toSorted()
}

/**
 * @param {string} path
 * @returns {any} what the file says
 */
export function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'))
}

/**
 * The part of a package.json that the checks read.
 * @typedef {object} Manifest
 * @property {string} name
 * @property {boolean} [private]
 * @property {Record<string, { types: string, default: string } | string>} [exports]
 * @property {Record<string, string>} [dependencies]
 * @property {Record<string, string>} [peerDependencies]
 * @property {Record<string, { optional?: boolean }>} [peerDependenciesMeta]
 * @property {Record<string, string>} [optionalDependencies]
 */

/**
 * The packages of a monorepo, lowest first where the order is known.
 * @param {string} root
 * @returns {{ folder: string, path: string, manifest: Manifest }[]}
 */
export function packagesOf(root) {
  const all = join(root, 'packages')
  return readdirSync(all)
    .filter((folder) => existsSync(join(all, folder, 'package.json')))
    .map((folder) => {
      const path = join(all, folder)
      return { folder, path, manifest: readJson(join(path, 'package.json')) }
    })
}
