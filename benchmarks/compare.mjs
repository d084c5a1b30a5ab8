// Measures two revisions of this project against each other, in the same rounds.
//
//   npm run bench:compare A B [-- --rounds N --seconds S]

import { closeOnSignals } from './lib/signals.mjs'
import { compareClients } from './lib/compare-clients.mjs'
import { compareServers } from './lib/compare-servers.mjs'
import { writeRequest } from './lib/load.mjs'
import { fromCommandLine, parseComparison } from './lib/options.mjs'
import { BACKEND_CONNECTIONS, HEAD_LENGTH, startResponder, TINY } from './lib/responder.mjs'
import { runtimes } from './lib/runtimes.mjs'
import { Scope } from './lib/scope.mjs'
import { documentRoot } from './lib/server-subject.mjs'
import { checkOut, inTree } from './lib/trees.mjs'
import { failures, groupText } from './report/table.mjs'
import { ownClients } from './subjects/clients.mjs'
import { gatewayBun, gatewayNode } from './subjects/servers.mjs'

/** @typedef {ReturnType<typeof checkOut>} Tree */

/**
 * @param {Scope} scope @param {readonly Tree[]} trees @param {import('./lib/options.mjs').Options} options
 */
async function measure(scope, trees, options) {
  const sockets = await startResponder(scope, { tiny: TINY })
  const target = { socket: sockets.tiny, length: HEAD_LENGTH + TINY }
  const base = trees[0]?.revision ?? ''
  const request = writeRequest(scope.folder('request'), 'get')
  const site = {
    root: documentRoot(scope),
    backend: async () => sockets.tiny,
    backendConnections: BACKEND_CONNECTIONS,
  }
  const sections = []
  for (const client of Object.values(ownClients(runtimes.node)).filter(({ own }) => own)) {
    const comparison = {
      id: client.id,
      title: client.title,
      base,
      target,
      connections: 16,
      rate: 2000,
    }
    const both = trees.map((tree) => inTree(client, tree))
    sections.push(await scope.within((part) => compareClients(part, both, comparison, options)))
  }
  for (const gateway of [gatewayNode, gatewayBun].filter((each) => each.missing() === undefined)) {
    const load = { request, length: TINY }
    const comparison = {
      id: gateway.id,
      title: gateway.title,
      base,
      ...site,
      load,
      rate: 2000,
      main: /** @type {const} */ ('cpu'),
    }
    const both = trees.map((tree) => inTree(gateway, tree))
    sections.push(await scope.within((part) => compareServers(part, both, comparison, options)))
  }
  return sections
}

const { revisions, ...options } = fromCommandLine(() => parseComparison(process.argv.slice(2)))
const scope = new Scope()
closeOnSignals(scope)
try {
  const trees = revisions.map((revision) => checkOut(scope, revision))
  const sections = await measure(scope, trees, options)
  const { rounds, seconds } = options
  const when = new Date().toISOString()
  const group = {
    name: 'compare',
    title: revisions.join(' : '),
    when,
    rounds,
    seconds,
    sections,
    missing: [],
  }
  console.log(groupText(group))
  process.exitCode = sections.flatMap(failures).length > 0 ? 1 : 0
} finally {
  await scope.close()
}
