// With real PHP behind: where it decides what a page costs, a gateway should not be seen.

import { join } from 'node:path'
import { compareServers } from '../lib/compare-servers.mjs'
import { fpm, startFpm } from '../lib/fpm.mjs'
import { writeRequest } from '../lib/load.mjs'
import { BENCHMARKS } from '../lib/paths.mjs'
import { present } from '../lib/present.mjs'
import { caddy } from '../peers/caddy/peer.mjs'
import { nginxKeep } from '../peers/nginx/peer.mjs'
import { gatewayBun, gatewayNode } from '../subjects/servers.mjs'

/** As many as there are connections to them: kept connections would hold the workers that others wait for. */
const WORKERS = 16
const SUBJECTS = [nginxKeep, gatewayNode, gatewayBun, caddy]
const PAGES = [
  { id: 'php-hello', title: 'hello script', script: 'hello.php', length: 13, rate: 1000 },
  {
    id: 'php-page',
    title: 'page of 5 ms',
    script: 'page.php',
    length: 10_240,
    rate: 150,
    warming: 'quick-page.php',
  },
  { id: 'php-large', title: 'page of 100 KiB', script: 'large.php', length: 102_400 },
]

export const title = 'With php-fpm'

/**
 * @param {import('../lib/scope.mjs').Scope} scope @param {import('../lib/options.mjs').Options} options
 */
export async function run(scope, options) {
  const reason = fpm.missing()
  if (reason !== undefined) return { sections: [], missing: [{ title, reason }] }
  const folder = scope.folder('request')
  const subjects = present(SUBJECTS, options)
  const sections = []
  for (const { id, title: page, script, length, rate, warming = script } of PAGES) {
    const request = writeRequest(folder, id, { target: `/${script}` })
    const quick = writeRequest(folder, `${id}-warming`, { target: `/${warming}` })
    const comparison = {
      id,
      title: `${fpm.version()}, ${page}`,
      base: subjects.present.includes(nginxKeep) ? nginxKeep.id : gatewayNode.id,
      root: join(BENCHMARKS, 'php'),
      backend: (/** @type {import('../lib/scope.mjs').Scope} */ own) => startFpm(own, WORKERS),
      load: { request, length },
      warming: { request: quick, length },
      ...(rate === undefined ? {} : { rate }),
      backendConnections: WORKERS,
    }
    sections.push(
      await scope.within((own) => compareServers(own, subjects.present, comparison, options)),
    )
  }
  return { sections, missing: subjects.missing }
}
