// The client beside a raw socket, and beside clients of other languages.

import { compareClients } from '../lib/compare-clients.mjs'
import { present } from '../lib/present.mjs'
import { HEAD_LENGTH, startResponder, TINY } from '../lib/responder.mjs'
import { runtimes } from '../lib/runtimes.mjs'
import { gofast } from '../peers/gofast/peer.mjs'
import { rustBuffered, rustPlain } from '../peers/rust/peer.mjs'
import { npmClient, ownClients } from '../subjects/clients.mjs'

const PEERS = [rustPlain, rustBuffered, gofast, npmClient]

export const title = 'Clients'

/**
 * @param {import('../lib/scope.mjs').Scope} scope @param {import('../lib/options.mjs').Options} options
 */
export async function run(scope, options) {
  const sockets = await startResponder(scope, { tiny: TINY })
  const target = { socket: sockets.tiny, length: HEAD_LENGTH + TINY }
  const { floor, dispatch, execute, prepared } = ownClients(runtimes.node)
  const all = present([floor, dispatch, execute, prepared, ...PEERS], options)
  const missing = [...all.missing]
  const sections = [
    await compareClients(
      scope,
      all.present,
      {
        id: 'client',
        title: `${runtimes.node.title}, 16 connections`,
        base: 'floor',
        target,
        connections: 16,
        rate: 2000,
      },
      options,
    ),
    await compareClients(
      scope,
      present([floor, execute, rustBuffered], options).present,
      {
        id: 'client-one',
        title: `${runtimes.node.title}, 1 connection`,
        base: 'floor',
        target,
        connections: 1,
        main: 'p50',
      },
      options,
    ),
  ]
  for (const runtime of [runtimes.node24, runtimes.bun, runtimes.deno]) {
    const own = ownClients(runtime)
    // Node has one kind of sockets.
    const subjects = [own.floor, own.execute, ...(runtime === runtimes.node24 ? [] : [own.other])]
    const found = present(subjects, options)
    missing.push(
      ...found.missing.slice(0, 1).map(({ reason }) => ({ title: runtime.title, reason })),
    )
    if (found.present.length === 0) continue
    sections.push(
      await compareClients(
        scope,
        found.present,
        {
          id: `client-${runtime.id}`,
          title: `${runtime.title}, 16 connections`,
          base: 'floor',
          target,
          connections: 16,
          rate: 2000,
        },
        options,
      ),
    )
  }
  return { sections, missing }
}
