// Every program on the web site is compiled against the packages; those that are meant to be run are run, against a real php-fpm.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { before, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { startFpm } from '../support/fpm.ts'
import { ROOT } from '../support/paths.ts'
import { accepts, freePort, Program } from '../support/process.ts'
import { blocksIn, readmeBlocks, WEBSITE, type Block } from './pages.ts'

const run = promisify(execFile)
const LIMIT = { timeout: 60_000 }
/** Below the repository, so that the packages are found from there. */
const FOLDER = join(ROOT, 'build', 'site')
const APP = join(ROOT, 'test', 'site', 'app')

const CONFIG = {
  compilerOptions: {
    target: 'ES2022',
    lib: ['ES2023', 'ESNext.Disposable'],
    types: ['node'],
    typeRoots: [join(ROOT, 'node_modules', '@types')],
    module: 'nodenext',
    moduleDetection: 'force',
    strict: true,
    exactOptionalPropertyTypes: true,
    noUnusedLocals: true,
    skipLibCheck: true,
    outDir: 'out',
    paths: {
      'npm:@fastcgi/*': [join(ROOT, 'packages', '*', 'dist', 'index.d.ts')],
      'kubernetes-models/*': [join(WEBSITE, 'node_modules', 'kubernetes-models', '*')],
    },
  },
  include: ['*.ts'],
}

/** What runtimes and large packages have, as far as the pages use it. */
const RUNTIMES = `
declare module '@opentelemetry/sdk-node' {
  export class NodeSDK {
    constructor(options: {
      serviceName: string
      instrumentations: import('@opentelemetry/instrumentation').Instrumentation[]
    })
    start(): void
  }
}
declare module 'cloudflare:sockets' {
  export function connect(address: { hostname: string; port: number }): {
    readonly readable: ReadableStream<Uint8Array>
    readonly writable: WritableStream<Uint8Array>
    close(): Promise<void>
  }
}
declare module 'cloudflare:workers' {
  export class DurableObject {
    fetch?(request: Request): Promise<Response>
  }
}
declare namespace Deno {
  function serve(
    options: { port: number },
    handler: (
      request: Request,
      info: { remoteAddr: { hostname: string; port: number } },
    ) => Promise<Response>,
  ): void
}
`

const programs = blocksIn('ts')
const isServer = ({ code }: Block): boolean => code.includes('8080')

let ports: Map<Block, number>
let complaints: string

/** The addresses and folders of the pages are those of everybody; ours are put in their place. */
function localised({ code, context }: Block, address: string, port: number): string {
  const text = code
    .replaceAll('unix:/run/php/php-fpm.sock', address)
    .replaceAll(/\/srv\/(?:app\/public|legacy|blog)/g, APP)
    .replaceAll('8080', String(port))
  return `${context}\n${text}`
}

before(async (t) => {
  assert.ok('after' in t)
  const { address } = await startFpm(t, { workers: 6 })
  await rm(FOLDER, { recursive: true, force: true })
  await mkdir(FOLDER, { recursive: true })
  await writeFile(join(FOLDER, 'package.json'), '{ "type": "module" }')
  await writeFile(join(FOLDER, 'tsconfig.json'), JSON.stringify(CONFIG))
  await writeFile(join(FOLDER, 'runtimes.d.ts'), RUNTIMES)
  ports = new Map()
  for (const block of [...programs, ...readmeBlocks('packages/client', 'undici')]) {
    const port = await freePort()
    ports.set(block, port)
    await writeFile(join(FOLDER, `${block.name}.ts`), localised(block, address, port))
  }
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
  complaints = await run(process.execPath, [tsc, '-p', FOLDER], LIMIT).then(
    () => '',
    (error: Error & { stdout: string }) => error.stdout || error.message,
  )
})

test('every program fits the packages', () => {
  assert.equal(complaints, '')
  assert.ok(programs.length > 30)
})

const runnable = programs.filter(({ prints }) => prints !== undefined)

for (const block of runnable.filter((one) => !isServer(one))) {
  const file = join(FOLDER, 'out', `${block.name}.js`)

  test(`${block.where} runs to its end`, async () => {
    const { stdout } = await run(process.execPath, [program(block, file)].flat(), LIMIT)
    assert.ok(stdout.includes(block.prints ?? ''), `${block.prints} in ${stdout}`)
  })
}

/** A program that exports a `fetch` is asked by whoever runs it. */
function program({ code }: Block, file: string): string[] {
  if (!code.includes('export default')) return [file]
  const ask = `
    const { default: app } = await import(${JSON.stringify(pathToFileURL(file).href)})
    for (const path of ['/hello.php', '/api/health']) {
      const response = await app.fetch(new Request('http://localhost' + path))
      console.log(response.status, await response.text())
    }
    process.exit()`
  return ['--input-type=module', '-e', ask]
}

for (const block of runnable.filter(isServer)) {
  test(`${block.where} serves PHP`, async (t) => {
    const port = ports.get(block)
    const server = new Program(process.execPath, [join(FOLDER, 'out', `${block.name}.js`)])
    t.after(() => server.stop())
    await server.until('listens', () => accepts(`127.0.0.1:${port}`))
    const page = await fetch(`http://127.0.0.1:${port}/hello.php`)
    assert.equal(page.status, 200)
    assert.equal(await page.text(), 'hello\n')
    if (block.code.includes('/api/health')) {
      assert.equal((await fetch(`http://127.0.0.1:${port}/api/health`)).status, 200)
    }
    await server.stop()
    if (block.code.includes('SIGTERM')) assert.equal(server.exit, 'status 0')
  })
}
