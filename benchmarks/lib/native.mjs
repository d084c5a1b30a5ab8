// The programs in C, compiled on first use and whenever their source has changed.

import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { BENCHMARKS } from './paths.mjs'

const SOURCES = join(BENCHMARKS, 'native')
const FLAGS = ['-O2', '-Wall', '-Wextra', '-Wno-sign-compare']

/** @param {'responder' | 'load'} name @returns {string} its path */
export function nativeProgram(name) {
  const folder = join(BENCHMARKS, 'build')
  const binary = join(folder, name)
  const newest = Math.max(...readdirSync(SOURCES).map((file) => changed(join(SOURCES, file))))
  if (existsSync(binary) && changed(binary) >= newest) return binary
  mkdirSync(folder, { recursive: true })
  const compiler = process.env.CC ?? 'cc'
  execFileSync(compiler, [...FLAGS, '-o', binary, join(SOURCES, `${name}.c`)], { stdio: 'inherit' })
  return binary
}

/** @param {string} path */
function changed(path) {
  return statSync(path).mtimeMs
}
