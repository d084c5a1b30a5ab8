// lighttpd, one process. It opens a connection to the backend for each request; there is no option to keep them.

import { installedPeer, writeConfig } from '../installed.mjs'

/** @param {import('../../lib/server-subject.mjs').Site} site */
function configuration({ port, root, backend, folder }) {
  return `
server.modules = ( "mod_fastcgi" )
server.document-root = "${root}"
server.bind = "127.0.0.1"
server.port = ${port}
server.errorlog = "${folder}/error.log"
server.upload-dirs = ( "${folder}" )
server.max-keep-alive-requests = 65535
server.max-fds = 8192
index-file.names = ( "index.php" )
fastcgi.server = ( ".php" => (( "socket" => "${backend}", "check-local" => "enable" )) )
`
}

export const lighttpd = installedPeer({
  id: 'lighttpd',
  title: 'lighttpd',
  names: ['lighttpd'],
  package: 'lighttpd',
  versionArgs: ['-v'],
  start: (site) => ({
    args: ['-D', '-f', writeConfig(site.folder, 'lighttpd.conf', configuration(site))],
  }),
})
