// HTTP in, FastCGI out: the gateway beside the servers that people put in front of PHP.

import { compareServers } from '../lib/compare-servers.mjs'
import { writeRequest } from '../lib/load.mjs'
import { present } from '../lib/present.mjs'
import { BACKEND_CONNECTIONS, startResponder, TINY } from '../lib/responder.mjs'
import { documentRoot } from '../lib/server-subject.mjs'
import { apache } from '../peers/apache/peer.mjs'
import { caddy } from '../peers/caddy/peer.mjs'
import { haproxy } from '../peers/haproxy/peer.mjs'
import { lighttpd } from '../peers/lighttpd/peer.mjs'
import { nginxDefault, nginxKeep } from '../peers/nginx/peer.mjs'
import { gatewayBun, gatewayBunServe, gatewayNode, hello } from '../subjects/servers.mjs'

const SUBJECTS = [
  hello,
  gatewayNode,
  gatewayBun,
  gatewayBunServe,
  nginxKeep,
  nginxDefault,
  caddy,
  apache,
  lighttpd,
  haproxy,
]

export const title = 'Gateways'

/**
 * @param {import('../lib/scope.mjs').Scope} scope @param {import('../lib/options.mjs').Options} options
 */
export async function run(scope, options) {
  const subjects = present(SUBJECTS, options)
  const sockets = await startResponder(scope, { tiny: TINY })
  const section = await compareServers(
    scope,
    subjects.present,
    {
      id: 'gateway-tiny',
      title: 'A tiny answer',
      base: subjects.present.includes(nginxKeep) ? nginxKeep.id : hello.id,
      root: documentRoot(scope),
      backend: async () => sockets.tiny,
      load: { request: writeRequest(scope.folder('request'), 'get'), length: TINY },
      rate: 2000,
      backendConnections: BACKEND_CONNECTIONS,
    },
    options,
  )
  return { sections: [section], missing: subjects.missing }
}
