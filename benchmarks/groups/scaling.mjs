// How costs grow with the size of a request and with the number of connections, and what a connection costs that does nothing.

import { compareClients } from '../lib/compare-clients.mjs'
import { compareIdle } from '../lib/compare-idle.mjs'
import { compareServers } from '../lib/compare-servers.mjs'
import { writeRequest } from '../lib/load.mjs'
import { present } from '../lib/present.mjs'
import { BACKEND_CONNECTIONS, HEAD_LENGTH, startResponder, TINY } from '../lib/responder.mjs'
import { runtimes } from '../lib/runtimes.mjs'
import { documentRoot } from '../lib/server-subject.mjs'
import { nginxKeep } from '../peers/nginx/peer.mjs'
import { ownClients } from '../subjects/clients.mjs'
import { gatewayNode } from '../subjects/servers.mjs'

/** Headers that every request has, with Host. */
const OWN_HEADERS = 5

export const title = 'Scaling'

/**
 * @param {import('../lib/scope.mjs').Scope} scope @param {import('../lib/options.mjs').Options} options
 */
export async function run(scope, options) {
  const sockets = await startResponder(scope, { tiny: TINY })
  const folder = scope.folder('request')
  const target = { socket: sockets.tiny, length: HEAD_LENGTH + TINY }
  const { execute, floor } = ownClients(runtimes.node)
  const clients = [
    { ...execute, id: 'base', title: '20 params, 16 connections' },
    {
      ...execute,
      id: 'params',
      title: '200 params, 16 connections',
      command: () => execute.command({ ...target, params: 200 }),
    },
    { ...execute, id: 'connections', title: '20 params, 256 connections', connections: 256 },
    { ...floor, title: 'raw sockets, 16 connections' },
    {
      ...floor,
      id: 'floor-connections',
      title: 'raw sockets, 256 connections',
      connections: 256,
    },
  ]
  const load = { request: writeRequest(folder, 'few', { headers: headers(10) }), length: TINY }
  const many = writeRequest(folder, 'many', { headers: headers(100) })
  const servers = [
    { ...gatewayNode, id: 'base', title: '10 headers, 16 connections' },
    {
      ...gatewayNode,
      id: 'headers',
      title: '100 headers, 16 connections',
      load: { request: many },
    },
    {
      ...gatewayNode,
      id: 'connections',
      title: '10 headers, 256 connections',
      load: { connections: 256 },
    },
  ]
  const site = { root: documentRoot(scope), backend: sockets.tiny }
  const idle = present([nginxKeep, gatewayNode], options)
  const sections = [
    await scope.within((own) =>
      compareClients(
        own,
        clients,
        {
          id: 'scaling-client',
          title: `execute, ${runtimes.node.title}`,
          base: 'base',
          target,
          connections: 16,
          rate: 2000,
        },
        options,
      ),
    ),
    await scope.within((own) =>
      compareServers(
        own,
        servers,
        {
          id: 'scaling-gateway',
          title: gatewayNode.title,
          base: 'base',
          main: 'cpu',
          root: site.root,
          backend: async () => site.backend,
          load,
          rate: 2000,
          backendConnections: BACKEND_CONNECTIONS,
        },
        options,
      ),
    ),
    await compareIdle(
      scope,
      {
        servers: idle.present,
        client: execute,
        base: idle.present.includes(nginxKeep) ? nginxKeep.id : gatewayNode.id,
        site,
        load,
        target,
      },
      options.rounds,
    ),
  ]
  return { sections, missing: idle.missing }
}

/** @param {number} count of all headers of the request @returns {Record<string, string>} */
function headers(count) {
  const names = Array.from({ length: count - OWN_HEADERS }, (_, number) => number)
  return Object.fromEntries(
    names.map((number) => [`X-Header-${number}`, `value number ${number} of a header`]),
  )
}
