// Whether somebody accepts connections at an address.

import { setTimeout as sleep } from 'node:timers/promises'
import { connectNode } from '@fastcgi/client'

const FIRST_PAUSE = 5
const LONGEST_PAUSE = 100
const NOBODY = { data: () => {}, drain: () => {}, close: () => {} }

/** Makes a connection and closes it again. @throws what connect(2) says; the reason of the signal */
export async function checkConnection(address: string, signal: AbortSignal): Promise<void> {
  const transport = await connectNode(address)(NOBODY, signal)
  transport.destroy()
}

/** Tries until a connection can be made. @throws the reason of the signal, which alone ends it otherwise */
export async function untilListening(address: string, signal: AbortSignal): Promise<void> {
  for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
    try {
      return await checkConnection(address, signal)
    } catch {
      signal.throwIfAborted()
      // Aborted while it sleeps: the next attempt says so, with the reason.
      await sleep(pause, undefined, { signal }).catch(() => {})
    }
  }
}
