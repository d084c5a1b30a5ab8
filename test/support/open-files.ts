// Files that this process has open, as the kernel knows them: what temporary files are left.

import { existsSync, fstatSync, readdirSync, readlinkSync } from 'node:fs'

const DESCRIPTORS = '/proc/self/fd'

/** Why a test that looks at open files is skipped; false when it can run. */
export const NO_OPEN_FILES: string | false = existsSync(DESCRIPTORS)
  ? false
  : `there is no ${DESCRIPTORS} on this system`

/** The sizes of the open files in a folder, in bytes, whether they still have a name or not. */
export function openFilesIn(directory: string): number[] {
  const sizes: number[] = []
  for (const fd of readdirSync(DESCRIPTORS)) {
    try {
      if (!readlinkSync(`${DESCRIPTORS}/${fd}`).startsWith(`${directory}/`)) continue
      sizes.push(fstatSync(Number(fd)).size)
    } catch {
      // The descriptor that the folder was listed with, which is gone.
    }
  }
  return sizes
}
