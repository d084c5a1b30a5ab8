// What a user would download.

import { join } from 'node:path'
import { captureNpm } from './run.mjs'

/**
 * @param {string} packageFolder
 * @param {string} destination where the tarball goes: never into the package, where git sees it
 * @returns {Promise<{ tarball: string, files: string[] }>}
 */
export async function pack(packageFolder, destination) {
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', destination]
  const { code, stdout, stderr } = await captureNpm(args, { cwd: packageFolder, timeout: 60_000 })
  if (code !== 0) throw new Error(`npm pack failed in ${packageFolder}:\n${stderr}`)
  // A list, or since npm 12 an object by package name.
  const [packed] = Object.values(JSON.parse(stdout))
  const files = packed.files.map((/** @type {{ path: string }} */ file) => file.path)
  return { tarball: join(destination, packed.filename), files }
}
