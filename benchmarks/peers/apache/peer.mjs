// Apache: mpm_event with one process, mod_proxy_fcgi with kept connections. Its threads are held on one core.

import { findProgram } from '../../lib/programs.mjs'
import { installedPeer, writeConfig } from '../installed.mjs'

const MODULES = { mpm_event: '', authz_core: '', dir: '', proxy: '', proxy_fcgi: '' }
const FOLDER = '/usr/lib/apache2/modules'

/** @param {import('../../lib/server-subject.mjs').Site} site */
function configuration({ port, root, backend, folder }) {
  return `
ServerRoot ${folder}
DefaultRuntimeDir ${folder}
PidFile ${folder}/httpd.pid
ErrorLog ${folder}/error.log
LogLevel error
ServerName www.example.org
Listen 127.0.0.1:${port}
${Object.keys(MODULES)
  .map((name) => `LoadModule ${name}_module ${FOLDER}/mod_${name}.so`)
  .join('\n')}
User www-data
Group www-data
StartServers 1
ServerLimit 1
ThreadLimit 64
ThreadsPerChild 64
MaxRequestWorkers 64
KeepAlive On
KeepAliveTimeout 600
MaxKeepAliveRequests 0
DocumentRoot ${root}
<Directory ${root}>
  Require all granted
  AllowOverride None
</Directory>
DirectoryIndex index.php
<FilesMatch "\\.php$">
  SetHandler "proxy:unix:${backend}|fcgi://php/"
</FilesMatch>
<Proxy "fcgi://php/" enablereuse=on max=64>
</Proxy>
`
}

export const apache = installedPeer({
  id: 'apache',
  title: 'Apache mod_proxy_fcgi',
  names: ['apache2', 'httpd'],
  package: 'apache2',
  versionArgs: ['-v'],
  start: (site, program) => {
    const args = [
      '-D',
      'FOREGROUND',
      '-f',
      writeConfig(site.folder, 'httpd.conf', configuration(site)),
    ]
    const taskset = findProgram(['taskset'])
    return taskset ? { file: taskset, args: ['-c', '0', program, ...args] } : { args }
  },
})
