// What is large, and who is slow.

import { join } from 'node:path'
import { besideSlow } from '../lib/beside-slow.mjs'
import { compareBodies } from '../lib/compare-bodies.mjs'
import { compareServers } from '../lib/compare-servers.mjs'
import { fpm, startFpm } from '../lib/fpm.mjs'
import { writeRequest } from '../lib/load.mjs'
import { BENCHMARKS } from '../lib/paths.mjs'
import { present } from '../lib/present.mjs'
import { HEAD_LENGTH, startResponder, TINY } from '../lib/responder.mjs'
import { nginxDefault } from '../peers/nginx/peer.mjs'
import { gatewayBun, gatewayNode } from '../subjects/servers.mjs'

const GIB = 2 ** 30
const MIB = 2 ** 20
const PHP = join(BENCHMARKS, 'php')

export const title = 'Bodies'

/**
 * @param {import('../lib/scope.mjs').Scope} scope @param {import('../lib/options.mjs').Options} options
 */
export async function run(scope, options) {
  const { rounds } = options
  const sockets = await startResponder(scope, { tiny: TINY, large: GIB })
  const down = {
    id: 'body-down',
    title: 'client, 1 GiB down',
    kinds: {
      'raw-down': 'raw socket (floor)',
      'raw-down-one-buffer': 'raw socket, one buffer',
      'stream-down': 'stream',
    },
    target: { socket: sockets.large, length: HEAD_LENGTH + GIB },
    bytes: GIB,
  }
  const up = {
    id: 'body-up',
    title: 'client, 1 GiB up',
    kinds: { 'raw-up': 'raw socket (floor)', 'stream-up': 'execute with a stream as stdin' },
    target: { socket: sockets.tiny, length: HEAD_LENGTH + TINY },
    bytes: GIB,
  }
  const sections = [
    await scope.within((own) => compareBodies(own, down, rounds)),
    await scope.within((own) => compareBodies(own, up, rounds)),
  ]
  const reason = fpm.missing()
  if (reason !== undefined)
    return { sections, missing: [{ title: 'gateways with php-fpm', reason }] }
  const servers = present([nginxDefault, gatewayNode, gatewayBun], options)
  const base = servers.present.includes(nginxDefault) ? nginxDefault.id : gatewayNode.id
  const folder = scope.folder('request')
  const upload = {
    id: 'upload',
    title: `${fpm.version()}, uploads of 1 MiB`,
    base,
    root: PHP,
    backend: (/** @type {import('../lib/scope.mjs').Scope} */ own) => startFpm(own, 4),
    load: uploading(folder, 'upload', MIB),
    warming: uploading(folder, 'small-upload', 1024),
    backendConnections: 4,
  }
  sections.push(
    await scope.within((own) => compareServers(own, servers.present, upload, options)),
    await scope.within((own) => besideSlow(own, servers.present, base, PHP, options)),
  )
  return { sections, missing: servers.missing }
}

/** @param {string} folder @param {string} name @param {number} bytes @returns {import('../lib/load.mjs').Load} */
function uploading(folder, name, bytes) {
  const headers = {
    'Content-Type': 'application/octet-stream',
    'Content-Length': `${bytes}`,
  }
  const request = writeRequest(folder, name, { method: 'POST', target: '/upload.php', headers })
  return { request, length: 13, body: bytes, connections: 4 }
}
