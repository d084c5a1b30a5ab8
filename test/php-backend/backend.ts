// Backends that a test starts with startPhp, requests for them, and what they must not leave behind.

import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { FastCGIRequest } from '@fastcgi/client'
import { startPhp, type BackendKind, type Php, type StartPhpOptions } from '@fastcgi/php'
import { ROOT } from '../support/paths.ts'
import { php, type PhpRequest } from '../support/php.ts'
import { until, type Scope } from '../support/process.ts'

/** The document root of these tests. */
export const SITE: string = join(ROOT, 'test', 'php-backend', 'site')
export const KINDS: readonly BackendKind[] = ['php-fpm', 'php-cgi', 'embedded']

/** Why tests that look at processes do not run here; false where they do. */
export const NO_PROC: string | false = existsSync('/proc/self/stat')
  ? false
  : 'needs /proc to see which processes are left'

/** A backend and all that it said. */
export interface Started {
  readonly php: Php
  readonly log: string[]
}

/** Starts a backend that does not outlive its scope. */
export async function start(scope: Scope, options: Partial<StartPhpOptions>): Promise<Started> {
  const log: string[] = []
  const onLog: StartPhpOptions['onLog'] = ({ level, message, source }) => {
    log.push(`${source} ${level}: ${message}`)
  }
  const started = await startPhp({ root: SITE, onLog, ...options })
  scope.after(() => started.destroy())
  return { php: started, log }
}

/** A request for a script of the site. */
export function page(script: string, request: PhpRequest = {}): FastCGIRequest {
  const params = { SCRIPT_FILENAME: join(SITE, script), DOCUMENT_ROOT: SITE, ...request.params }
  return php(script, { ...request, params })
}

/** The private folder of a backend. */
export function folderOf({ address }: Pick<Php, 'address'>): string {
  return dirname(address.replace(/^unix:/, ''))
}

/** The pids of the process group, those that have ended and were not yet waited for excepted. */
export function membersOf(group: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      const [state, , itsGroup] = statOf(name)
      return itsGroup === String(group) && state !== 'Z'
    })
    .map(Number)
}

/** Whether there is such a process, and it has not ended. */
export function isAlive(pid: number): boolean {
  const [state = 'Z'] = statOf(String(pid))
  return state !== 'Z'
}

/** State, parent and group; nothing when it is gone. The name before them may hold anything. */
function statOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ')
  } catch {
    return []
  }
}

/** What a backend consists of, taken while it runs. */
export interface Traces {
  readonly folder: string
  readonly group: number
  readonly guard: number
}

export function tracesOf(started: Php): Traces {
  const { pid, guardPid } = started.stats
  assert.ok(pid !== undefined && guardPid !== undefined)
  return { folder: folderOf(started), group: pid, guard: guardPid }
}

/** No process, no socket, no file. */
export function assertGone({ folder, group, guard }: Traces): void {
  assert.deepEqual(membersOf(group), [])
  assert.equal(isAlive(guard), false)
  assert.equal(existsSync(folder), false)
}

/** The same, for what nobody has waited for. */
export async function untilGone({ folder, group, guard }: Traces): Promise<void> {
  await until('processes and folder are gone', () => {
    return membersOf(group).length === 0 && !isAlive(guard) && !existsSync(folder)
  })
}
