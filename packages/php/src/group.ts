// Process groups: a backend and everything it has started, ended together.

import { spawnSync } from 'node:child_process'
import process from 'node:process'

/** Kills a group by the pid of its leader, which may be gone already. */
export function killGroup(leader: number): void {
  if (process.platform === 'win32') {
    // Windows knows no groups; the tree below a process comes closest.
    spawnSync('taskkill', ['/pid', String(leader), '/t', '/f'], { windowsHide: true })
    return
  }
  signal(-leader, 'SIGKILL')
}

/** Signals one process, which may just have ended. @returns false when it has */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    // macOS says EPERM of a group whose members have ended and were not yet waited for.
    if (code === 'ESRCH' || code === 'EPERM') return false
    throw error
  }
}
