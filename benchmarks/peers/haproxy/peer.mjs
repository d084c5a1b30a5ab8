// HAProxy, one thread, with kept connections to the backend. It looks at no files.

import { installedPeer, writeConfig } from '../installed.mjs'

/** @param {import('../../lib/server-subject.mjs').Site} site */
function configuration({ port, root, backend }) {
  return `
global
  nbthread 1
  maxconn 4096
defaults
  mode http
  option http-keep-alive
  http-reuse always
  timeout connect 10s
  timeout client 600s
  timeout server 600s
frontend http
  bind 127.0.0.1:${port} backlog 4096
  default_backend php
backend php
  use-fcgi-app php
  server php unix@${backend} proto fcgi pool-max-conn 64
fcgi-app php
  docroot ${root}
  index index.php
  path-info ^(/.+\\.php)(/.*)?$
  option keep-conn
`
}

export const haproxy = installedPeer({
  id: 'haproxy',
  title: 'HAProxy',
  names: ['haproxy'],
  package: 'haproxy',
  versionArgs: ['-v'],
  start: (site) => ({
    args: ['-db', '-f', writeConfig(site.folder, 'haproxy.cfg', configuration(site))],
  }),
})
