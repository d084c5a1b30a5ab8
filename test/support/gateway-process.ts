// Runs `gateway-program.ts`, and reads what it says.

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TestContext } from 'node:test'
import type { ServeOptions } from '@fastcgi/gateway'
import { PHP_ROOT } from './paths.ts'
import { Program, temporaryDirectory } from './process.ts'

const PROGRAM = fileURLToPath(new URL('gateway-program.js', import.meta.url))

interface Said {
  readonly ready?: readonly string[]
  readonly admin?: string
  readonly failed?: string
  readonly level?: string
  readonly message?: string
}

/** A server in a process of its own. */
export class GatewayProcess {
  readonly program: Program
  readonly #file: string

  constructor(file: string, env: NodeJS.ProcessEnv = {}) {
    this.#file = file
    this.program = new Program(process.execPath, ['--enable-source-maps', PROGRAM, file], env)
  }

  get said(): Said[] {
    const lines = this.program.log.split('\n').filter((line) => line.startsWith('{'))
    return lines.map((line) => JSON.parse(line) as Said)
  }

  /** What it logged. */
  get log(): string {
    return this.said.map(({ level, message }) => (level ? `${level} ${message}` : '')).join('\n')
  }

  /** Other options, for the next reload. */
  async configure(options: ServeOptions & { text?: string }): Promise<void> {
    await writeFile(this.#file, JSON.stringify({ root: PHP_ROOT, listen: 0, ...options }))
  }

  async ready(): Promise<{ url: string; admin: string | undefined }> {
    const { ready, admin } = await this.program.until('is ready', () =>
      this.said.find((said) => said.ready),
    )
    return { url: ready![0]!, admin }
  }
}

/** Starts it, with further environment variables; gone with the test. */
export async function startProcess(
  t: TestContext,
  options: ServeOptions & { text?: string },
  env: NodeJS.ProcessEnv = {},
): Promise<GatewayProcess> {
  const file = join(await temporaryDirectory(t), 'options.json')
  await writeFile(file, JSON.stringify({ root: PHP_ROOT, listen: 0, ...options }))
  const running = new GatewayProcess(file, env)
  t.after(() => running.program.stop('SIGKILL'))
  return running
}
