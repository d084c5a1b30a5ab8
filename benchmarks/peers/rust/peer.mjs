// The Rust crate `fastcgi-client`, built by cargo on first use; plain, and over a buffered stream.

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { BENCHMARKS } from '../../lib/paths.mjs'
import { environment } from '../../subjects/clients.mjs'

const PROJECT = join(BENCHMARKS, 'peers', 'rust')
const TARGET = join(BENCHMARKS, 'build', 'rust')

/** @type {string | undefined | null} why it cannot be built; null until it was tried */
let reason = null

function build() {
  if (reason !== null) return reason
  const args = ['build', '--release', '--quiet', '--locked', '--target-dir', TARGET]
  const { status, error, stderr } = spawnSync('cargo', args, { cwd: PROJECT, encoding: 'utf8' })
  if (error) reason = `cargo cannot be run (${error.message})`
  else reason = status === 0 ? undefined : `cargo build failed: ${stderr.trim().split('\n').at(-1)}`
  return reason
}

/** The version of the crate that is locked. */
function version() {
  const lock = readFileSync(join(PROJECT, 'Cargo.lock'), 'utf8')
  return /name = "fastcgi-client"\nversion = "([^"]+)"/.exec(lock)?.[1] ?? 'unknown'
}

/**
 * @param {'plain' | 'buffered'} mode @param {string} title
 * @returns {import('../../subjects/clients.mjs').ClientSubject}
 */
function rust(mode, title) {
  return {
    id: `rust-${mode}`,
    title,
    peer: true,
    own: false,
    openLoop: false,
    missing: build,
    version,
    command: (target) => ({
      file: join(TARGET, 'release', 'rust-fastcgi-client'),
      args: [mode],
      env: environment(target),
    }),
  }
}

export const rustPlain = rust('plain', 'Rust fastcgi-client')
export const rustBuffered = rust('buffered', 'Rust fastcgi-client, buffered')
