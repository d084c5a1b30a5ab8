// A real php-fpm. Every subject gets a pool of its own: the connections that one keeps hold workers, and would starve the next.

import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { versionOf, writeConfig } from '../peers/installed.mjs'
import { findProgram, start, untilAccepts } from './programs.mjs'

const NAMES = [
  'php-fpm',
  ...['8.5', '8.4', '8.3', '8.2', '8.1'].map((version) => `php-fpm${version}`),
]
const program = findProgram(NAMES)

export const fpm = {
  missing: () => (program ? undefined : 'php-fpm is not installed (apt-get install php-fpm)'),
  version: () => `PHP ${versionOf(program ?? '', ['-v'])}`,
}

/**
 * @param {import('./scope.mjs').Scope} scope @param {number} workers
 * @returns {Promise<string>} the socket
 */
export async function startFpm(scope, workers) {
  const folder = scope.folder('fpm')
  const socket = join(folder, 'php.sock')
  const file = writeConfig(folder, 'fpm.conf', configuration(folder, socket, workers))
  const root = process.getuid?.() === 0 ? ['-R'] : []
  const running = start(scope, {
    file: program ?? '',
    args: ['-n', '-F', '-O', '-y', file, ...root],
  })
  await untilAccepts(running, { path: socket })
  chmodSync(socket, 0o777)
  return socket
}

/** @param {string} folder @param {string} socket @param {number} workers */
function configuration(folder, socket, workers) {
  return `
[global]
error_log = ${folder}/fpm.log
daemonize = no
[www]
listen = ${socket}
listen.backlog = 4096
pm = static
pm.max_children = ${workers}
${process.getuid?.() === 0 ? 'user = 0\ngroup = 0' : ''}
php_admin_value[memory_limit] = -1
php_admin_value[max_execution_time] = 0
php_admin_value[post_max_size] = 0
`
}
