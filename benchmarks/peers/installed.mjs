// Peers come from the packages of the system. What is not there is named, with what would install it.

import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findProgram } from '../lib/programs.mjs'

/**
 * @param {object} options
 * @param {string} options.id
 * @param {string} options.title
 * @param {readonly string[]} options.names of the program
 * @param {string} options.package that installs it
 * @param {readonly string[]} options.versionArgs
 * @param {(site: import('../lib/server-subject.mjs').Site, program: string) => Omit<import('../lib/programs.mjs').Command, 'file'> & { file?: string }} options.start
 * @returns {import('../lib/server-subject.mjs').ServerSubject}
 */
export function installedPeer({ id, title, names, package: name, versionArgs, start }) {
  const program = findProgram(names)
  return {
    id,
    title,
    peer: true,
    own: false,
    missing: () => (program ? undefined : `${names[0]} is not installed (apt-get install ${name})`),
    version: () => versionOf(program ?? '', versionArgs),
    command: (site) => ({ file: program ?? '', ...start(site, program ?? '') }),
  }
}

/** The first version number that the program says. @param {string} program @param {readonly string[]} args */
export function versionOf(program, args) {
  const { stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' })
  return /\d+\.\d+(\.\d+)*/.exec(`${stdout}${stderr}`)?.[0] ?? 'unknown'
}

/** @param {string} folder @param {string} name @param {string} text @returns {string} the path */
export function writeConfig(folder, name, text) {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}
