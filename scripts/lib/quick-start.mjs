// The Quick start of a README, as a program that can be run here.

import { readFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'

/** The address the README shows: where Debian's php-fpm listens. */
const ADDRESS = 'unix:/run/php/php-fpm.sock'

/**
 * The first block of code below the heading "Quick start".
 * @param {string} readme its path
 * @returns {{ language: string, code: string }}
 */
export function quickStart(readme) {
  if (!existsSync(readme)) throw new Error(`${readme} does not exist, so it has no Quick start`)
  const text = readFileSync(readme, 'utf8')
  const section = /^#+ +Quick start\b.*\n([^]*?)(?=^## |(?![^]))/im.exec(text)?.[1]
  if (section === undefined) throw new Error(`${readme} has no heading "Quick start"`)
  const block = /^```(ts|js)\b.*\n([^]*?)^```/m.exec(section)
  if (!block) throw new Error(`the Quick start of ${readme} has no \`\`\`ts or \`\`\`js block`)
  return { language: block[1] ?? 'ts', code: block[2] ?? '' }
}

/**
 * Puts the places of this machine where the README has examples: the socket, the document root and
 * every path of a script, which becomes `index.php` in that root.
 * @param {string} code
 * @param {{ address: string, root: string }} places
 */
export function localized(code, { address, root }) {
  if (!code.includes(ADDRESS)) throw new Error(`the Quick start does not name ${ADDRESS}`)
  return code
    .replaceAll(ADDRESS, address)
    .replaceAll(/(['"`])\/[^'"`\s]*\.php\1/g, `$1${join(root, 'index.php')}$1`)
    .replaceAll(/(\broot: *)(['"`])\/[^'"`]*\2/g, `$1$2${root}$2`)
}
