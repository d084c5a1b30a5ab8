// What `fcgi serve` says when it is ready.

import type { GatewayServer, ServeOptions } from '@fastcgi/gateway'
import type { Paint } from '../terminal/colour.ts'

/** @param file The configuration file that was read. */
export function banner(
  server: GatewayServer,
  options: ServeOptions,
  file: string | undefined,
  paint: Paint,
): string {
  const rows: [name: string, value: string | undefined][] = [
    ['root', options.root],
    ['sites', options.sites?.flatMap(({ hosts }) => hosts).join(', ')],
    ['preset', options.preset],
    ['php', server.php ?? backendName(options)],
    ['workers', options.workers === undefined ? undefined : String(options.workers)],
    ['admin', server.admin && `${server.admin}/status`],
    ['config', file],
    ['mode', options.development ? 'development: failures are shown with their cause' : undefined],
  ]
  const lines = rows
    .filter((row): row is [string, string] => Boolean(row[1]))
    .map(([name, value]) => `     ${paint('dim', name.padEnd(8))} ${value}`)
  const addresses = server.addresses.map(
    (address) => `  ${paint('green', '➜')}  ${paint('bold', address)}`,
  )
  return ['', ...addresses, '', ...lines, '', `     ${paint('dim', 'Ctrl-C stops it')}`, ''].join(
    '\n',
  )
}

function backendName({ backend }: ServeOptions): string | undefined {
  if (typeof backend === 'string') return backend
  return backend && 'address' in backend ? backend.address : undefined
}
