// Connections that are open and do nothing, to see what each costs.

import { Pool } from '@fastcgi/client'

/** @param {import('./setup.mjs').Setup} setup @param {number} connections */
export async function holdIdle({ socket, params }, connections) {
  const pool = new Pool(`unix:${socket}`, { connections, keepAliveTimeout: 600_000 })
  await Promise.all(Array.from({ length: connections }, () => pool.execute({ params })))
  globalThis.gc?.()
  return { connected: pool.stats.connected }
}
