// Caddy on one core, with its php_fastcgi directive as documented.

import { installedPeer, writeConfig } from '../installed.mjs'

/** @param {import('../../lib/server-subject.mjs').Site} site */
function configuration({ port, root, backend }) {
  return `{
  admin off
  auto_https off
  log {
    level ERROR
  }
}
:${port} {
  bind 127.0.0.1
  root * ${root}
  php_fastcgi unix/${backend}
}
`
}

export const caddy = installedPeer({
  id: 'caddy',
  title: 'Caddy',
  names: ['caddy'],
  package: 'caddy',
  versionArgs: ['version'],
  start: (site) => ({
    args: [
      'run',
      '--adapter',
      'caddyfile',
      '--config',
      writeConfig(site.folder, 'Caddyfile', configuration(site)),
    ],
    env: {
      GOMAXPROCS: '1',
      HOME: site.folder,
      XDG_DATA_HOME: site.folder,
      XDG_CONFIG_HOME: site.folder,
    },
  }),
})
