// A pool whose backend follows a script.

import type { TestContext } from 'node:test'
import { Pool, type PoolOptions } from '@fastcgi/client'
import { scriptedPeer, type PeerScript } from '@fastcgi/client/testing'

/** A pool of one connection, unless `options` say otherwise, that is destroyed after the test. */
export function poolOf(t: TestContext, script: PeerScript, options: PoolOptions = {}): Pool {
  const pool = new Pool('unix:/peer', { connections: 1, ...options, connect: scriptedPeer(script) })
  t.after(() => pool.destroy())
  return pool
}
