// A dev server of Vite with PHP in it, on a folder of a test's own.

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createServer, type InlineConfig, type LogLevel, type ViteDevServer } from 'vite'
import { php, type ViteOptions } from '@fastcgi/gateway/vite'
import type { Scope } from './process.ts'

/** Files by their path. */
export type Project = Readonly<Record<string, string | Uint8Array>>

/** A dev server that runs. */
export interface RunningVite {
  readonly server: ViteDevServer
  /** Without a slash at its end. */
  readonly origin: string
  readonly folder: string
  /** What the terminal would have shown. */
  readonly log: string[]
  /** Writes a file of the project. */
  readonly edit: (path: string, content: string | Uint8Array) => Promise<void>
}

/** Writes the files of a project, each into its folder. */
export async function writeProject(folder: string, files: Project): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    const file = join(folder, path)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, content)
  }
}

/** Vite's logger, kept. */
export function keptLogger(log: string[]): NonNullable<InlineConfig['customLogger']> {
  const keep =
    (level: LogLevel) =>
    (message: string): void =>
      void log.push(`${level}: ${message}`)
  return {
    info: keep('info'),
    warn: keep('warn'),
    warnOnce: keep('warn'),
    error: keep('error'),
    clearScreen: () => {},
    hasErrorLogged: () => false,
    hasWarned: false,
  }
}

/** Starts a dev server, which is closed with its scope. */
export async function startVite(
  scope: Scope,
  files: Project,
  options: ViteOptions = {},
  config: InlineConfig = {},
): Promise<RunningVite> {
  const folder = await mkdtemp(join(tmpdir(), 'fcgi-vite-'))
  await writeProject(folder, files)
  const log: string[] = []
  const server = await createServer({
    configFile: false,
    root: folder,
    customLogger: keptLogger(log),
    cacheDir: join(folder, '.vite'),
    ...config,
    plugins: [php(options), ...(config.plugins ?? [])],
    server: { port: 0, host: '127.0.0.1', ...config.server },
  })
  scope.after(async () => {
    await server.close()
    await rm(folder, { recursive: true, force: true })
  })
  await server.listen()
  const address = server.httpServer?.address()
  if (typeof address !== 'object' || address === null)
    throw new Error('the dev server does not listen')
  const scheme = config.server?.https ? 'https' : 'http'
  return {
    server,
    origin: `${scheme}://127.0.0.1:${address.port}`,
    folder,
    log,
    edit: (path, content) => writeProject(folder, { [path]: content }),
  }
}
