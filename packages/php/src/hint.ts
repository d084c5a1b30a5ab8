// How to get a PHP here.

import { existsSync, readFileSync } from 'node:fs'
import process from 'node:process'

/** What makes embedded PHP available to a project. */
export const EMBEDDED_HINT = 'npm install @php-wasm/universal @php-wasm/node-8-4'

const BY_DISTRIBUTION = [
  { like: /debian|ubuntu/, command: 'sudo apt-get install -y php-fpm' },
  { like: /fedora|rhel|centos/, command: 'sudo dnf install -y php-fpm' },
  { like: /alpine/, command: 'apk add php84-fpm' },
  { like: /arch/, command: 'sudo pacman -S php-fpm' },
  { like: /suse/, command: 'sudo zypper install php8-fpm' },
]

/** The one command that installs PHP here; where none is known, the one that adds embedded PHP to the project. */
export function installHint(): string {
  if (process.platform === 'darwin') return 'brew install php'
  const ids = distribution()
  return BY_DISTRIBUTION.find(({ like }) => like.test(ids))?.command ?? EMBEDDED_HINT
}

/** How to get a PHP that is not embedded. */
export function systemHint(): string {
  const hint = installHint()
  return hint === EMBEDDED_HINT ? 'see https://www.php.net/downloads' : hint
}

/** ID and ID_LIKE of os-release(5). */
function distribution(): string {
  if (process.platform !== 'linux' || !existsSync('/etc/os-release')) return ''
  const lines = readFileSync('/etc/os-release', 'utf8').split('\n')
  return lines.filter((line) => /^ID(_LIKE)?=/.test(line)).join(' ')
}
