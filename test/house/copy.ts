// Copies of the house that a test may break.

import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { ROOT } from '../support/paths.ts'

export interface Outcome {
  code: number | null
  output: string
}

/** A folder laid out like the repository, gone after the test. */
export class Copy {
  readonly root: string

  constructor(t: TestContext) {
    this.root = mkdtempSync(join(tmpdir(), 'fastcgi-house-'))
    t.after(() => rmSync(this.root, { recursive: true, force: true }))
  }

  /** The sources and the manifest of the client, as they are now. */
  static ofClient(t: TestContext): Copy {
    const copy = new Copy(t)
    for (const path of ['packages/client/src', 'packages/client/package.json']) {
      cpSync(join(ROOT, path), join(copy.root, path), { recursive: true })
    }
    return copy
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true })
    writeFileSync(join(this.root, path), text)
  }

  append(path: string, text: string): void {
    this.write(path, `${readFileSync(join(this.root, path), 'utf8')}\n${text}\n`)
  }

  /** The number of the line that is this text. */
  lineOf(path: string, text: string): number {
    return readFileSync(join(this.root, path), 'utf8').split('\n').indexOf(text) + 1
  }

  /** Rewrites a JSON file. */
  change(path: string, edit: (content: Record<string, unknown>) => void): void {
    const content = JSON.parse(readFileSync(join(this.root, path), 'utf8'))
    edit(content)
    this.write(path, JSON.stringify(content, null, 2))
  }

  remove(path: string): void {
    rmSync(join(this.root, path), { recursive: true })
  }

  /** Runs one of the repository's scripts on this copy. */
  check(script: string, ...options: string[]): Promise<Outcome> {
    return runScript(script, ...options, this.root)
  }
}

/** Runs a script of the repository to its end. */
export function runScript(script: string, ...args: string[]): Promise<Outcome> {
  const child = spawn(process.execPath, [join(ROOT, 'scripts', script), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 30_000,
  })
  let output = ''
  child.stdout.on('data', (data) => (output += String(data)))
  child.stderr.on('data', (data) => (output += String(data)))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, output }))
  })
}
