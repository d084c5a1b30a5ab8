// Which compiled test files to run. `node --test` takes a folder on some versions of Node and a
// pattern on others; a list of files it takes on all of them.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { BUILT_TESTS, filesBelow, ROOT } from './paths.mjs'

/**
 * @param {object} choice
 * @param {string[]} [choice.only] folders or parts of file names; all when empty
 * @param {string[]} [choice.except] folders to leave out
 * @returns {string[]} paths below build/test, such as `e2e/pool.test.js`
 */
export function testFiles({ only = [], except = [] }) {
  return filesBelow(BUILT_TESTS)
    .filter((file) => file.endsWith('.test.js'))
    .filter((file) => existsSync(join(ROOT, 'test', file.replace(/\.js$/, '.ts'))))
    .filter((file) => !except.includes(folderOf(file)))
    .filter((file) => only.length === 0 || only.some((part) => matches(file, part)))
}

/** @param {string} file */
export function folderOf(file) {
  return file.split('/')[0] ?? ''
}

/**
 * The name of a folder means that folder, even when files elsewhere have it in their names.
 * @param {string} file
 * @param {string} part
 */
function matches(file, part) {
  const wanted = part.replace(/\/$/, '').replace(/\.ts$/, '.js')
  const isFolder = existsSync(join(ROOT, 'test', wanted)) && !wanted.endsWith('.js')
  return isFolder ? file.startsWith(`${wanted}/`) : file.includes(wanted)
}
