// Runs the tests on other runtimes: the same files, compiled once, on Node 22, 24 and 26, Bun and Deno, and the client inside workerd.
//
//   npm run test:runtimes                     all of them
//   npm run test:runtimes -- bun deno         some of them
//   npm run test:runtimes -- deno e2e/pool    parts of the names of files as well, on Bun and Deno
//   npm run test:runtimes -- --no-build       with what is built already

import process from 'node:process'
import { parseArgs } from 'node:util'
import { join } from 'node:path'
import { prepare } from './lib/build.mjs'
import { BUILT_TESTS, ROOT } from './lib/paths.mjs'
import { ensurePhp, phpEnv } from './lib/php.mjs'
import { capture, run } from './lib/run.mjs'
import { ONCE, SUITES } from './lib/runtime-suites.mjs'
import { ensureRuntimes, PROGRAMS } from './lib/runtimes.mjs'
import { testFiles } from './lib/test-files.mjs'

/** Longer than any one test file may take, in ms. */
const FILE_TIMEOUT = 3 * 60_000
const NODE_TIMEOUT = 25 * 60_000
/** They wait more than they work. */
const AT_A_TIME = 3

const inCI = ['true', '1'].includes(process.env['CI'] ?? '')

/** @typedef {import('./lib/runtime-suites.mjs').Suites} Suites */
/** @typedef {{ passed: number, failed: string[] }} Outcome */

/**
 * How a runtime runs one file.
 * @type {Record<'bun' | 'deno', (path: string, without: string | undefined) => string[]>}
 */
const COMMANDS = {
  bun: (path, without) => [
    'test',
    `--timeout=${FILE_TIMEOUT}`,
    ...(without === undefined ? [] : [`--test-name-pattern=^(?!.*(${without}))`]),
    path,
  ],
  deno: (path, without) => [
    'test',
    '--allow-all',
    '--no-check',
    '--no-lock',
    ...(without === undefined ? [] : [`--filter=/^(?!.*(${without}))/`]),
    path,
  ],
}

/** @param {'bun' | 'deno'} name @param {string} file @param {NodeJS.ProcessEnv} env */
async function runFile(name, file, env) {
  const start = performance.now()
  const without = SUITES[name].tests[file]?.[0]
  const args = COMMANDS[name](join(BUILT_TESTS, file), without)
  const { code, stdout, stderr } = await capture(PROGRAMS[name], args, {
    env: { ...env, NO_COLOR: '1' },
    timeout: FILE_TIMEOUT,
  })
  const seconds = ((performance.now() - start) / 1000).toFixed(1).padStart(6)
  console.log(`${code === 0 ? '✔' : '✖'} ${name} ${seconds} s  ${file}`)
  if (code !== 0) console.log(`${stdout}\n${stderr}`)
  return code === 0
}

/** @param {'bun' | 'deno'} name @param {string[]} only @param {NodeJS.ProcessEnv} env @returns {Promise<Outcome>} */
async function runFiles(name, only, env) {
  const { folders, files, own } = SUITES[name]
  const mine = own.filter((file) => only.length === 0 || only.some((part) => file.includes(part)))
  const queue = [
    ...testFiles({ only, except: [...folders] }).filter((file) => !(file in files)),
    ...mine,
  ]
  /** @type {Outcome} */
  const outcome = { passed: 0, failed: [] }
  const lane = async () => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      if (await runFile(name, file, env)) outcome.passed++
      else outcome.failed.push(`${name}: ${file}`)
    }
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, lane))
  return outcome
}

/** @param {keyof typeof PROGRAMS} name @param {string[]} args @returns {Promise<Outcome>} */
async function runNode(name, args) {
  const script = join(ROOT, 'scripts', 'test.mjs')
  const code = await run(process.execPath, [script, '--no-build', ...args], {
    timeout: NODE_TIMEOUT,
  })
  return code === 0 ? { passed: 1, failed: [] } : { passed: 0, failed: [name] }
}

/** @param {string} name @returns {name is 'bun' | 'deno'} */
function hasSuites(name) {
  return name in SUITES
}

/** Tells what was left out, so that a green run cannot hide it. @param {string[]} names */
function reportLeftOut(names) {
  for (const name of names.filter(hasSuites)) {
    const { folders, files, tests } = SUITES[name]
    console.log(`\nNot run on ${name}, beside the folders ${folders.join(', ')}:`)
    for (const [file, reason] of Object.entries(files)) console.log(`  - ${file}: ${reason}`)
    for (const [file, [pattern, reason]] of Object.entries(tests)) {
      console.log(`  - ${file}, «${pattern.replaceAll('|', '», «')}»: ${reason}`)
    }
  }
}

/** A file that is named and not there would hide that its reason is gone. */
function staleNames() {
  const known = new Set(testFiles({}))
  return Object.values(SUITES)
    .flatMap(({ files, tests }) => Object.keys(files).concat(Object.keys(tests)))
    .filter((file) => !known.has(file))
}

/** @param {keyof typeof PROGRAMS} name @param {string[]} only @param {NodeJS.ProcessEnv} env */
function runOn(name, only, env) {
  console.log(`\n── ${name}`)
  if (hasSuites(name)) return runFiles(name, only, env)
  // workerd and the examples of all runtimes are driven by tests that run on this Node.
  if (name === 'workerd') return runNode(name, ['workers', 'examples'])
  const except = [...ONCE, 'bun'].flatMap((folder) => ['--except', folder])
  return runNode(name, ['--node', PROGRAMS[name], ...except, ...only])
}

/** @returns {Promise<number>} exit code */
async function main() {
  const { values: options, positionals } = parseArgs({
    allowPositionals: true,
    options: { build: { type: 'boolean', default: true } },
    allowNegative: true,
  })
  const all = /** @type {(keyof typeof PROGRAMS)[]} */ (Object.keys(PROGRAMS))
  const wanted = all.filter((name) => positionals.includes(name))
  const only = positionals.filter((word) => !(word in PROGRAMS))
  const names = wanted.length === 0 ? all : wanted
  const prepared = options.build ? await prepare() : 0
  if (prepared !== 0) return prepared
  const missing = await ensureRuntimes()
  if (missing !== undefined) {
    console.error(missing)
    return 1
  }
  const stale = staleNames()
  if (stale.length > 0) {
    console.error(`scripts/lib/runtime-suites.mjs names what is not there: ${stale.join(', ')}`)
    return 1
  }
  const php = await ensurePhp()
  if (inCI && !php.fpm) return 1
  const env = phpEnv(php)
  /** @type {string[]} */
  const failed = []
  for (const name of names) failed.push(...(await runOn(name, only, env)).failed)
  reportLeftOut(names)
  if (failed.length > 0) console.error(`\nFailed:\n${failed.map((row) => `  ✖ ${row}`).join('\n')}`)
  else console.log(`\n✔ ${names.join(', ')}`)
  return failed.length > 0 ? 1 : 0
}

process.exitCode = await main()
