// The package as its users get it: packed, installed in an empty folder far from this repository,
// and its README's Quick start type-checked and run against a real php-fpm, on every Node we name.
//
//   node scripts/check-package.mjs        after a build

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { pack } from './lib/pack.mjs'
import { ROOT } from './lib/paths.mjs'
import { startPhpFpm } from './lib/php-fpm.mjs'
import { ensurePhp } from './lib/php.mjs'
import { localized, quickStart } from './lib/quick-start.mjs'
import { capture, captureNpm, tool } from './lib/run.mjs'
import { ensureNode24 } from './lib/runtimes.mjs'

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

/** Offline: a package without dependencies needs nobody else. */
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

/** @returns {Promise<string[]>} the Nodes to run on */
async function nodes() {
  const other = await ensureNode24()
  if ('node' in other) return [process.execPath, other.node]
  if (inCI) throw new Error(`no Node 24: ${other.reason}`)
  console.log(`﹣ Node 24 is left out: ${other.reason}`)
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
