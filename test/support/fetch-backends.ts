// A fetch handler over the real client, with a backend in memory behind it.

import type { TestContext } from 'node:test'
import { Pool, type PoolOptions } from '@fastcgi/client'
import { createFetch, type FetchHandler, type FetchOptions } from '@fastcgi/client/http'
import {
  ResponderConnection,
  type ResponderHandler,
  type ResponderOptions,
} from '@fastcgi/client/responder'
import { connectMemory, scriptedPeer, type PeerScript } from '@fastcgi/client/testing'

/** A handler and the pool behind it, which has one connection unless told otherwise. */
export interface Backend {
  readonly pool: Pool
  readonly php: FetchHandler
}

/** A backend that follows a script, right or wrong. */
export function peerFetch(
  t: TestContext,
  script: PeerScript,
  options: Partial<FetchOptions> = {},
  poolOptions: PoolOptions = {},
): Backend {
  return backend(t, { ...poolOptions, connect: scriptedPeer(script) }, options)
}

/** A backend that is an application of this package. */
export function applicationFetch(
  t: TestContext,
  application: ResponderHandler,
  options: Partial<FetchOptions> = {},
  responderOptions: ResponderOptions = {},
): Backend {
  return backend(t, { connect: memoryResponder(application, responderOptions) }, options)
}

/** A connector to an application of this package. */
export function memoryResponder(
  application: ResponderHandler,
  options: ResponderOptions = {},
): ReturnType<typeof connectMemory> {
  return connectMemory(
    (transport) => new ResponderConnection(transport, application, options, () => {}),
  )
}

function backend(
  t: TestContext,
  poolOptions: PoolOptions,
  options: Partial<FetchOptions>,
): Backend {
  const pool = new Pool('unix:/backend', { connections: 1, ...poolOptions })
  t.after(() => pool.destroy())
  return { pool, php: createFetch(pool, { root: '/srv', ...options }) }
}
