// Large bodies through this project's client.

import { Pool } from '@fastcgi/client'

const CHUNK = new Uint8Array(65_536)

/** @param {import('../client/setup.mjs').Setup} setup */
export async function streamDown({ socket, params, length }) {
  const pool = new Pool(`unix:${socket}`)
  let received = 0
  for await (const { type, data } of pool.stream({ params })) {
    if (type === 'stdout') received += data.length
  }
  await pool.close()
  if (received !== length) throw new Error(`${received} bytes of answer, not ${length}`)
}

/** @param {import('../client/setup.mjs').Setup} setup @param {number} bytes */
export async function streamUp({ socket, params, length }, bytes) {
  const pool = new Pool(`unix:${socket}`)
  const stdin = chunks(bytes)
  const { stdout } = await pool.execute({ params: { ...params, CONTENT_LENGTH: bytes }, stdin })
  await pool.close()
  if (stdout.length !== length) throw new Error(`${stdout.length} bytes of answer, not ${length}`)
}

/** @param {number} bytes */
async function* chunks(bytes) {
  for (let left = bytes; left > 0; left -= CHUNK.length) {
    yield left < CHUNK.length ? CHUNK.subarray(0, left) : CHUNK
  }
}
