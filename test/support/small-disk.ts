// A disk that is soon full: a file system of 1 MiB of a test's own.

import { spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Scope } from './process.ts'

/** Why a test that needs one is skipped. */
export const NO_SMALL_DISK = 'a small file system takes the right to mount one'

/** The folder it is mounted on; undefined when this process must not mount anything. */
export async function smallDisk(scope: Scope): Promise<string | undefined> {
  const directory = await mkdtemp(join(tmpdir(), 'fcgi-disk-'))
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', directory])
  const mounted = status === 0
  scope.after(async () => {
    if (mounted) spawnSync('umount', ['-l', directory])
    await rm(directory, { recursive: true, force: true })
  })
  return mounted ? directory : undefined
}
