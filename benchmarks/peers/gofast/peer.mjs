// The Go package gofast, built by go on first use.

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { BENCHMARKS } from '../../lib/paths.mjs'
import { HEAD_LENGTH } from '../../lib/responder.mjs'
import { environment } from '../../subjects/clients.mjs'

const PROJECT = join(BENCHMARKS, 'peers', 'gofast')
const PROGRAM = join(BENCHMARKS, 'build', 'gofast-client')

/** @type {string | undefined | null} why it cannot be built; null until it was tried */
let reason = null

function build() {
  if (reason !== null) return reason
  const args = ['build', '-mod=readonly', '-o', PROGRAM, '.']
  const { status, error, stderr } = spawnSync('go', args, { cwd: PROJECT, encoding: 'utf8' })
  if (error) reason = `go cannot be run (${error.message})`
  else reason = status === 0 ? undefined : `go build failed: ${stderr.trim().split('\n').at(-1)}`
  return reason
}

/** @type {import('../../subjects/clients.mjs').ClientSubject} */
export const gofast = {
  id: 'gofast',
  title: 'Go gofast',
  peer: true,
  own: false,
  openLoop: false,
  missing: build,
  version() {
    const modules = readFileSync(join(PROJECT, 'go.mod'), 'utf8')
    return /gofast v(\S+)/.exec(modules)?.[1] ?? 'unknown'
  },
  command: (target) => ({
    file: PROGRAM,
    env: { ...environment(target), BODY: `${target.length - HEAD_LENGTH}`, GOMAXPROCS: '1' },
  }),
}
