// The packages as their users get them: packed, installed in an empty folder far from this repository. The Quick start of the
// client's README is type-checked and run against a real php-fpm on every Node we name; the command serves a page.
//
//   node scripts/check-package.mjs        after a build

import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { pack } from './lib/pack.mjs'
import { packagesOf, ROOT } from './lib/paths.mjs'
import { startPhpFpm } from './lib/php-fpm.mjs'
import { ensurePhp } from './lib/php.mjs'
import { localized, quickStart } from './lib/quick-start.mjs'
import { capture, captureNpm, tool } from './lib/run.mjs'
import { ensureRuntimes, PROGRAMS } from './lib/runtimes.mjs'

const CLIENT = join(ROOT, 'packages', 'client')
const MARK = 'PHP answered the Quick start'
const inCI = ['true', '1'].includes(process.env['CI'] ?? '')

/** What a careful user's tsconfig.json says; the library's types are checked too. */
const TSCONFIG = {
  compilerOptions: {
    target: 'es2022',
    module: 'nodenext',
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    types: ['node'],
    typeRoots: [join(ROOT, 'node_modules', '@types')],
    outDir: 'out',
  },
}

/**
 * @param {string} what
 * @param {{ code: number, stdout: string, stderr: string }} result
 */
function succeed(what, { code, stdout, stderr }) {
  if (code !== 0) throw new Error(`${what} failed (exit code ${code}):\n${stdout}${stderr}`)
  console.log(`✔ ${what}`)
}

/** Offline: the client has no dependencies, and needs nobody else. */
/** @param {string} folder */
async function installPacked(folder) {
  const { tarball } = await pack(CLIENT, folder)
  const manifest = { name: 'quick-start', version: '0.0.0', private: true, type: 'module' }
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
  const args = ['install', '--offline', '--ignore-scripts', '--no-audit', '--no-fund', tarball]
  succeed(
    'the packed tarball installs in an empty folder, offline',
    await captureNpm(args, { cwd: folder, timeout: 60_000 }),
  )
}

/** @param {string} folder @param {{ language: string, code: string }} block */
async function compile(folder, { language, code }) {
  const source = `quick-start.${language}`
  writeFileSync(join(folder, source), code)
  const tsconfig = { ...TSCONFIG, files: [source] }
  if (language === 'js') Object.assign(tsconfig.compilerOptions, { allowJs: true, checkJs: true })
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(tsconfig))
  const tsc = tool('typescript', 'tsc')
  succeed(
    'the Quick start agrees with the packed types',
    await capture(process.execPath, [tsc, '-p', folder], { cwd: folder, timeout: 60_000 }),
  )
}

/** It must end by itself: an open socket or timer would hold a user's program too. */
/** @param {string} folder @param {string} node */
async function runQuickStart(folder, node) {
  const script = join(folder, 'out', 'quick-start.js')
  const version = (await capture(node, ['--version'], { timeout: 10_000 })).stdout.trim()
  const result = await capture(node, [script], { cwd: folder, timeout: 20_000 })
  const what = `the Quick start runs and ends by itself on Node ${version}`
  const silent = result.code === 0 && !result.stdout.includes(MARK)
  if (silent) throw new Error(`${what}, but does not print what PHP said:\n${result.stdout}`)
  succeed(what, result)
}

/** All of them, with what others have written and they depend on. */
/** @param {string} folder @returns {Promise<string>} the command */
async function installAll(folder) {
  const tarballs = []
  for (const { path } of packagesOf(ROOT)) tarballs.push((await pack(path, folder)).tarball)
  const args = ['install', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund']
  const options = { cwd: folder, timeout: 2 * 60_000 }
  succeed('all packed tarballs install together', await captureNpm([...args, ...tarballs], options))
  return join(folder, 'node_modules', '.bin', 'fcgi')
}

/** @param {string} fcgi @param {string} root @param {string} address of a php-fpm */
async function serveByCommand(fcgi, root, address) {
  const args = ['serve', root, '--backend', address, '--listen', '127.0.0.1:0', '--log', 'json']
  const child = spawn(fcgi, args, { stdio: ['ignore', 'pipe', 'inherit'], timeout: 60_000 })
  let output = ''
  let page = ''
  /** @param {string} url */
  const ask = async (url) => {
    const answer = await fetch(url).catch(String)
    page = typeof answer === 'string' ? answer : await answer.text()
    child.kill('SIGTERM')
  }
  child.stdout.setEncoding('utf8').on('data', (text) => {
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec((output += text))?.[0]
    if (url === undefined || page !== '') return
    page = 'asked for'
    void ask(url)
  })
  const code = await new Promise((resolve) => child.once('close', resolve))
  const stderr = `${output}\nthe page: ${page}`
  const right = code === 0 && page === MARK
  succeed('the packed command serves a page and ends', { code: right ? 0 : 1, stdout: '', stderr })
}

/** @returns {Promise<string[]>} the Nodes to run on */
async function nodes() {
  const reason = await ensureRuntimes()
  if (reason === undefined) return [process.execPath, PROGRAMS.node24]
  if (inCI) throw new Error(`no Node 24: ${reason}`)
  console.log(`﹣ Node 24 is left out: ${reason}`)
  return [process.execPath]
}

/** @param {string} folder */
async function check(folder) {
  const block = quickStart(join(CLIENT, 'README.md'))
  const { fpm: program } = await ensurePhp()
  if (!program) throw new Error('the Quick start needs php-fpm')
  const root = join(folder, 'public')
  mkdirSync(root)
  writeFileSync(join(root, 'index.php'), `<?php echo '${MARK}';\n`)
  await installPacked(folder)
  const fpm = await startPhpFpm(program)
  try {
    const code = localized(block.code, { address: fpm.address, root })
    await compile(folder, { ...block, code })
    for (const node of await nodes()) await runQuickStart(folder, node)
    await serveByCommand(await installAll(folder), root, fpm.address)
  } finally {
    await fpm.stop()
  }
}

const folder = mkdtempSync(join(tmpdir(), 'fastcgi-package-'))
try {
  await check(folder)
} catch (error) {
  console.error(`✖ ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
