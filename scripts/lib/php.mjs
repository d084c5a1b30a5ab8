// Finds php-fpm and php-cgi, or says how to get them.

import { accessSync, constants, existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import process from 'node:process'
import { run } from './run.mjs'

/**
 * Where distributions put php-fpm: it is a system program, so a user's PATH often lacks its folder.
 */
const FOLDERS = [
  '/usr/sbin',
  '/usr/local/sbin',
  '/opt/homebrew/sbin',
  '/opt/local/sbin',
  '/usr/bin',
  '/usr/local/bin',
  '/opt/homebrew/bin',
]

/**
 * @typedef {object} FindOptions
 * @property {NodeJS.ProcessEnv} [env] the environment to read; the process's own by default
 * @property {string[]} [folders] folders to search after PATH
 */

/**
 * The php-fpm to use: the variable PHP_FPM, else the first in PATH and the usual folders.
 * @param {FindOptions} [options]
 * @returns {string | undefined} its path
 */
export function findPhpFpm(options) {
  return find('php-fpm', 'PHP_FPM', options)
}

/**
 * The php-cgi to use: the variable PHP_CGI, else the first in PATH and the usual folders.
 * @param {FindOptions} [options]
 * @returns {string | undefined} its path
 */
export function findPhpCgi(options) {
  return find('php-cgi', 'PHP_CGI', options)
}

/**
 * @param {string} name
 * @param {string} variable
 * @param {FindOptions} [options]
 */
function find(name, variable, { env = process.env, folders = FOLDERS } = {}) {
  const chosen = env[variable]
  if (chosen) {
    // A wish that cannot be met is told, not replaced by another PHP.
    if (isExecutable(chosen)) return chosen
    throw new Error(`${variable} is ${chosen}, which is not an executable file`)
  }
  const path = (env['PATH'] ?? '').split(delimiter).filter(Boolean)
  for (const folder of new Set([...path, ...folders])) {
    const found = inFolder(folder, name)
    if (found) return found
  }
  return undefined
}

/**
 * The program of that name in a folder, or else its newest version: Debian calls it `php-fpm8.2`,
 * Alpine `php-fpm84`.
 * @param {string} folder
 * @param {string} name
 */
function inFolder(folder, name) {
  if (!existsSync(folder) || !statSync(folder).isDirectory()) return undefined
  return readdirSync(folder)
    .filter((entry) => entry.startsWith(name) && /^[\d.]*$/.test(entry.slice(name.length)))
    .toSorted((a, b) => rank(b.slice(name.length)) - rank(a.slice(name.length)))
    .map((entry) => join(folder, entry))
    .find(isExecutable)
}

/**
 * No version first, since it is what the system chose; then the newest: 8.10 after 8.9, 84 as 8.4.
 * @param {string} version
 */
function rank(version) {
  if (version === '') return Infinity
  const [major = '', minor] = version.split('.')
  if (minor !== undefined) return Number(major) * 1000 + Number(minor)
  return Number(major[0]) * 1000 + Number(major.slice(1))
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

/** @returns {boolean} whether this is Debian, Ubuntu or a child of theirs */
function isDebian() {
  if (!existsSync('/etc/os-release')) return false
  return /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(readFileSync('/etc/os-release', 'utf8'))
}

/** @returns {string} the one command that installs PHP here */
export function installCommand() {
  if (process.platform === 'darwin') return 'brew install php'
  if (process.platform === 'win32') return 'wsl -u root apt-get install -y php-fpm php-cgi'
  if (isDebian()) return 'sudo apt-get install -y php-fpm php-cgi'
  if (existsSync('/etc/alpine-release')) return 'apk add php84-fpm php84-cgi'
  if (existsSync('/usr/bin/pacman')) return 'sudo pacman -S php-fpm php-cgi'
  return 'sudo dnf install -y php-fpm php-cgi'
}

/** Debian's way to root, without questions. @returns {Promise<boolean>} whether it worked */
async function installByApt() {
  console.log('php-fpm or php-cgi is missing: installing both by apt-get, this once')
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  const install = ['install', '-y', '--no-install-recommends', 'php-fpm', 'php-cgi']
  const update = await run('apt-get', ['update', '-q'], { env })
  return update === 0 && (await run('apt-get', ['-q', ...install], { env })) === 0
}

/**
 * Finds both, installing them where that needs nobody's consent: on Debian or Ubuntu, as root.
 * @returns {Promise<{ fpm?: string, cgi?: string }>} what there is
 */
export async function ensurePhp() {
  const root = process.getuid?.() === 0
  if (!(findPhpFpm() && findPhpCgi()) && root && isDebian()) await installByApt()
  const fpm = findPhpFpm()
  const cgi = findPhpCgi()
  if (!fpm || !cgi) {
    const missing = [fpm ? '' : 'php-fpm', cgi ? '' : 'php-cgi'].filter(Boolean).join(' and ')
    console.error(`${missing} not found. Install it with: ${installCommand()}`)
  }
  return { ...(fpm && { fpm }), ...(cgi && { cgi }) }
}

/**
 * Tells child processes which PHP was found, so that nothing has to search twice.
 * @param {{ fpm?: string, cgi?: string }} php
 */
export function phpEnv({ fpm, cgi }) {
  return { ...(fpm && { PHP_FPM: fpm }), ...(cgi && { PHP_CGI: cgi }) }
}
