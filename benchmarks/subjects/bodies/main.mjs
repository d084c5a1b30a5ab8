// One large body for each line on stdin, `BYTES`, in a process of its own: `main.mjs KIND`.

import process from 'node:process'
import { createInterface } from 'node:readline'
import { setup } from '../client/setup.mjs'
import { streamDown, streamUp } from './client.mjs'
import { rawDown, rawDownOneBuffer, rawUp } from './raw.mjs'

/** @type {Record<string, (setup: import('../client/setup.mjs').Setup, bytes: number) => Promise<void>>} */
const KINDS = {
  'raw-down': rawDown,
  'raw-down-one-buffer': rawDownOneBuffer,
  'stream-down': streamDown,
  'raw-up': rawUp,
  'stream-up': streamUp,
}

const transfer = KINDS[process.argv[2] ?? '']
if (!transfer) throw new TypeError(`a kind of transfer is one of ${Object.keys(KINDS).join(', ')}`)
const given = setup()
for await (const line of createInterface({ input: process.stdin })) {
  const start = performance.now()
  await transfer(given, Number(line))
  console.log(JSON.stringify({ seconds: (performance.now() - start) / 1000 }))
}
