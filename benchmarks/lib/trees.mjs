// A revision of this project in a worktree of its own: built there, and measured by the subjects of this tree.

import { execFileSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { join } from 'node:path'
import { BENCHMARKS, ROOT } from './paths.mjs'

const COPIED = ['lib', 'peers', 'subjects', 'package.json']

/**
 * @param {import('./scope.mjs').Scope} scope @param {string} revision
 * @returns {{ revision: string, commit: string, path: string }}
 */
export function checkOut(scope, revision) {
  const path = join(scope.folder('tree'), 'tree')
  git('worktree', 'add', '--detach', path, revision)
  scope.defer(() => git('worktree', 'remove', '--force', path))
  install(path)
  const compiler = join(path, 'node_modules', 'typescript', 'bin', 'tsc')
  execFileSync(process.execPath, [compiler, '-b'], { cwd: path, stdio: 'inherit' })
  copySubjects(path)
  return { revision, commit: git('rev-parse', '--short', revision), path }
}

/** With the same lock file, what is installed here is shared, but for the packages of the project itself. @param {string} tree */
function install(tree) {
  const lock = (/** @type {string} */ root) => readFileSync(join(root, 'package-lock.json'), 'utf8')
  if (lock(tree) !== lock(ROOT)) {
    execFileSync('npm', ['ci', '--prefer-offline', '--no-audit', '--no-fund'], {
      cwd: tree,
      stdio: 'inherit',
    })
    return
  }
  const [from, to] = [join(ROOT, 'node_modules'), join(tree, 'node_modules')]
  mkdirSync(join(to, '@fastcgi'), { recursive: true })
  for (const name of readdirSync(from).filter((each) => each !== '@fastcgi')) {
    symlinkSync(join(from, name), join(to, name))
  }
  for (const name of readdirSync(join(tree, 'packages'))) {
    symlinkSync(join(tree, 'packages', name), join(to, '@fastcgi', name))
    // What npm could not put into the common folder, because of its version.
    const own = join('packages', name, 'node_modules')
    if (existsSync(join(ROOT, own))) symlinkSync(join(ROOT, own), join(tree, own))
  }
}

/** @param {string} tree */
function copySubjects(tree) {
  const folder = join(tree, 'benchmarks')
  rmSync(folder, { recursive: true, force: true })
  for (const name of COPIED) cpSync(join(BENCHMARKS, name), join(folder, name), { recursive: true })
  const modules = join(BENCHMARKS, 'node_modules')
  if (existsSync(modules)) symlinkSync(modules, join(folder, 'node_modules'))
}

/**
 * A subject that runs the code of that tree.
 *
 * @template {{ id: string, title: string, command: (target: any) => import('./programs.mjs').Command }} S
 * @param {S} subject @param {{ revision: string, commit: string, path: string }} tree @returns {S}
 */
export function inTree(subject, { revision, commit, path }) {
  const moved = (/** @type {string} */ text) => text.replace(BENCHMARKS, join(path, 'benchmarks'))
  return {
    ...subject,
    id: revision,
    title: `${revision} (${commit})`,
    /** @param {Parameters<S['command']>[0]} target */
    command(target) {
      const command = subject.command(target)
      return { ...command, args: command.args?.map(moved) }
    },
  }
}

/** @param {string[]} args */
function git(...args) {
  return execFileSync('git', args, {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim()
}
